# SPDX-License-Identifier: ISC
"""
The sending side against a partner that lies: it says so, tries again later,
acknowledges nothing, stays small, and ships as soon as the partner is sane.
"""

import os

import pytest

from ship_pair import PAIR, RUN, SSH, STORE

HERE = os.path.dirname(os.path.abspath(__file__))


def liar(pair, what):
    key = pair.beta.node.read(f"{SSH}/authorized_keys")
    pair.beta.node.write(f"{SSH}/authorized_keys", key.replace(
        f"{pair.receiver} {PAIR} {STORE} {RUN}",
        f"/usr/bin/python3 -IS {HERE}/liar.py '{what}'"))
    return key


@pytest.mark.parametrize("what,says", [
    ("banner", "down partner-protocol"), ("random", "down partner-protocol"),
    ("end", "down"), ("other pair", "down partner-protocol"),
    ("protocol", "down partner-protocol"),
    ("history", "down partner-protocol"), ("count", "down partner-protocol"),
    ("ack at once", "down partner-protocol"),
    ("wrong ack", "down partner-protocol"), ("foreign", "held own-store"),
    ("endless", "down partner-protocol"), ("circles", "down partner-protocol"),
    ("far ahead", "down partner-protocol"), ("absurd stale", "held absurd"),
    ("nak2", "held partner-space"), ("nak3", "held bad-object"),
    ("nak5", "held dual"), ("nak9", "held partner-busy"),
    ("nak10", "held partner-store"), ("nak13", "down partner-protocol"),
    ("missing for ever", "held partner-missing")])
def test_lie(sshpair, what, says):
    key = liar(sshpair, what)
    ship = sshpair.ship().active(1)
    # with objects that are asked about, except where that is not reached
    if what != "wrong ack":
        ship.tell("many 40 100")
    ship.tell("file a 1 100", "publish")
    ship.wait("state " + says, 30)
    assert not ship.lines("acked")
    sshpair.beta.node.write(f"{SSH}/authorized_keys", key)
    sshpair.kill(sshpair.alpha, "ssh")
    ship.tell("reconnect")
    ship.wait("acked 1 ", 30)
    sshpair.beta.verify()


@pytest.mark.parametrize("what", ["absurd word", "flood", "never reads"])
def test_words_of_a_liar(sshpair, what):
    key = liar(sshpair, what)
    ship = sshpair.ship().active(1)
    ship.tell("word 1 1 1")
    if what == "absurd word":
        ship.wait("log 1", 10)
        assert not ship.lines("word role 2")
    else:
        ship.wait("word role 2", 10, 5)
        # it still does what it is told
        for i in range(20):
            ship.tell(f"file f{i} {i} 200000", "publish")
        ship.wait("published 20", 30)
        with open(f"/proc/{ship.proc.pid}/status") as f:
            rss = next(ln for ln in f if ln.startswith("VmRSS"))
        assert int(rss.split()[1]) < 60000
    assert not ship.lines("acked")
    sshpair.beta.node.write(f"{SSH}/authorized_keys", key)
    ship.tell("reconnect")
    ship.tell("file z 1 1", "publish")
    ship.wait("acked", 30)
    sshpair.beta.verify()
