# SPDX-License-Identifier: ISC
"""
SIGKILL to every part of the data half at random while the service writes: the
head always verifies, what was acknowledged is there, the address stays.

VIPAIR_PAIR_KILLS: how many (60 when not given; the parts alone die some
hundred times more in ship_kill_test, capture_kill and loader_kill).
"""

import os
import random
import time

from lab.netns import mono_ns
from lab.lab import VIP

KILLS = int(os.environ.get("VIPAIR_PAIR_KILLS", "60"))
ACTIVE = ("mirror", "capture", "ssh", "sqlsnap", "rsync", "bulkssh")
STANDBY = ("mirror", "capture", "receiver", "loader", "rsync", "ssh")


def one(rng, pair):
    """Somebody who is there, of either node: (who, pid) or None."""
    node, names = rng.choice(((pair.a, ACTIVE), (pair.b, STANDBY)))
    name = rng.choice(names)
    pids = node.pids_of(name)
    return (node.name, name, rng.choice(pids)) if pids else None


def there(pair, told):
    """Generation told is in the standby's store, and that verifies."""
    heads = pair.b.verify()
    assert heads and max(heads) >= told, (max(heads), told)


def test_kills(datapair, data_lab):
    p, seed = datapair, random.randrange(1 << 32)
    rng = random.Random(seed)
    data_lab.mark(f"seed {seed}")
    count, told, by = 0, 0, {}
    t0, started = mono_ns(), time.monotonic()
    while count < KILLS:
        time.sleep(rng.random() * 0.2)
        told = max(told, p.a.mirror().get("acked", 0))
        if rng.random() < 0.05:
            p.a.put(f"tree/d5/big{count}", os.urandom(600000).hex())
        who = one(rng, p)
        if who is None:
            continue
        try:
            os.kill(who[2], 9)
        except ProcessLookupError:
            continue
        by[who[:2]] = by.get(who[:2], 0) + 1
        count += 1
        if count % 20 == 0:
            there(p, told)
    data_lab.mark(f"killed: {by}")
    data_lab.measure("kills", count, f"in {time.monotonic() - started:.0f} s")
    g = p.level(p.a, 60)
    there(p, g)
    p.a.verify()
    # nobody noticed: the same node, the service never stopped for it
    assert not data_lab.kernel.changes(VIP, t0)
    r = p.a.vipctl("handover", timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
    p.takes_over("beta")
    p.well(p.b, p.a.seq())
