# SPDX-License-Identifier: ISC
"""
SIGKILL to every program on the way, at any moment: the head verifies, and
what was acknowledged is there.  A seed is printed with a failure.
"""

import os
import random
import time

import pytest

KILLS = int(os.environ.get("VIPAIR_KILLS", "12"))


def settle(sshpair, ship, generation):
    """Everything that was published arrives in the end."""
    ship.wait(f"acked {generation} ", 90)
    assert sshpair.beta.newest() == sshpair.alpha.newest()
    sshpair.beta.verify()
    sshpair.alpha.verify()


def acknowledged_is_there(sshpair, ship):
    told = [t.split()[1:3] for t in ship.lines("acked")]
    heads = sshpair.beta.verify()
    for g, h in told:
        if int(g) in heads:
            assert heads[int(g)] == h
    if told:
        assert sshpair.beta.newest()[0] >= int(told[-1][0])


@pytest.mark.parametrize("what", ["receiver", "ssh", "sshd"])
def test_killed_between_small_ones(sshpair, what):
    rng = random.Random(what)
    ship = sshpair.ship().active(1)
    ship.tell("file a 0 10")
    ship.publish()
    n = 1
    for k in range(KILLS):
        for _ in range(20):
            n += 1
            ship.tell(f"file f{n % 9} {n} 3000", "publish")
        ship.wait(f"published {n} ", 30)
        # at any moment of the twenty
        time.sleep(rng.random() * 0.15)
        if what == "ssh":
            sshpair.kill(sshpair.alpha, "ssh")
        elif what == "receiver":
            sshpair.kill(sshpair.beta, "receiver")
        else:
            # the connection's own processes, not the one that listens
            for p in sshpair.named(sshpair.beta, "sshd"):
                if p != sshpair.beta.sshd.pid:
                    os.kill(p, 9)
        acknowledged_is_there(sshpair, ship)
        ship.tell("reconnect")
    settle(sshpair, ship, n)


@pytest.mark.parametrize("what", ["rsync", "receiver", "ssh", "far rsync"])
def test_killed_in_bulk(sshpair, what):
    rng = random.Random(what)
    ship = sshpair.ship(bandwidth=20 << 20).active(1)
    ship.tell("many 300 20000", "file big 1 6000000")
    ship.tell("publish")
    ship.wait("published 1 ", 30)
    for k in range(4):
        sshpair.lab.wait_for(
            lambda: ship.acked() or sshpair.named(sshpair.alpha, "rsync"),
            30, "rsync starts")
        time.sleep(rng.random() * 0.4)
        if what == "far rsync":
            sshpair.kill(sshpair.beta, "rsync")
        elif what == "receiver":
            sshpair.kill(sshpair.beta, what)
        else:
            sshpair.kill(sshpair.alpha, what)
        acknowledged_is_there(sshpair, ship)
        ship.tell("reconnect")
    settle(sshpair, ship, 1)


def test_sender_killed(sshpair):
    rng = random.Random(3)
    n = 0
    for k in range(KILLS // 2):
        ship = sshpair.ship().active(1)
        for _ in range(20):
            n += 1
            ship.tell(f"file f{n % 9} {n} 3000", "publish")
        sshpair.lab.wait_for(lambda: ship.acked() or not ship.proc.running,
                             30, "something is acknowledged")
        time.sleep(rng.random() * 0.1)
        ship.kill()
        acknowledged_is_there(sshpair, ship)
        sshpair.alpha.verify()
        n = sshpair.alpha.newest()[0]
    ship = sshpair.ship().active(1)
    ship.tell("file last 1 1", "publish")
    settle(sshpair, ship, n + 1)


def test_power_of_the_standby(sshpair):
    ship = sshpair.ship().active(1)
    ship.tell("steps 100000 3000")
    ship.wait("acked", 20, 200)
    sshpair.lab.beta.power_off()
    told = ship.acked()
    ship.kill()
    # its disk is a directory of ours; what is in it now is what it had
    d = os.path.join(sshpair.lab.beta.lib, "vipair/store/vpn/manifests")
    names = sorted(os.listdir(d))
    assert int(names[-1].split(".")[0]) >= told
