# SPDX-License-Identifier: ISC
"""
Two whole nodes, a service that writes all the time: what one of them wrote is
on the other, and takes over with the address.
"""

import re

from lab.lab import VIP
from lab.netns import mono_ns
from pair_kit import DataPair


def acknowledged(node):
    """(last transaction, generation) that must not be lost from now on: all
    the service said before a generation was asked for and acknowledged."""
    seq = node.seq()
    p = node.vipctl("sync", "now", timeout=40)
    assert p.returncode == 0, p.stderr
    return seq, node.mirror()["acked"]


def settled(pair, name, timeout=40):
    """The standby's live data are what the active had; for a pair whose
    service was stopped or rests."""
    node, other = pair.of(name), pair.active()

    def there():
        return node.tree() == other.tree()
    pair.lab.wait_for(there, timeout, f"{name} has {other.name}'s data live")


def test_a_change_is_durable_on_the_standby(data_lab):
    p = DataPair(data_lab, service=False).start()
    p.a.put("tree/d1/f100", "one change\n")
    text = "another change\n"
    s = p.change(p.a, "tree/d1/f101", text)
    data_lab.measure("a change, durable and acknowledged", s * 1000)
    g = p.b.committed(text)
    data_lab.wait_for(lambda: p.a.data()["generation"] >= g, 5,
                      "alpha's status names the generation beta has")
    assert p.a.data()["made_s"] < 60
    data_lab.wait_for(lambda: p.a.data()["lag_bytes"] == 0, 5)
    d = p.a.data()
    assert d["partner_verified_s"] < 60 and d["ready"]
    assert d["partner_generation"] == d["generation"]
    assert p.b.data()["generation"] == d["generation"]
    p.a.verify()
    p.b.verify()
    assert p.a.newest() == p.b.newest()
    out = p.a.vipctl("status").stdout
    assert re.search(r"If alpha dies now: beta takes over", out), out
    # and what the service would need is in the standby's place
    settled(p, "beta")


def test_power_loss_while_writing(datapair, data_lab):
    """The standby is active with intact databases and everything that was
    acknowledged; the old node comes back with a branch of its own."""
    p = datapair
    seq, g = acknowledged(p.a)
    data_lab.elapse(0.5)
    heads = p.b.verify()
    # the last word of the dead one that reached nobody
    rule = data_lab.lose(p.a.node, p.b.node, match="tcp dport 22")
    alone = "nobody but alpha has this\n"
    p.a.put("tree/d2/f200", alone)
    data_lab.wait_for(lambda: p.a.committed(alone), 15, "it is in alpha's")
    told = p.a.mirror()["acked"]
    p.a.power_off()
    rule.heal()
    assert p.b.newest()[0] >= told >= g
    b = p.takes_over("beta")
    assert b.mirror(), "the mirror of beta is gone"
    p.well(b, seq)
    assert p.b.get("tree/d2/f200") != alone
    assert len(p.b.tree()) >= 1000
    now = p.b.verify()
    assert all(now.get(n, h) == h for n, h in heads.items())
    was = b.seq()
    data_lab.wait_for(lambda: b.seq() > was + 20, 10, "beta's service works")

    p.a.power_on()
    p.a.vrrpd.wait_role("standby", 30)
    data_lab.wait_for(lambda: p.level(b), 30)
    data_lab.wait_for(lambda: "W58" in p.a.vrrpd.problems(), 30,
                      "the parked branch is told")
    branch, = p.a.branches()
    assert branch["node"] == "alpha" and branch["term"] == 1
    shown = p.a.vipctl("diverged", "show", branch["name"])
    assert "d2/f200" in shown.stdout, shown.stdout + shown.stderr
    assert p.a.holds(alone)
    data_lab.wait_for(lambda: p.a.get("tree/d2/f200") ==
                      p.b.get("tree/d2/f200"), 60, "alpha's live data are "
                      "beta's")
    assert not p.a.writing() and data_lab.holders_of(VIP) == ["beta"]
    p.a.verify()
    p.b.verify()


def test_handover_and_failback_lose_nothing(datapair, data_lab):
    p = datapair
    for frm, to, asked in (("alpha", "beta", "alpha"),
                           ("beta", "alpha", "alpha")):
        old, new = p.of(frm), p.of(to)
        r = p.of(asked).vipctl("handover", timeout=60)
        assert r.returncode == 0, r.stdout + r.stderr
        p.takes_over(to)
        assert not old.writing()
        # the last one, not the last but one: everything it said
        p.well(new, old.seq())
        p.level(new)
        data_lab.wait_for(lambda: p.ready(old), 20, f"{frm} is ready")
    r = p.a.vipctl("handover", timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
    p.takes_over("beta")
    p.level(p.b)
    r = p.b.vipctl("failback", timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
    p.takes_over("alpha")
    p.well(p.a, p.b.seq())
    assert p.a.branches() == p.b.branches() == []
    for n in (p.a, p.b):
        n.verify()


def test_daemon_stop_hands_the_data_over(datapair, data_lab):
    p = datapair
    p.a.vrrpd.stop(40)
    p.takes_over("beta")
    p.well(p.b, p.a.seq())
    # and back: it starts as standby, with nothing of its own
    p.a.start()
    p.a.vrrpd.wait_role("standby", 20)
    p.level(p.b)
    assert p.a.branches() == []


def test_upgrade_moves_nothing(datapair, data_lab):
    """Re-exec and reload under the writing service."""
    p = datapair
    for sig in (12, 1):
        was = p.a.seq()
        t = mono_ns()
        p.a.vrrpd.proc.signal(sig)
        data_lab.elapse(2)
        data_lab.wait_for(lambda: p.a.seq() > was, 10)
        p.level(p.a)
        assert not data_lab.kernel.changes(VIP, t)
    p.well(p.a, was)
