# SPDX-License-Identifier: ISC
"""The demo as ./try plays it: what it claims, and what it leaves behind."""

import glob
import os
import re
import signal
import subprocess
import time

import pytest

from lab.daemons import PREFIX

VIPCTL = os.path.join(PREFIX, "bin", "vipctl")


def host():
    """What a demo could have changed of the machine."""
    files = {}
    for f in ("/etc/passwd", "/etc/group", "/etc/shadow"):
        with open(f, "rb") as fd:
            files[f] = fd.read()
    return files, os.path.exists("/run/vipair-demo"), \
        glob.glob("/tmp/vipair-demo*")


def networks_of(pid):
    """The networks of this demo: its own and the nodes'."""
    nets = set()
    for p in [pid, *children(pid)]:
        try:
            nets.add(os.readlink(f"/proc/{p}/ns/net"))
        except OSError:
            pass    # a command of a moment
    return nets - {os.readlink("/proc/self/ns/net")}


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


def living_in(nets):
    found = []
    for path in glob.glob("/proc/[0-9]*/ns/net"):
        try:
            if os.readlink(path) in nets:
                found.append(path)
        except OSError:
            pass
    return found


def test_no_copied_visit_is_lost_and_the_rest_is_kept():
    before = host()
    r = subprocess.run([VIPCTL, "demo", "--scenario", "diverged"],
                       text=True, capture_output=True, timeout=90)
    assert r.returncode == 0, r.stdout + r.stderr
    row = re.search(r"^power loss .* (\d+) \(last \d+ ms\) +(\d+) of (\d+)",
                    r.stdout, re.M)
    assert row, r.stdout
    lost, copied_lost, copied = map(int, row.groups())
    assert lost > 0         # its ssh stood still: the fault was one
    assert copied_lost == 0
    assert copied > 0
    assert re.search(r"^return .* 0 ms +\d+  0 ", r.stdout, re.M), r.stdout
    assert "parted from the active node" in r.stdout
    assert host() == before


@pytest.mark.parametrize("sig", (signal.SIGINT, signal.SIGKILL))
def test_interrupted_it_leaves_nothing(sig):
    before = host()
    p = subprocess.Popen([VIPCTL, "demo"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True)
    for line in p.stdout:
        if "beta has its data" in line:
            break
    nets = networks_of(p.pid)
    assert len(nets) == 3   # the client's and two nodes'
    assert len(living_in(nets)) > 10
    p.send_signal(sig)
    p.stdout.read()
    assert p.wait(10) == (1 if sig == signal.SIGINT else -sig)
    end = time.monotonic() + 5
    while living_in(nets) and time.monotonic() < end:
        time.sleep(0.05)
    assert living_in(nets) == []
    assert host() == before


def test_a_wrong_scenario_lists_them():
    r = subprocess.run([VIPCTL, "demo", "--scenario", "fire"], text=True,
                       capture_output=True, timeout=10)
    assert r.returncode == 64
    assert "diverged" in r.stderr
