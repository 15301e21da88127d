# SPDX-License-Identifier: ISC
"""The wire between two whole nodes fails in part, or altogether."""

from lab.lab import VIP
from lab.netns import mono_ns

ADVERTS = "ip protocol 112"


def test_heartbeat_cut_but_not_ssh(datapair, data_lab):
    """No second active for as long as it lasts, an alarm on both."""
    p = datapair
    t = mono_ns()
    rule = data_lab.lose(match=ADVERTS)
    for n in (p.a, p.b):
        n.vrrpd.wait_problem("C02", 20)
    data_lab.elapse(12)
    assert data_lab.holders_of(VIP) == ["alpha"]
    assert not data_lab.kernel.changes(VIP, t)
    assert p.a.writing() and not p.b.writing()
    # the data go on
    p.change(p.a, "tree/d3/f300", "while the heartbeat was cut\n")
    rule.heal()
    for n in (p.a, p.b):
        n.vrrpd.wait_no_problem("C02", 20)
    data_lab.stays("alpha", 3)


def test_heartbeat_cut_one_way(datapair, data_lab):
    p = datapair
    rule = data_lab.lose(p.a.node, match=ADVERTS)
    p.b.vrrpd.wait_problem("C02", 20)
    data_lab.stays("alpha", 8)
    rule.heal()
    p.b.vrrpd.wait_no_problem("C02", 20)


def test_heartbeat_cut_and_then_the_power(datapair, data_lab):
    """The word that holds the promotion back ends with the node."""
    p = datapair
    data_lab.lose(match=ADVERTS)
    p.b.vrrpd.wait_problem("C02", 20)
    told = p.a.mirror()["acked"]
    t = mono_ns()
    p.a.power_off()
    p.takes_over("beta", 30)
    data_lab.measure("power loss behind a blocked heartbeat: takeover",
                     (mono_ns() - t) / 1e9, "s")
    p.well(p.b, 1)
    assert p.b.newest()[0] >= told


def test_split_write_on_both_and_heal(datapair, data_lab):
    """One active, the other's branch parked, nothing lost, the story told."""
    p = datapair
    data_lab.may_double = True
    data_lab.cut(p.a.node)
    p_holds = lambda: "beta" in data_lab.holders_of(VIP)   # noqa: E731
    data_lab.wait_for(p_holds, 30, "beta is active on its side")
    data_lab.wait_for(p.b.writing, 20, "its service runs")
    mine, theirs = "alpha wrote this\n", "beta wrote this\n"
    if p.a.writing():
        p.a.put("tree/d4/f400", mine)
        data_lab.wait_for(lambda: p.a.committed(mine), 20)
    p.b.put("tree/d4/f401", theirs)
    data_lab.wait_for(lambda: p.b.committed(theirs), 20)
    seqs = p.a.seq(), p.b.seq()
    data_lab.heal()
    data_lab.wait_for(lambda: data_lab.holders_of(VIP) == ["beta"], 30,
                      "one is active")
    p.a.vrrpd.wait_role("standby", 30)
    data_lab.wait_for(lambda: not p.a.writing(), 10)
    p.level(p.b)
    p.a.vrrpd.wait_problem("W58", 30)
    branch, = p.a.branches()
    shown = p.a.vipctl("diverged", "show", branch["name"]).stdout
    assert "d4/f400" in shown, shown
    assert p.b.get("tree/d4/f401") == theirs
    p.well(p.b, seqs[1])
    data_lab.wait_for(lambda: p.a.get("tree/d4/f401") == theirs and
                      p.a.get("tree/d4/f400") != mine, 60,
                      "alpha's live data are beta's")
    assert p.a.holds(mine) and p.b.branches() == []
    # the story, and it goes when it is told to
    for n in (p.a, p.b):
        assert "alpha" in n.vipctl("history").stdout
        assert n.vipctl("why").stdout.strip()
    r = p.a.vipctl("diverged", "dismiss", branch["name"], "--yes")
    assert r.returncode == 0, r.stdout + r.stderr
    assert p.a.branches() == []
    p.a.vrrpd.wait_no_problem("W58", 15)
    for n in (p.a, p.b):
        n.verify()
