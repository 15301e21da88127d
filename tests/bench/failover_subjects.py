# SPDX-License-Identifier: ISC
"""
The programs that are measured, each as a pair on alpha (active) and beta
(standby), and how to say who is active without asking them.
"""

import os
import signal

from lab import daemons, wire
from lab.lab import VHID, VIP, Lab, Probe, _kill
from lab.netns import mono_ns

OBSERVER_PRIORITY = 40          # of probe and echo: the ruler must not bend
PROBE_MS, ARP_MS = 2, 10
PASSWORD = "secret"


def first(pid):
    """Real-time priority for a process of the observer."""
    try:
        os.sched_setscheduler(pid, os.SCHED_FIFO,
                              os.sched_param(OBSERVER_PRIORITY))
    except OSError:
        pass


class Subject:
    """One program; interval in seconds."""

    name = kind = None
    frr = False
    intervals = (1, )

    def __init__(self, interval=1, debug=False):
        self.interval = interval
        self.debug = debug
        self.lab = self.probe = None
        self.daemon = {}

    def make(self, node, best):
        raise NotImplementedError

    def start(self, probe=True, settle=None):
        """A fresh laboratory with a settled pair in it."""
        self.lab = Lab()
        self.lab.may_double = True
        try:
            self.daemon["alpha"] = self.make(self.lab.alpha, True)
            self.lab.wait_for(lambda: self.is_active("alpha"), 25,
                              f"{self.name}: alpha is active")
            self.daemon["beta"] = self.make(self.lab.beta, False)
            self.settle(settle)
            for n in (self.lab.alpha, self.lab.beta):
                first(n.echo.pid)
            if probe:
                self.ask()
        except BaseException:
            self.close()
            raise
        return self

    def ask(self):
        """The client that asks the address; and another machine that asks
        the network for it, because each answer would tell the client."""
        self.probe = Probe(self.lab, self.lab.client, period_ms=PROBE_MS,
                           arp_ms=0)
        asker = Probe(self.lab, self.lab.stranger(), period_ms=1000,
                      arp_ms=ARP_MS)
        first(self.probe.proc.pid)
        first(asker.proc.pid)
        # whichever node of FRR answered the client's ARP first
        self.lab.wait_for(lambda: self.probe.last() == "alpha" or
                          self.frr and self.probe.last(), 10,
                          f"{self.name}: the client is answered")
        self.lab.elapse(0.3)

    def settle(self, seconds):
        """Until the standby can be counted on: it has heard the active for
        more than its own waiting time."""
        if seconds is None:
            seconds = max(0.3, 4 * self.interval)
        self.lab.elapse(seconds)
        since = mono_ns()
        self.lab.wait_for(lambda: self.lab.adverts("alpha", since), 5,
                          "alpha sends adverts")
        if self.active() != {"alpha"}:
            raise AssertionError(f"{self.name}: active is {self.active()}")

    def close(self):
        if self.lab:
            lab, self.lab = self.lab, None
            left = lab.close()
            assert not left, f"left behind: {left}"

    def pids(self, name):
        return self.daemon[name].pids()

    def stop(self, name):
        """SIGTERM, without waiting for the end."""
        self.lab.mark(f"SIGTERM to {self.name} on {name}")
        self.daemon[name].proc.signal(signal.SIGTERM)

    def kill(self, name):
        return self.signal_all(name, signal.SIGKILL)

    def signal_all(self, name, sig):
        """To all processes at once: none sees another one die first."""
        pids = self.pids(name)
        for s in {signal.SIGKILL: (signal.SIGSTOP, signal.SIGKILL)}.get(
                sig, (sig, )):
            for p in pids:
                _kill(p, s)
        return mono_ns()

    # -- who is active

    def sent_lately(self, window=None):
        since = mono_ns() - int((window or 1.6 * self.interval + 0.05) * 1e9)
        return {a.node for a in self.lab.adverts(since=since)
                if a.node in self.daemon and not a.resigns and not a.soft}

    def is_active(self, name):
        """As its kernel has it; FRR's address is always there, so by its
        adverts."""
        if self.frr:
            return name in {a.node for a in self.lab.adverts(name)}
        return name in self.lab.holders_of(VIP)

    def active(self):
        return self.sent_lately() if self.frr else \
            set(self.lab.holders_of(VIP))

    def earnest(self, name, since):
        """The first advert that says: I am active."""
        return next((a for a in self.lab.adverts(name, since)
                     if not a.soft and not a.resigns), None)

    def took(self, name, since, timeout):
        """When it took over, ns; None: not within the time."""
        def there():
            if self.frr:
                a = self.earnest(name, since)
                return a and a.ns
            up = [e for e in self.lab.kernel.changes(VIP, since)
                  if e.node == name and e.present]
            return up and up[-1].ns
        try:
            return self.lab.wait_for(there, timeout, "takes over")
        except AssertionError:
            return None

    def answered_double(self, since, step=0.1):
        """Seconds in which the kernels of both nodes answered the client's
        ARP questions."""
        seen = {}
        for a in self.lab.arps(since=since):
            if a.op == 2 and not a.gratuitous and a.node in self.daemon:
                slot = int((a.ns - since) / 1e9 / step)
                seen.setdefault(slot, set()).add(a.node)
        return step * sum(1 for who in seen.values() if len(who) > 1)

    def held_double(self, since):
        """Seconds in which both kernels had the address."""
        if self.frr:
            return self.answered_double(since)
        return sum((min(b, mono_ns()) - max(a, since)) / 1e9
                   for a, b, _ in self.lab.kernel.double(VIP, since))

    def moves(self, since):
        """Takeovers: times that a node began to be active."""
        if not self.frr:
            return sum(1 for e in self.lab.kernel.changes(VIP, since)
                       if e.present)
        n, last = 0, {"alpha": since}
        for a in self.lab.adverts(since=since):
            if a.resigns:
                last.pop(a.node, None)
                continue
            if a.ns - last.get(a.node, 0) > 2.5e9 * self.interval:
                n += 1
            last[a.node] = a.ns
        return n

    def problems(self, name):
        return []

    # -- what an attacker can make of what it hears

    def forged(self):
        """{name: frame}: best rank, in the partner's name."""
        beta = self.lab.beta
        return {"forged": wire.advert_frame(
            beta.mac, beta.address, wire.vrrp3(
                VHID, 255, [VIP], int(self.interval * 100), beta.address),
            tos=0xc0)}

    def rejected(self):
        """{name: frame} that every receiver has to refuse."""
        beta = self.lab.beta
        good = wire.vrrp3(VHID, 100, [VIP], int(self.interval * 100),
                          beta.address)
        bad = good[:6] + bytes([good[6] ^ 0x55, good[7] ^ 0xaa]) + good[8:]
        return {"checksum": wire.advert_frame(beta.mac, beta.address, bad,
                                              tos=0xc0)}


def carp_frames(lab, sniffed):
    """Best rank with a made-up digest, and with one that was heard."""
    beta, m = lab.beta, sniffed.message
    made_up = wire.carp(VHID, "not it", [VIP], 0, 0, 0, 77)
    head = m[:2] + bytes([0, 7, 0, 0, 0, 0])
    body = head + m[8:36]
    body = body[:6] + wire.checksum(body).to_bytes(2, "big") + body[8:]
    if sniffed.trailer:
        body += sniffed.frame[34 + 36:34 + 72]
    return {"forged": wire.advert_frame(beta.mac, beta.address, made_up),
            "sniffed": wire.advert_frame(beta.mac, beta.address, body)}


def carp_rejected(lab):
    beta = lab.beta
    made_up = wire.carp(VHID, "not it", [VIP], 10, 1, 0, 77)
    bad = made_up[:6] + b"\x12\x34" + made_up[8:]
    return {"checksum": wire.advert_frame(beta.mac, beta.address, bad),
            "password": wire.advert_frame(beta.mac, beta.address, made_up)}


class Vipair(Subject):
    name = "vipair"
    protocol = "carp"
    intervals = (1, 0.01)

    def start(self, *args, **kw):
        if self.interval < 1:
            self.protocol = "vrrp 3"
        return super().start(*args, **kw)

    def make(self, node, best):
        ms = int(self.interval * 1000)
        text = daemons.conf(protocol=self.protocol, interval=f"{ms}ms"
                            if ms < 1000 else f"{ms // 1000}s")
        return daemons.Vrrpd(node, text, debug=self.debug)

    def settle(self, seconds):
        self.daemon["beta"].wait_role("standby")
        super().settle(0.3 + self.interval if seconds is None else seconds)

    def problems(self, name):
        return self.daemon[name].problems()

    def forged(self):
        if self.protocol != "carp":
            return super().forged()
        return carp_frames(self.lab, self.lab.adverts("alpha")[-1])

    def rejected(self):
        if self.protocol != "carp":
            return super().rejected()
        return carp_rejected(self.lab)


class Ucarp(Subject):
    name = "ucarp"

    def make(self, node, best):
        return daemons.Ucarp(node, PASSWORD, skew=0 if best else 10)

    def forged(self):
        return carp_frames(self.lab, self.lab.adverts("alpha")[-1])

    def rejected(self):
        return carp_rejected(self.lab)


class QuietKeepalived(daemons.Keepalived):
    """Without the details, and without a system log: where none is there it
    writes to the machine's console, and waits for that."""

    def start(self):
        self.node.write("/run/lab/keepalived.conf", self.text)
        self.proc = self.node.popen(
            ["/usr/sbin/keepalived", "--dont-fork", "--log-console",
             "--no-syslog", "--vrrp", "--use-file",
             "/run/lab/keepalived.conf", "--pid", "/run/lab/ka.pid",
             "--vrrp_pid", "/run/lab/ka_vrrp.pid"],
            name="keepalived@" + self.name)
        return self


class Keepalived(Subject):
    name = "keepalived"
    intervals = (1, 0.01)

    def make(self, node, best):
        return QuietKeepalived(node, 3, 150 if best else 100,
                               self.interval)

    def worker(self, name):
        """The child that speaks VRRP."""
        main = self.daemon[name].proc.pid
        return next(p for p in self.pids(name) if p != main)


class Frr(Subject):
    name = "frr"
    frr = True
    intervals = (1, 0.01)

    def make(self, node, best):
        return daemons.Frr(node, 3, 150 if best else 100, self.interval)

    def pids(self, name):
        d = self.daemon[name]
        return [p for p in (d.zebra.pid, d.proc.pid) if p]


SUBJECTS = {s.name: s for s in (Ucarp, Keepalived, Frr, Vipair)}
