# SPDX-License-Identifier: ISC
"""What is measured of the subjects."""

import os
import random
import shutil
import time

from lab import daemons
from lab.lab import VIP
from lab.netns import mono_ns
from pair_kit import BASE, DATA, DataPair
from sync_subjects import Subject, Vipair

TAKEOVERS = ("address", "prepared", "unprepared")


def changes(subject, files, n, run):
    """One small change at a time, none before the last one counted."""
    s = subject()
    try:
        s.make_tree(files)
        # or whoever starts first waits for the disk to take all of that
        os.sync()
        s.start()
        rnd, ms = random.Random(files), []
        for i in range(2):
            s.change("tree/d0/f0", "warm" + "\n" * i)
        cpu = s.cpu()
        for i in range(n):
            # out of step with every timer
            time.sleep(0.05 + rnd.random() * s.delay_s)
            k = rnd.randrange(files)
            # of a size of its own: rsync does not look into a file of the
            # same size and second
            ms.append(s.change(f"tree/d{k // 100}/f{k}", f"{i} "
                               f"{rnd.random()}\n" * (i + 3)) * 1000)
        cpu = s.cpu() - cpu
        return {"ms": ms, "cpu_ms": cpu * 1000 / n}
    except AssertionError:
        if run.args.verbose:
            run.say(s.lab.story())
        raise
    finally:
        s.close()


def fill(subject, megabytes, run):
    """An empty partner gets a tree of files of 1 MB, all of it new."""
    s = subject()
    try:
        s.make_tree(megabytes, 1 << 20)
        os.sync()
        if subject is not Vipair:
            s.hold()
            t = time.monotonic()
            s.rsync()
            return {"seconds": time.monotonic() - t}
        return fill_vipair(s)
    except AssertionError:
        if run.args.verbose:
            run.say(s.lab.story())
        raise
    finally:
        s.close()


def fill_vipair(s):
    """The active node has taken its tree; then ssh is let through.  Counted
    from the first object that is asked for."""
    rule = s.lab.lose(match="tcp dport 22")
    p = s.pair
    p.a.start()
    p.b.start()
    s.lab.wait_holder("alpha", 30)
    s.lab.wait_for(lambda: p.a.mirror().get("generation", 0) > 0, 600,
                   "the first generation is made")
    own = p.a.mirror()["generation"]
    os.sync()
    rule.heal()
    s.lab.wait_for(lambda: p.a.mirror().get("run_total", 0) > 0, 60,
                   "the copy begins")
    t = time.monotonic()
    s.lab.wait_for(lambda: p.a.mirror().get("acked", 0) >= own, 900,
                   "the first fill is acknowledged")
    t = time.monotonic() - t
    p.b.verify()
    return {"seconds": t}


STAMP = """#!/usr/bin/python3 -IS
import sys, time
open("/run/lab/" + sys.argv[1], "a").write(
    "%d\\n" % time.clock_gettime_ns(time.CLOCK_MONOTONIC))
if sys.argv[1] == "check":
    sys.exit(0)
"""
SERVICE = """
service exec {
	start "/run/lab/stamp start"
	stop "/run/lab/stamp stop"
	check "/run/lab/stamp check"
}
"""


def takeover(name, megabytes, run):
    """The active node loses power.  lease: from there to the address in the
    standby's kernel; start: from then on to the service's first line."""
    lab_of = Subject()
    lab = lab_of.lab
    try:
        more = SERVICE + (DATA % "" if name != "address" else "")
        p = DataPair(lab, files=0, service=False,
                     text=daemons.conf(more=more))
        for n in (p.a, p.b):
            n.node.write("/run/lab/stamp", STAMP, 0o755)
        os.makedirs(lab_of.live("tree"), exist_ok=True)
        if name != "address":
            lab_of.make_tree(megabytes, 1 << 20)
        return power_loss(name, p, lab, lab_of)
    except AssertionError:
        if run.args.verbose:
            run.say(lab.story())
        raise
    finally:
        lab_of.close()


def power_loss(name, p, lab, lab_of):
    if name == "address":
        p.a.start()
        lab.elapse(1)
        p.b.start()
        lab.wait_holder("alpha", 30)
        lab.elapse(3)
    else:
        p.start(900)
        settle(p, lab, lab_of)
    if name == "unprepared":
        for x in os.listdir(p.b.disk(BASE)):
            path = p.b.disk(f"{BASE}/{x}")
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    elif name == "prepared":
        # some last changes, which may not be in the live tree yet
        for i in range(10):
            lab_of.put(f"tree/d0/f{i}", f"last {i}\n")
        p.level(p.a)
    # where the machine is too slow for the election, nothing is measured
    held = lab.holders_of(VIP)
    assert held == ["alpha"], f"the address is with {held} beforehand"
    t = mono_ns()
    p.a.power_off()
    got = lab.wait_holder("beta", 30)

    def started():
        rows = [int(x) for x in p.b.node.read("/run/lab/start").split()]
        return next((x for x in rows if x > t), None)
    at = lab.wait_for(started, 300, "the service is started")
    return {"lease": (got - t) / 1e9, "start": (at - got) / 1e9}


def settle(p, lab, lab_of):
    """Until the standby's live tree is the active's."""
    n = len(os.listdir(lab_of.live("tree")))
    last = os.path.basename(sorted(os.listdir(lab_of.live("tree")))[-1])
    lab.wait_for(lambda: os.path.exists(p.b.disk(f"{BASE}/tree/{last}")) and
                 len(os.listdir(p.b.disk(f"{BASE}/tree"))) == n, 300,
                 "the standby has settled")
    lab.elapse(3)
