# SPDX-License-Identifier: ISC
"""
Somebody removes the store, or a part of it, below two running nodes: the
pair heals by itself, the service never notices, and what is live is safe.
"""

import os
import re
import shutil

import pytest

from lab.lab import VIP
from lab.netns import mono_ns
from pair_kit import STATE, STORE
from pair_trouble_test import named


def inside(node):
    for name in os.listdir(node.store()):
        path = node.store(name)
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
            continue
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass        # the capture is at work


def root(node):
    shutil.rmtree(node.store(), ignore_errors=True)


def all_of_them(node):
    shutil.rmtree(node.disk(f"{STATE}/store"), ignore_errors=True)


def marks(node):
    os.unlink(node.store("EPOCH"))
    os.unlink(node.store("LIVE"))


def heals(pair, t):
    """Both are level again, with new generations, and the role stayed."""
    p, lab = pair, pair.lab
    was = p.a.seq()
    lab.wait_for(lambda: p.a.seq() > was, 5, "the service writes")
    p.level(p.a, 60)
    p.change(p.a, "tree/d3/f300", f"after it {t}\n", 40)
    lab.wait_for(lambda: p.b.data().get("ready"), 30, "beta is ready")
    assert not lab.kernel.changes(VIP, t), lab.kernel.changes(VIP, t)
    p.a.verify()
    p.b.verify()


def moves(pair):
    """The other node takes over with all that was written."""
    p = pair
    seq = p.a.seq()
    r = p.a.vipctl("sync", "now", timeout=40)
    assert r.returncode == 0, r.stdout + r.stderr + p.story()
    p.a.power_off()
    p.takes_over("beta")
    p.well(p.b, seq)
    assert p.b.get("tree/d3/f300").startswith("after it")


@pytest.mark.parametrize("what", [inside, root, all_of_them])
@pytest.mark.parametrize("who", ["alpha", "beta"])
def test_removed(datapair, who, what):
    p, t = datapair, mono_ns()
    node = p.of(who)
    what(node)
    named(node, "W64")
    heals(p, t)
    moves(p)


@pytest.mark.parametrize("signal", [0, 1])
@pytest.mark.parametrize("what", [inside, marks])
def test_removed_before_a_reload(datapair, what, signal):
    """The rooms are new and know only what elector and files say."""
    p, t = datapair, mono_ns()
    p.a.vrrpd.rooms()
    what(p.a)
    if signal:
        p.a.vrrpd.proc.signal(signal)
    else:
        for pid in p.a.pids_of("capture", "mirror"):
            os.kill(pid, 9)
    heals(p, t)
    moves(p)


@pytest.mark.parametrize("name", ["EPOCH", "LIVE", "lock", "chain"])
def test_one_file_is_removed(datapair, name):
    p, t = datapair, mono_ns()
    os.unlink(p.a.store(name))
    if name != "EPOCH":         # which the head says as well
        p.lab.wait_for(lambda: os.path.exists(p.a.store(name)), 10, name)
    heals(p, t)
    moves(p)


def head(node):
    try:
        with open(node.store("HEAD")) as f:
            found = re.search(r"^generation (\d+)$", f.read(), re.M)
    except FileNotFoundError:
        return -1
    return int(found[1]) if found else -1


@pytest.mark.parametrize("how", ["removed", "cut"])
@pytest.mark.parametrize("who", ["alpha", "beta"])
def test_head_is_lost(datapair, who, how):
    """It is written again, and what was kept is kept."""
    p, t = datapair, mono_ns()
    node = p.of(who)
    p.change(p.a, "tree/d3/f301", f"before it {t}\n", 40)
    p.level(p.a, 60)
    kept, at_least = set(os.listdir(node.store("manifests"))), head(node)
    assert at_least > 0
    if how == "cut":
        os.truncate(node.store("HEAD"), 0)
    else:
        os.unlink(node.store("HEAD"))
    p.lab.wait_for(lambda: head(node) >= at_least, 10, "HEAD is again")
    assert not kept - set(os.listdir(node.store("manifests")))
    heals(p, t)
    moves(p)
