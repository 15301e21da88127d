# SPDX-License-Identifier: ISC
"""
What an idle pair costs: processor time and wake-ups by the kernel's own
books, memory as PSS, system calls as strace counts them.
"""

import os
import re
import signal
import subprocess

from lab.lab import _comm
from lab.netns import mono_ns


def tasks(pid):
    try:
        return [f"/proc/{pid}/task/{t}" for t in
                os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def cpu_ns(pid):
    return sum(int((read(t + "/schedstat") or "0").split()[0])
               for t in tasks(pid))


def sleeps(pid):
    """Times that it went to sleep by itself, so was woken up."""
    return sum(int(n) for t in tasks(pid) for n in
               re.findall(r"\nvoluntary_ctxt_switches:\s+(\d+)",
                          read(t + "/status")))


def pss_kb(pid):
    m = re.search(r"\nPss:\s+(\d+) kB", read(f"/proc/{pid}/smaps_rollup"))
    return int(m.group(1)) if m else 0


def books(pids):
    return {p: (_comm(p), cpu_ns(p), sleeps(p)) for p in pids}


def idle(s, seconds):
    """Of both nodes: {node: {measure: number}}, and a line per process."""
    out, parts = {}, []
    nodes = ("alpha", "beta")
    before = {n: books(s.pids(n)) for n in nodes}
    at = mono_ns()
    s.lab.elapse(seconds)
    took = (mono_ns() - at) / 1e9
    adverts = len(s.lab.adverts("alpha", at)) or 1
    for n in nodes:
        after = books(s.pids(n))
        cpu = wakes = 0
        for p, (name, c, w) in after.items():
            c0, w0 = before[n].get(p, (name, 0, 0))[1:]
            cpu += c - c0
            wakes += w - w0
            parts.append(f"{n} {name}: {(c - c0) / 1e3 / adverts:.0f} us, "
                         f"{(w - w0) / adverts:.2f} wake-ups per advert, "
                         f"PSS {pss_kb(p)} kB")
        out[n] = {"cpu": cpu / 1e9 / adverts, "wakes": wakes / adverts,
                  "load": cpu / 1e9 / took,
                  "pss": sum(pss_kb(p) for p in after)}
    return out, parts


def calls(s, seconds, node="alpha"):
    """System calls per advert, and a line per process."""
    tracers = []
    for p in s.pids(node):
        path = os.path.join(s.lab.dir, f"strace-{p}")
        tracers.append((_comm(p), path, subprocess.Popen(
            ["/usr/bin/strace", "-f", "-c", "-p", str(p), "-o", path],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)))
    s.lab.elapse(1)
    at = mono_ns()
    s.lab.elapse(seconds)
    adverts = len(s.lab.adverts("alpha", at)) or 1
    total, parts = 0, []
    for _, _, t in tracers:
        t.send_signal(signal.SIGINT)
    for name, path, t in tracers:
        t.wait(timeout=10)
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?"
                          r"(\w+)$", read(path), re.M)
        rows = [(int(n), c) for n, c in rows if c != "total"]
        # what the second before the window cost is taken to be its share
        share = seconds / (seconds + 1) / adverts
        total += sum(n for n, _ in rows) * share
        parts.append(f"{node} {name}: " + ", ".join(
            f"{c} {n * share:.2f}" for n, c in sorted(rows, reverse=True)))
    return total, parts
