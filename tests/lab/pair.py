# SPDX-License-Identifier: ISC
"""A pair of vrrpd with a client that asks all the time, and what most tests
say about it."""

from . import daemons
from .lab import VIP, Probe
from .netns import mono_ns

# At 1 s adverts: three intervals, the skew of the second node, three claim
# spacings of 20 ms; the upper bound leaves room for a loaded machine.
TAKEOVER_LEAST, TAKEOVER_MOST = 2.9, 3.9
# A client may miss the address for so long when the word was passed on.
# Measured values are a tenth of it; this only tells a hang from work.
GAP_MS = 300


class Pair:
    def __init__(self, lab, start=True, **kw):
        self.lab = lab
        secret = kw.pop("secret_text", None)
        text = daemons.conf(**kw)
        self.a = daemons.Vrrpd(lab.alpha, text, secret, start=False)
        self.b = daemons.Vrrpd(lab.beta, text, secret, start=False)
        self.probe = None
        if start:
            self.start()

    def start(self, probe=True):
        """Both from cold; alpha is preferred and becomes active.  On a
        loaded machine it must not be the one that starts later."""
        self.a.start()
        self.lab.wait_for(lambda: self.a.proc.said("pair vpn"), 10,
                          "alpha's elector runs")
        self.b.start()
        self.lab.wait_holder("alpha", 20)
        if probe:
            self.probe = Probe(self.lab, self.lab.client)
            self.probe.wait_answer("alpha", 10)
        # the standby has heard the active: from here on all is settled
        since = mono_ns()
        self.lab.wait_for(lambda: self.lab.adverts("alpha", since), 5,
                          "alpha sends adverts")
        return self

    def of(self, name):
        return self.a if name == "alpha" else self.b

    def gap(self, what, since, name, settle=0.3, most=GAP_MS):
        """The longest time without an answer since then; the node named
        answers at the end.  Some answers before are looked at as well."""
        self.probe.wait_answer(name, 15, since)
        self.lab.elapse(settle)
        ms, _ = self.probe.gap(since - 50_000_000)
        self.lab.measure(f"{what}: client's gap", ms)
        assert self.probe.last() == name
        assert ms < most, f"no answer for {ms:.0f} ms"
        return ms

    def takeover(self, what, name="beta", dead="alpha", timeout=15):
        """The address in the standby's kernel, counted from the last advert
        of the dead one; checked against what is promised."""
        got = self.lab.wait_holder(name, timeout)
        last = [a for a in self.lab.adverts(dead, until=got)][-1].ns
        s = (got - last) / 1e9
        self.lab.measure(f"{what}: takeover after the last advert", s, "s")
        assert TAKEOVER_LEAST < s < TAKEOVER_MOST, s
        return got

    def rests(self, name, seconds, but=()):
        """Nothing moves: one holder, one sender, for so long."""
        since = mono_ns()
        self.lab.stays(name, seconds)
        other = "beta" if name == "alpha" else "alpha"
        assert not self.lab.adverts(other, since), f"{other} spoke up"

    def pace(self, name, since, until=None):
        """Seconds between the adverts of a node."""
        ns = [a.ns for a in self.lab.adverts(name, since, until=until)]
        return [(y - x) / 1e9 for x, y in zip(ns, ns[1:])]


def no_double(lab):
    return not lab.kernel.double(VIP)
