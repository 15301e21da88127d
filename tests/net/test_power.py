# SPDX-License-Identifier: ISC
"""Machines that lose their power, alone and together, and come back."""

from lab.daemons import KEY
from lab.lab import VIP
from lab.netns import mono_ns
from lab.pair import Pair


def test_active_loses_power(pair, lab):
    term = pair.a.pair()["term"]
    t = mono_ns()
    lab.alpha.power_off()
    got = pair.takeover("power lost")
    pair.probe.wait_answer("beta", 5, t)
    lab.measure("power lost: client's gap", pair.probe.gap(t - 5e7)[0])
    assert pair.b.pair()["term"] == term + 1
    # the network learns it twice at least, more than 1 s apart (6.7)
    lab.wait_for(lambda: [a for a in lab.announcements("beta", got)
                          if a.ns - got > 0.9e9], 3, "announced again")
    lab.alpha.power_on()
    back = mono_ns()
    pair.a.start()
    pair.a.wait_role("standby")
    pair.rests("beta", 5)
    assert not lab.adverts("alpha", back), "a returning node is silent"


def test_standby_loses_power(pair, lab):
    lab.beta.power_off()
    lab.stays("alpha", 4)
    lab.beta.power_on()
    pair.b.start()
    pair.b.wait_role("standby")
    pair.rests("alpha", 4)


def test_both_lose_power(pair, lab):
    """The term goes on where it was; adverts never repeat a number."""
    term = pair.a.pair()["term"]
    lab.wait_for(lambda: len(lab.adverts("alpha")) > 3, 10)
    last = max(a.trailer.seq for a in lab.adverts("alpha"))
    lab.alpha.power_off()
    lab.beta.power_off()
    t = mono_ns()
    lab.alpha.power_on()
    lab.beta.power_on()
    pair.start(probe=False)
    lab.stays("alpha", 3)
    assert pair.a.pair()["term"] > term
    first = lab.adverts("alpha", t)[0]
    assert first.trailer.seq > last and first.trailer_ok(KEY)


def test_cold_start_together(lab, users):
    """Both at once (9.2): one, and never both; the preferred one, if it was
    there before the other claimed in earnest."""
    p = Pair(lab, start=False)
    t = mono_ns()
    p.b.start()
    p.a.start()
    got = lab.wait_for(lambda: lab.kernel.changes(VIP), 10)[0].ns
    lab.measure("cold start: address up after", (got - t) / 1e9, "s")
    holder = lab.holders_of()[0]
    p.rests(holder, 4)
    assert {e.node for e in lab.kernel.changes(VIP)} == {holder}
    earnest = [a.ns for a in lab.adverts("beta") if not a.soft] or [got]
    early = [a for a in lab.adverts("alpha") if a.ns < earnest[0]]
    assert holder == "alpha" or not early


def test_late_preferred_node_does_not_fail_back(lab, users):
    p = Pair(lab, start=False)
    p.b.start()
    lab.wait_holder("beta", 10)
    p.a.start()
    p.a.wait_role("standby")
    p.rests("beta", 5)
    assert not lab.adverts("alpha")


def test_preempt_fails_back(lab, users):
    """Only with that word: the better rank takes over from a living one."""
    p = Pair(lab, start=False, more="preempt")
    p.b.start()
    lab.wait_holder("beta", 10)
    p.a.start()
    lab.wait_holder("alpha", 10)
    lab.stays("alpha", 3)


def test_state_directory_is_read_only(pair, lab):
    """A disk that fails is an alarm, never a reason to stop."""
    lab.alpha.run("mount", "-t", "tmpfs", "-o", "ro", "none", "/var/lib")
    old = pair.a.kill_room("keeper")
    pair.a.room("keeper", but=old)
    pair.rests("alpha", 5)
