# SPDX-License-Identifier: ISC
"""
vrrpd beside real ucarp, keepalived (v2, v3) and FRR vrrpd (v2, v3) on id 94,
each as the active and as the standby: after settling there is one active,
whatever happened.
"""

import pytest

from lab.daemons import KEY
from lab.duel import PEERS, Duel
from lab.netns import mono_ns

EACH = pytest.mark.parametrize("peer", sorted(PEERS))
# keepalived and FRR say goodbye with priority 0, ucarp says nothing
POLITE = pytest.mark.parametrize(
    "peer", [p for p in sorted(PEERS) if p != "ucarp"])


@EACH
def test_ours_dies_and_returns(lab, users, peer):
    """Ours is active; all of it is killed; the peer takes over; ours
    returns and stays standby although its rank is better."""
    d = Duel(lab, peer)
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("worse")
    d.settle("alpha", watch=4)
    t = mono_ns()
    d.vrrpd.kill()
    lab.measure(f"{peer} takes over from a dead vrrpd after",
                d.takes("beta", t), "s")
    d.settle("beta", watch=1)
    back = mono_ns()
    d.start_ours()
    d.vrrpd.wait_role("standby")
    d.settle("beta", watch=4)
    assert not lab.adverts("alpha", back), "a returning node is silent"


@EACH
def test_peer_dies_and_returns(lab, users, peer):
    """The peer is active; its machine loses power; ours takes over in time;
    the peer returns, not preempting, and stays standby."""
    d = Duel(lab, peer)
    d.start_peer("better")
    d.settle("beta", watch=0)
    d.start_ours()
    d.vrrpd.wait_role("standby")
    d.settle("beta", watch=4)
    lab.beta.power_off()
    last = lab.adverts("beta")[-1].ns
    t = d.takes("alpha", last)
    lab.measure(f"vrrpd takes over from a dead {peer} after", t, "s")
    assert 2.9 < t < 4.3, t
    d.settle("alpha", watch=1)
    lab.beta.power_on()
    d.peer.start()
    d.settle("alpha", watch=5)


@EACH
def test_ours_resigns(lab, users, peer):
    """SIGTERM: the peer's own kind of farewell, understood by it."""
    d = Duel(lab, peer)
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("worse")
    lab.elapse(2)
    t = mono_ns()
    assert d.vrrpd.stop() == 0
    s = d.takes("beta", t)
    lab.measure(f"{peer} follows our resignation after", s, "s")
    assert s < 2.2, "it waited for the whole down time"
    d.settle("beta", watch=1)


@POLITE
def test_peer_resigns(lab, users, peer):
    """Priority 0 heard: the skew time, then the claim."""
    d = Duel(lab, peer)
    d.start_peer("better")
    d.settle("beta", watch=0)
    d.start_ours()
    d.vrrpd.wait_role("standby")
    t = mono_ns()
    d.peer.stop()
    s = d.takes("alpha", t)
    lab.measure(f"vrrpd follows the resignation of {peer} after", s, "s")
    assert s < 1.5
    d.settle("alpha", watch=1)


@EACH
@pytest.mark.parametrize("ours", ["alpha", "beta"])
def test_equal_rank_together(lab, users, peer, ours):
    """Both at the same moment with the same rank, from the lower and from
    the higher address: one is left, and that one stays."""
    d = Duel(lab, peer, ours=ours)
    d.start_peer("equal")
    d.start_ours()
    lab.wait_for(lambda: lab.adverts(), 15, "somebody is active")
    lab.elapse(4)
    lab.wait_for(lambda: len(d.senders(2.3)) == 1, 15, "one is left")
    d.settle(d.senders(2.3).pop(), watch=4)


@EACH
def test_peer_that_preempts(lab, users, peer):
    """A better one that may takes over; ours yields and lets go."""
    d = Duel(lab, peer)
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("better", preempt=True)
    d.settle("beta", watch=3)
    d.vrrpd.wait_role("standby")
    assert not lab.alpha.has("192.168.70.222")


def test_ours_preempts(lab, users):
    """With the word `preempt` we do the same to a worse one."""
    d = Duel(lab, "keepalived3", more="preempt")
    d.start_peer("worse")
    d.settle("beta", watch=0)
    d.start_ours()
    d.settle("alpha", watch=3)


def test_signed_carp_beside_ucarp(lab, users):
    """With keys our CARP adverts carry a trailer, which ucarp overlooks."""
    d = Duel(lab, "ucarp", keys=((1, KEY),))
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("worse")
    d.settle("alpha", watch=4)
    d.vrrpd.stop()
    d.settle("beta", watch=1)
    d.start_ours()
    d.vrrpd.wait_role("standby")
    d.settle("beta", watch=3)


def test_keys_beside_keepalived(lab, users):
    """A foreign VRRP peer drops trailers, so it gets none, and status says
    what that means."""
    d = Duel(lab, "keepalived2", keys=((1, KEY),))
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("worse")
    d.settle("alpha", watch=4)
    assert all(a.trailer is None for a in lab.adverts("alpha"))
    d.vrrpd.wait_problem("W26", 3)


def test_silent_cut_and_heal(lab, users):
    """Two actives while nothing passes; by rank there is one afterwards."""
    d = Duel(lab, "keepalived2")
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("worse")
    lab.elapse(2)
    lab.cut(lab.alpha)
    d.takes("beta", mono_ns())
    lab.elapse(1)
    lab.heal()
    d.settle("alpha", timeout=6, watch=3)


# ---- what cannot work, and must be said ----------------------------------

@pytest.mark.parametrize("peer, kw", [
    ("ucarp", {"password": "wrong"}),
    ("keepalived2", {"password": "s3cr3t"}),
])
def test_wrong_password(lab, users, peer, kw):
    """Two actives are unavoidable; status names the reason, and it goes
    away with the cause."""
    d = Duel(lab, peer)
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("worse", **kw)
    d.takes("beta", mono_ns())
    p = d.vrrpd.wait_problem("W24", 5)
    assert "192.168.70.2" in p["text"] + p["fix"]
    assert d.vrrpd.role() == "active"
    counters = d.vrrpd.pair()["counters"]["dropped"]
    assert sum(counters.values()) > 0


def test_interval_mismatch_v2(lab, users):
    """4.3: refused, and named with both values."""
    d = Duel(lab, "keepalived2")
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("better", interval=2)
    d.takes("beta", mono_ns())
    d.vrrpd.wait_problem("W25", 6)
    assert d.vrrpd.pair()["counters"]["dropped"]["interval"] > 0


@pytest.mark.parametrize("peer", ["keepalived3", "frr3"])
def test_interval_learned_v3(lab, users, peer):
    """4.4: a standby waits as long as the active's interval demands."""
    d = Duel(lab, peer)
    d.start_peer("better", interval=3)
    d.settle("beta", watch=0, window=4)
    d.start_ours()
    d.vrrpd.wait_role("standby")
    assert lab.adverts("beta")[-1].interval == 3.0
    since = mono_ns()
    lab.elapse(10)
    assert not lab.adverts("alpha", since), "took over from a living one"
    lab.beta.power_off()
    last = lab.adverts("beta")[-1].ns
    t = d.takes("alpha", last, 20)
    lab.measure("takeover from a dead peer at 3 s adverts", t, "s")
    assert 9 < t < 11.5


def test_interval_of_carp_needs_not_match(lab, users):
    """A slower ucarp yields to us and we do not yield to it."""
    d = Duel(lab, "ucarp")
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("worse", interval=2)
    d.settle("alpha", watch=8)


@pytest.mark.parametrize("protocol, peer", [
    ("carp", "keepalived2"), ("vrrp 2", "ucarp"), ("vrrp 3", "keepalived2"),
    ("vrrp 2", "keepalived3"), ("carp", "frr3"),
])
def test_other_protocol_on_our_id(lab, users, protocol, peer):
    """7.9: recognised and named by its name, within seconds."""
    d = Duel(lab, peer, protocol=protocol)
    d.start_ours()
    d.settle("alpha", watch=0)
    d.start_peer("worse")
    d.takes("beta", mono_ns())
    p = d.vrrpd.wait_problem("W23", 5)
    assert "192.168.70.2" in p["text"] + p["fix"]
    want = {"keepalived2": "vrrp 2", "keepalived3": "vrrp 3",
            "frr3": "vrrp 3", "ucarp": "carp"}[peer]
    heard = [ln for ln in d.vrrpd.log.splitlines() if "192.168.70.2" in ln]
    said = " ".join([p["text"], p["fix"], *heard]).lower()
    assert want in said.replace("vrrpv", "vrrp "), p
    dropped = d.vrrpd.pair()["counters"]["dropped"]
    assert dropped["version"] + dropped.get("other_protocol", 0) > 0


def test_same_id_used_by_strangers(lab, users):
    """Two programs of other people on our id and protocol: a collision that
    is named; our own pair of nodes is not moved by it."""
    from lab import Ucarp
    from lab.pair import Pair
    gamma = lab.add_node("gamma")
    p = Pair(lab)
    Ucarp(gamma, password="theirs", skew=0)
    lab.may_double = True
    lab.wait_for(lambda: p.a.problems() and
                 {"W22", "W24"} & set(p.a.problems()), 10,
                 "the stranger is named")
    since = mono_ns()
    lab.elapse(4)
    assert not lab.adverts("beta", since)
    assert lab.adverts("alpha", since)
