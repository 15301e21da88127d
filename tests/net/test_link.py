# SPDX-License-Identifier: ISC
"""Cables, cuts, interfaces that come and go, addresses that others touch."""

import re

from lab import wire
from lab.daemons import Vrrpd, conf
from lab.lab import VIP
from lab.netns import mono_ns
from lab.pair import Pair


def test_cable_of_the_active(pair, lab):
    """Carrier lost: the address goes at once, the standby takes over after
    its down time; the cable back, nothing moves."""
    t = mono_ns()
    lab.alpha.cable(False)
    lab.wait_for(lambda: "alpha" not in lab.holders_of(), 1,
                 "the node without a cable lets go")
    pair.takeover("cable pulled")
    pair.probe.wait_answer("beta", 5, t)
    pair.a.wait_problem("C07", 5)
    heal = mono_ns()
    lab.alpha.cable(True)
    pair.a.wait_role("standby")
    pair.rests("beta", 4)
    pair.gap("cable back", heal, "beta", settle=0)
    # and it counts again
    since = mono_ns()
    pair.b.stop()
    lab.wait_holder("alpha", 5)
    pair.gap("handover after the cable", since, "alpha")


def test_cable_of_the_standby(pair, lab):
    lab.beta.cable(False)
    pair.b.wait_problem("C07", 5)
    pair.rests("alpha", 5)
    assert not lab.beta.has(VIP)
    lab.beta.cable(True)
    pair.b.wait_role("standby")
    pair.rests("alpha", 4)


def test_switch_port_down_and_up_quickly(pair, lab):
    """A bounce shorter than the down time: somebody has it, once."""
    lab.alpha.cable(False)
    lab.wait_nobody(2)
    lab.alpha.cable(True)
    lab.wait_for(lab.holders_of, 10, "somebody holds the address")
    pair.rests(lab.holders_of()[0], 4)


def test_silent_cut_and_heal(pair, lab):
    """Both sides active while they cannot hear each other, which two nodes
    alone cannot prevent; healed, the newer epoch stays, at once, and the
    client loses nothing."""
    lab.may_double = True
    lab.cut(lab.alpha)
    lab.wait_for(lambda: "beta" in lab.holders_of(), 6)
    lab.elapse(5)
    heal = lab.heal()
    lab.wait_for(lambda: lab.holders_of() == ["beta"], 3,
                 "the older epoch yields")
    lab.measure("heal: one holder after", (mono_ns() - heal) / 1e6)
    lab.stays("beta", 4)
    pair.gap("heal", heal, "beta", settle=0)
    pair.a.wait_role("standby")
    # the survivor announces itself again (6.6)
    assert lab.announcements("beta", heal)


def test_silent_cut_of_the_standby(pair, lab):
    """The one who took over last stays, also when it was the odd one."""
    lab.may_double = True
    lab.cut(lab.beta)
    lab.wait_for(lambda: "beta" in lab.holders_of(), 8)
    heal = lab.heal()
    lab.wait_for(lambda: len(lab.holders_of()) == 1, 3, "one yields")
    lab.stays("beta", 4)
    pair.gap("heal of the standby's cut", heal, "beta", settle=0,
             most=1500)


def test_heartbeat_cut_alone(pair, lab):
    """Protocol 112 is filtered both ways, all else passes."""
    lab.may_double = True
    lab.lose(match="ip protocol 112")
    lab.wait_for(lambda: "beta" in lab.holders_of(), 8)
    heal = lab.heal()
    lab.wait_for(lambda: lab.holders_of() == ["beta"], 3, "one yields")
    lab.stays("beta", 3)
    pair.gap("heal of the heartbeat", heal, "beta", settle=0, most=1500)


def test_active_is_not_heard(pair, lab):
    """One way only, from the active to the standby: the standby claims, is
    heard, and the other yields before the address is taken; one active, and
    an alarm."""
    lab.lose(lab.alpha, lab.beta, match="ip protocol 112")
    lab.wait_holder("beta", 8)
    lab.stays("beta", 5)

    def named():
        return [i for d in (pair.a, pair.b) for i in d.problems()
                if i in ("C01", "C02", "W34")]
    lab.wait_for(named, 5, "the one-way heartbeat is named in status")
    lab.heal()
    lab.stays("beta", 4)


def test_standby_is_not_heard(pair, lab):
    """The other way it makes no difference."""
    lab.lose(lab.beta, lab.alpha, match="ip protocol 112")
    pair.rests("alpha", 5)
    lab.heal()
    pair.rests("alpha", 2)


def test_a_third_of_all_frames_lost(pair, lab):
    """Soft claims are answered: the role does not wander.  In the end there
    is one."""
    lab.may_double = True
    t = mono_ns()
    lab.lose(lab.alpha, lab.beta, percent=30)
    lab.lose(lab.beta, lab.alpha, percent=30)
    lab.elapse(20)
    lab.heal()
    lab.wait_for(lambda: len(lab.holders_of()) == 1, 4, "one holder")
    moves = [e for e in lab.kernel.changes(VIP, t) if e.present]
    lab.measure("30 % loss for 20 s: role moves", len(moves), "")
    assert len(moves) <= 1
    lab.stays(lab.holders_of()[0], 3)


def test_address_removed_by_hand(pair, lab):
    """Reported, put back, announced; the role stays."""
    t = mono_ns()
    lab.alpha.ip("addr", "del", VIP + "/32", "dev", "eth0")
    lab.wait_for(lambda: len(lab.kernel.changes(VIP, t)) >= 2, 3,
                 "removed and put back")
    gone, back = lab.kernel.changes(VIP, t)[:2]
    assert (gone.node, back.node, back.present) == ("alpha", "alpha", True)
    lab.measure("removed by hand: back after", (back.ns - gone.ns) / 1e6)
    pair.a.wait_problem("W20", 5)
    pair.gap("removed by hand", t, "alpha")
    assert lab.announcements("alpha", t)
    pair.rests("alpha", 4)


def test_address_made_permanent_by_hand(pair, lab):
    """A lease that somebody lengthened is a lease again with the next
    renewal: all killed, the kernel still drops it in time."""
    lab.alpha.ip("addr", "change", VIP + "/32", "dev", "eth0", "valid_lft",
                 "forever", "preferred_lft", "forever")
    since = mono_ns()
    lab.wait_for(lambda: [e for e in lab.kernel.events if e.node == "alpha"
                          and e.address == VIP and e.ns > since
                          and e.valid < 10], 3, "leased again")
    pair.a.kill()
    pair.takeover("lengthened by hand, then killed")


def test_leftover_address_at_start(lab, users):
    """What a killed run left is removed when the unit starts."""
    p = Pair(lab)
    p.b.stop()
    p.a.kill()
    p.a.start()
    lab.wait_nobody(3)
    lab.wait_holder("alpha", 10)


def test_stranger_answers_for_the_address(pair, lab):
    """Named within a second, announced again, at a limited rate."""
    thief = lab.stranger()
    t = mono_ns()
    frame = wire.arp_frame(2, thief.mac, VIP, thief.mac, VIP)
    thief.inject(frame)
    p = pair.a.wait_problem("W21", 2)
    assert thief.mac in p["text"] + p["fix"]
    lab.wait_for(lambda: lab.announcements("alpha", t), 2,
                 "announced again")
    # two hundred more within two seconds are no amplifier
    t = mono_ns()
    sender = thief.injector()
    for _ in range(200):
        sender.send(frame)
        lab.elapse(0.01)
    n = len(lab.announcements("alpha", t))
    lab.measure("200 ARP claims: announcements", n, "")
    assert n <= 40
    pair.rests("alpha", 1)


def test_probe_for_the_address_is_no_conflict(pair, lab):
    """RFC 5227: who asks does not claim."""
    other = lab.stranger()
    other.inject(wire.arp_frame(1, other.mac, "0.0.0.0",
                                "00:00:00:00:00:00", VIP))
    lab.elapse(1)
    assert "W21" not in pair.a.problems()


def test_interface_down_and_up(pair, lab):
    """An interface that is down keeps its addresses in Linux: the node has
    to take the virtual one off itself."""
    lab.alpha.ip("link", "set", "eth0", "down")
    lab.wait_for(lambda: "alpha" not in lab.holders_of(), 1,
                 "taken off the interface that is down")
    pair.takeover("interface down")
    lab.alpha.ip("link", "set", "eth0", "up")
    pair.a.wait_role("standby")
    pair.rests("beta", 4)


def test_interface_deleted_and_made_again(pair, lab):
    lab.alpha.unplug()
    pair.takeover("interface deleted")
    lab.wait_for(lambda: {"C05", "C06"} & set(pair.a.problems()), 5,
                 "what is missing is named")
    assert pair.a.role() in ("starting", "faulted", "standby")
    lab.alpha.plug()
    pair.a.wait_role("standby")
    pair.rests("beta", 4)
    since = mono_ns()
    pair.b.stop()
    lab.wait_holder("alpha", 5)
    pair.gap("handover to a new interface", since, "alpha")


def test_interface_renamed(pair, lab):
    """The node goes by its address; a name is only a name."""
    lab.alpha.ip("link", "set", "eth0", "down")
    lab.wait_holder("beta", 8)
    lab.alpha.ip("link", "set", "eth0", "name", "lan0")
    lab.alpha.ip("link", "set", "lan0", "up")
    pair.a.wait_role("standby")
    pair.rests("beta", 4)
    assert pair.a.pair()["interface"] == "lan0"
    since = mono_ns()
    pair.b.stop()
    lab.wait_holder("alpha", 5)
    pair.gap("handover to a renamed interface", since, "alpha")


def test_own_address_goes_and_comes(pair, lab):
    lab.alpha.ip("addr", "del", "192.168.70.1/24", "dev", "eth0")
    lab.wait_holder("beta", 8)
    pair.a.wait_problem("C06", 5)
    lab.alpha.ip("addr", "add", "192.168.70.1/24", "dev", "eth0")
    pair.a.wait_role("standby")
    pair.rests("beta", 4)


def test_boot_before_the_link(lab, users):
    """Waits, says what for, never exits."""
    gamma = lab.add_node("gamma", link=False)
    nodes = {"gamma": gamma.address, "beta": "192.168.70.2"}
    d = Vrrpd(gamma, conf(nodes=nodes, prefer="gamma"))
    d.wait_problem("C06", 10)
    assert d.role() == "starting"
    lab.elapse(2)
    assert d.proc.running
    gamma.plug(address=False)
    lab.elapse(1)
    assert d.role() == "starting" and not lab.adverts("gamma")
    t = mono_ns()
    gamma.ip("addr", "add", gamma.address + "/24", "dev", "eth0")
    got = lab.wait_holder("gamma", 10)
    assert (got - t) / 1e9 > 2.9, "did not listen first"


def test_named_interface_that_is_missing(lab, users):
    gamma = lab.add_node("gamma", link=False)
    nodes = {"gamma": gamma.address, "beta": "192.168.70.2"}
    d = Vrrpd(gamma, conf(nodes=nodes, prefer="gamma",
                          more='interface "eth0"'))
    d.wait_problem("C05", 10)
    gamma.plug()
    lab.wait_holder("gamma", 10)


def test_boot_without_carrier(lab, users):
    lab.alpha.cable(False)
    p = Pair(lab, start=False)
    p.a.start()
    p.a.wait_problem("C07", 10)
    lab.elapse(4)
    assert not lab.holders_of()
    lab.alpha.cable(True)
    lab.wait_holder("alpha", 10)


def test_tracked_interface(lab, users):
    """Down, the node hands over and is faulted until it is back."""
    for n in (lab.alpha, lab.beta):
        n.ip("link", "add", "name", "wan0", "type", "veth", "peer", "name",
             "wan1")
        n.ip("link", "set", "wan0", "up")
        n.ip("link", "set", "wan1", "up")
    p = Pair(lab, more='track interface "wan0"')
    t = mono_ns()
    lab.alpha.ip("link", "set", "wan1", "down")
    lab.wait_holder("beta", 6)
    p.gap("tracked interface down", t, "beta")
    p.a.wait_problem("W36", 5)
    lab.alpha.ip("link", "set", "wan1", "up")
    p.a.wait_role("standby")
    p.rests("beta", 4)


def test_status_names_no_path_of_ours(pair):
    """What is shown to users is about their machine."""
    text = pair.a.vipctl("status").stdout
    assert VIP in text and "alpha" in text and "beta" in text
    assert re.search(r"takes over in \d\.\d-\d\.\d s", text)
