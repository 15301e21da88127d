# SPDX-License-Identifier: ISC
"""vrrpd on one node, a program of other people on the other, one id."""

import time

from . import daemons
from .lab import VIP
from .netns import mono_ns

# Ours is in the middle, so that a peer can be worse, better or equal.
OURS = {"vrrp": 150, "carp": 50}
RANKS = {"vrrp": {"worse": 100, "equal": 150, "better": 200},
         "carp": {"worse": 100, "equal": 50, "better": 0}}
PASSWORD = "secret"

PEERS = {
    "ucarp": ("carp", "carp", lambda node, rank, **kw: daemons.Ucarp(
        node, password=kw.pop("password", PASSWORD), skew=rank,
        base=kw.pop("interval", 1), **kw)),
    "keepalived2": ("vrrp 2", "vrrp", lambda node, rank, **kw:
                    daemons.Keepalived(node, 2, rank, **kw)),
    "keepalived3": ("vrrp 3", "vrrp", lambda node, rank, **kw:
                    daemons.Keepalived(node, 3, rank, **kw)),
    "frr2": ("vrrp 2", "vrrp", lambda node, rank, **kw:
             daemons.Frr(node, 2, rank, **kw)),
    "frr3": ("vrrp 3", "vrrp", lambda node, rank, **kw:
             daemons.Frr(node, 3, rank, **kw)),
}


class Duel:
    """Ours on one node, the peer on the other; nothing runs yet."""

    def __init__(self, lab, peer, ours="alpha", protocol=None, keys=(),
                 carp=PASSWORD, interval="1s", more=""):
        self.lab = lab
        lab.may_double = True        # the peers' programs know no leases
        spoken, family, self.make = PEERS[peer]
        self.protocol = protocol or spoken
        self.ranks = RANKS[family]
        self.kind = peer
        self.our_node = lab.nodes[ours]
        self.their_node = lab.nodes["beta" if ours == "alpha" else "alpha"]
        self.ours, self.theirs = self.our_node.name, self.their_node.name
        word = "skew" if self.protocol == "carp" else "priority"
        mine = OURS["carp" if self.protocol == "carp" else "vrrp"]
        nodes = {self.ours: f"{self.our_node.address} {word} {mine}",
                 self.theirs: f"{self.their_node.address} {word} "
                 f"{mine + 1}"}
        has_secret = bool(keys) or self.protocol == "carp"
        self.vrrpd = daemons.Vrrpd(
            self.our_node, daemons.conf(
                self.protocol, nodes=nodes, prefer=None,
                foreign=self.theirs, secret=has_secret, interval=interval,
                more=more),
            daemons.secret_text(carp if self.protocol == "carp" else None,
                                keys), start=False)
        self.peer = None

    def start_peer(self, rank="worse", **kw):
        self.peer = self.make(self.their_node, self.ranks[rank], **kw)
        return self.peer

    def start_ours(self):
        self.vrrpd.start()
        return self.vrrpd

    # An FRR node has the address all the time, on a macvlan that is down.
    def holders(self):
        frr = self.theirs if self.kind.startswith("frr") else None
        return [n for n in self.lab.holders_of(VIP) if n != frr]

    def right(self, name):
        frr = self.kind.startswith("frr") and name == self.theirs
        return self.holders() == ([] if frr else [name])

    def senders(self, seconds):
        since = mono_ns() - int(seconds * 1e9)
        return {a.node for a in self.lab.adverts(since=since)
                if not a.resigns and not a.soft}

    def settle(self, name, timeout=25, watch=3.0, window=2.3):
        """Until one node alone sends and holds; then it stays so."""
        self.lab.wait_for(
            lambda: self.senders(window) == {name} and self.right(name),
            timeout, f"{name} alone is active")
        end = time.monotonic() + watch
        while time.monotonic() < end:
            assert self.senders(1.0) <= {name}, "two are active"
            assert self.right(name), f"held by {self.holders()}"
            self.lab.elapse(0.1)

    def takes(self, name, since, timeout=15):
        """First advert of a node in earnest, seconds after `since`."""
        def first():
            return next((a for a in self.lab.adverts(name, since)
                         if not a.soft and not a.resigns), None)
        a = self.lab.wait_for(first, timeout, f"{name} takes over")
        return (a.ns - since) / 1e9
