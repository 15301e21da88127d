# SPDX-License-Identifier: ISC
"""
kill -9 of each room, of the supervisor and of all at once: design.md,
"Who dies, what happens".  The `lab` fixture adds to each test that the
address was never in two kernels.
"""

import signal

from lab import wire
from lab.daemons import KEY
from lab.lab import VIP
from lab.netns import mono_ns


def test_elector(pair, lab):
    """The actuator lets go and says the last words; the standby takes over
    at once; the supervisor starts a new elector, which is standby."""
    old = pair.a.room("elector")
    actuator = pair.a.room("actuator")
    t = mono_ns()
    pair.a.kill_room("elector")
    got = lab.wait_holder("beta", 5)
    lab.measure("elector killed: address moved after", (got - t) / 1e6)
    pair.gap("elector killed", t, "beta")
    words = lab.last_words("alpha", t)
    assert words.trailer_ok(KEY) and words.trailer.flags & wire.GO_NOW
    gone = [e for e in lab.kernel.changes(VIP, t) if e.node == "alpha"]
    lab.measure("elector killed: address removed after",
                (gone[0].ns - t) / 1e6)
    pair.a.room("elector", but=old)
    assert pair.a.room("actuator") == actuator
    pair.a.wait_role("standby")
    pair.rests("beta", 4)


def test_elector_of_the_standby(pair, lab):
    old = pair.b.room("elector")
    pair.b.kill_room("elector")
    pair.b.room("elector", but=old)
    pair.b.wait_role("standby")
    pair.rests("alpha", 4)


def test_actuator(pair, lab):
    """Restarted, adopts the address; the role and the client notice
    nothing."""
    t = mono_ns()
    term = pair.a.pair()["term"]
    old = pair.a.kill_room("actuator")
    pair.a.room("actuator", but=old)
    pair.rests("alpha", 4)
    pair.gap("actuator killed", t, "alpha", settle=0)
    assert not lab.kernel.changes(VIP, t), "the address moved"
    assert pair.a.pair()["term"] == term
    assert pair.a.role() == "active"


def test_actuator_of_the_standby(pair, lab):
    old = pair.b.kill_room("actuator")
    pair.b.room("actuator", but=old)
    pair.rests("alpha", 2)
    # and the new one works
    t = mono_ns()
    pair.a.stop()
    lab.wait_holder("beta", 5)
    pair.gap("after a new actuator: handover", t, "beta")


def test_keeper(pair, lab):
    """Never an election event; comes back and keeps on keeping."""
    t = mono_ns()
    for d in (pair.a, pair.b):
        old = d.kill_room("keeper")
        d.room("keeper", but=old)
    pair.rests("alpha", 4)
    pair.gap("keepers killed", t, "alpha", settle=0)
    assert not lab.kernel.changes(VIP, t)
    pair.a.wait_no_problem("W27")


def test_supervisor(pair, lab):
    """Every room sees end-of-file and leaves in order."""
    t = mono_ns()
    pair.a.kill_room("vrrpd")
    lab.wait_holder("beta", 5)
    pair.gap("supervisor killed", t, "beta")
    lab.wait_for(lambda: not pair.a.pids(), 5, "all rooms leave")
    lab.last_words("alpha", t)
    pair.rests("beta", 2)
    pair.a.start()                       # the service manager would
    pair.a.wait_role("standby")
    pair.rests("beta", 4)


def test_supervisor_of_the_standby(pair, lab):
    pair.b.kill_room("vrrpd")
    lab.wait_for(lambda: not pair.b.pids(), 5, "all rooms leave")
    pair.rests("alpha", 4)


def test_all_at_once(pair, lab):
    """Nobody is left to say a word: the kernel drops the leased address by
    itself before the standby takes it."""
    t = mono_ns()
    pair.a.kill()
    lab.wait_nobody(4)
    gone = lab.kernel.changes(VIP, t)[-1]
    assert gone.node == "alpha" and not gone.present
    pair.takeover("all killed")
    pair.probe.wait_answer("beta", 5, t)
    assert not pair.probe.arp_doubles(t)
    assert not [a for a in lab.adverts("alpha", t) if a.resigns]
    assert not lab.alpha.has(VIP)
    pair.a.start()
    pair.a.wait_role("standby")
    pair.rests("beta", 4)


def test_elector_again_and_again(pair, lab):
    """Each death of the active's elector moves the role, none loses it."""
    holder, other = "alpha", "beta"
    for _ in range(3):
        t = mono_ns()
        d = pair.of(holder)
        old = d.kill_room("elector")
        lab.wait_holder(other, 5)
        pair.gap("elector killed again", t, other)
        d.room("elector", but=old)
        # a new standby listens before it can be counted on
        d.wait_role("standby")
        holder, other = other, holder


def test_abort_leaves_no_core_of_secrets(pair, lab):
    """A room that crashes is the same as one that is killed, and dumps
    nothing."""
    t = mono_ns()
    pair.a.kill_room("elector", signal.SIGSEGV)
    lab.wait_holder("beta", 5)
    pair.gap("elector crashed", t, "beta")
    found = lab.alpha.sh("find /run /var/lib -name 'core*'").stdout
    assert not found
