# SPDX-License-Identifier: ISC
"""Generations over real ssh and rsync."""

import os


def test_one(pair):
    ship = pair.ship().active(1)
    ship.tell("file etc/a 1 100")
    assert ship.publish() == 1
    assert len(pair.beta.head()) == 1
    ship.tell("file etc/b 2 5000", "file c 3 0")
    assert ship.publish() == 2
    assert pair.beta.head() == pair.alpha.head()


def test_large_and_many_go_by_rsync(pair):
    ship = pair.ship().active(1)
    ship.tell("many 600 1000", "file big 7 3000000")
    assert ship.publish() == 1
    assert len(pair.beta.objects()) == 601
    assert sorted(map(os.path.basename, pair.beta.objects())) == \
        sorted(map(os.path.basename, pair.alpha.objects()))
    assert os.listdir(pair.beta.store("objects.in")) == []
