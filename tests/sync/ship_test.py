# SPDX-License-Identifier: ISC
"""Generations over real ssh and rsync."""

import os


def test_one(sshpair):
    ship = sshpair.ship().active(1)
    ship.tell("file etc/a 1 100")
    assert ship.publish() == 1
    assert len(sshpair.beta.head()) == 1
    ship.tell("file etc/b 2 5000", "file c 3 0")
    assert ship.publish() == 2
    assert sshpair.beta.head() == sshpair.alpha.head()


def test_large_and_many_go_by_rsync(sshpair):
    ship = sshpair.ship().active(1)
    ship.tell("many 600 1000", "file big 7 3000000")
    assert ship.publish() == 1
    assert len(sshpair.beta.objects()) == 601
    assert sorted(map(os.path.basename, sshpair.beta.objects())) == \
        sorted(map(os.path.basename, sshpair.alpha.objects()))
    assert os.listdir(sshpair.beta.store("objects.in")) == []
