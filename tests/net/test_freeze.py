# SPDX-License-Identifier: ISC
"""
SIGSTOP of each room and of all: a program that does not run cannot let go,
so somebody else must, and what thaws must not believe it is still active.
"""

import os
import signal

from lab.lab import VIP
from lab.netns import mono_ns


def stop(d, room):
    return d.kill_room(room, signal.SIGSTOP)


def cont(d, pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def test_elector(pair, lab):
    """No renewal order: the actuator releases and says the last words; the
    supervisor replaces the one that hangs."""
    t = mono_ns()
    pid = stop(pair.a, "elector")
    got = lab.wait_holder("beta", 8)
    lab.measure("elector frozen: address moved after", (got - t) / 1e9, "s")
    assert (got - t) / 1e9 < 3.5
    lab.last_words("alpha", t)
    pair.a.room("elector", but=pid)
    pair.a.wait_role("standby")
    cont(pair.a, pid)
    pair.rests("beta", 4)


def test_elector_shorter_than_its_lease(pair, lab):
    """Half a second of nothing is no reason for anything."""
    t = mono_ns()
    pid = stop(pair.a, "elector")
    lab.elapse(0.5)
    cont(pair.a, pid)
    pair.rests("alpha", 4)
    assert not lab.kernel.changes(VIP, t)


def test_actuator(pair, lab):
    """No acknowledgement: the kernel drops the address, the elector resigns
    after the longest the lease can live."""
    t = mono_ns()
    pid = stop(pair.a, "actuator")
    got = lab.wait_holder("beta", 12)
    lab.measure("actuator frozen: address moved after", (got - t) / 1e9,
                "s")
    assert (got - t) / 1e9 < 6
    cont(pair.a, pid)
    pair.rests("beta", 4)
    assert not lab.alpha.has(VIP)


def test_actuator_of_the_standby(pair, lab):
    pid = stop(pair.b, "actuator")
    pair.rests("alpha", 3)
    cont(pair.b, pid)
    pair.rests("alpha", 3)


def test_keeper(pair, lab):
    """A disk that hangs never stops an advert."""
    t = mono_ns()
    pid = stop(pair.a, "keeper")
    pair.rests("alpha", 6)
    assert max(pair.pace("alpha", t)) < 1.5
    cont(pair.a, pid)
    pair.rests("alpha", 2)


def test_supervisor(pair, lab):
    t = mono_ns()
    pid = stop(pair.a, "vrrpd")
    pair.rests("alpha", 6)
    cont(pair.a, pid)
    pair.rests("alpha", 3)
    pair.gap("supervisor frozen", t, "alpha", settle=0)
    assert not lab.kernel.changes(VIP, t)


def test_all_for_ten_seconds(pair, lab):
    """The kernel drops the address before the standby takes it; after the
    thaw the newer epoch stays, and the client does not notice."""
    t = mono_ns()
    lab.alpha.freeze()
    lab.wait_nobody(4)
    got = pair.takeover("all frozen")
    lab.elapse(10 - (mono_ns() - t) / 1e9)
    assert lab.holders_of() == ["beta"]
    thaw = lab.alpha.thaw()
    pair.rests("beta", 5)
    pair.gap("thaw", thaw, "beta", settle=0)
    pair.a.wait_role("standby")
    assert not pair.probe.arp_doubles(t)
    assert not [e for e in lab.kernel.changes(VIP, got)
                if e.node == "alpha"], "the thawed one took it again"
    assert pair.a.pair()["term"] == pair.b.pair()["term"]


def test_frozen_shorter_than_a_takeover(pair, lab):
    """Thawed after the lease and before the standby acts: whoever has it in
    the end, never two had it, and somebody has it."""
    lab.alpha.freeze()
    lab.wait_nobody(4)
    lab.alpha.thaw()
    lab.wait_for(lambda: lab.holders_of(), 8, "somebody holds the address")
    holder = lab.holders_of()[0]
    pair.rests(holder, 4)


def test_frozen_standby(pair, lab):
    """What piled up while it slept is read before any timer is looked at."""
    lab.beta.freeze()
    lab.elapse(6)
    lab.beta.thaw()
    pair.rests("alpha", 5)


def test_both_frozen(pair, lab):
    """A host that pauses both its guests: never two, and one in the end."""
    lab.alpha.freeze()
    lab.beta.freeze()
    lab.elapse(5)
    lab.beta.thaw()
    lab.alpha.thaw()
    lab.wait_for(lambda: lab.holders_of(), 10, "somebody holds the address")
    holder = lab.holders_of()[0]
    pair.rests(holder, 4)
