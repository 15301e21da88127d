# SPDX-License-Identifier: ISC
"""
What the running mirror, its ssh and its rsync have left (what they may do is
mirror_lock_test.c's).
"""

import os
import signal

from ship_pair import comm


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(ln.rstrip("\n").split(":\t", 1) for ln in f
                    if ":\t" in ln)


def looked_at(pid):
    s = status(pid)
    for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(s[k], 16) == 0, (comm(pid), s)
    assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2", (comm(pid), s)
    uids = set(s["Uid"].split())
    assert len(uids) == 1 and "0" not in uids
    assert s.get("Groups", "").strip() == ""
    return s


def test_rights(mirrors):
    a, b = mirrors.both()
    a.tell("file big 1 150000000", "publish")

    def running():
        kids = mirrors.alpha.children(a.pid)
        names = [comm(p) for p in kids]
        return names.count("ssh") >= 2 and "rsync" in names and kids
    kids = mirrors.lab.wait_for(running, 30, "rsync and its ssh run")
    me = looked_at(a.pid)
    # ends when the supervisor says so, or is gone
    assert int(me["SigIgn"], 16) >> (signal.SIGTERM - 1) & 1
    seen = set()
    for p in kids:
        try:
            s = looked_at(p)
            fds = os.listdir(f"/proc/{p}/fd")
        except OSError:
            continue		# it has ended
        name = comm(p)
        assert name in ("ssh", "rsync", "bulkssh")
        if name != "bulkssh":
            assert not int(s["SigIgn"], 16) >> (signal.SIGTERM - 1) & 1
            assert not int(s["SigBlk"], 16), name
        assert len(fds) < 16
        seen.add(name)
    assert seen >= {"ssh", "rsync"}
    a.shows("there", acked=1, timeout=60)


def test_no_process_listens(mirrors):
    a, b = mirrors.both()
    out = mirrors.alpha.node.run("ss", "-Hltnup").stdout
    for line in out.splitlines():
        assert "sshd" in line, line


def test_nothing_is_left_in_the_run_directory(mirrors):
    """Nobody else may write there, and what is there is what is named."""
    a, b = mirrors.both()
    run = mirrors.alpha.node.path("/run/vipair/sync")
    names = {n for n in os.listdir(run) if not n.endswith(".new")}
    assert names == {f"vpn.{s}" for s in ("word", "sock", "ssh", "mirror",
                                          "ctl")}
    mode = {n: os.stat(os.path.join(run, n)).st_mode & 0o777 for n in names}
    assert mode["vpn.mirror"] == 0o644 and mode["vpn.word"] == 0o640
    assert mode["vpn.sock"] == 0o660 and mode["vpn.ctl"] == 0o600
