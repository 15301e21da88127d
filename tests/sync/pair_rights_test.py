# SPDX-License-Identifier: ISC
"""What the processes of two whole nodes may do, from /proc; and what
somebody with the private key can."""

import os
import re

import pytest

from pair_kit import SYNC, STORE
from ship_pair import comm

DAC_READ_SEARCH = 1 << 2
FAMILIES = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "netlink",
            "icmp", "udplite")


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(ln.rstrip("\n").split(":\t", 1) for ln in f
                    if ":\t" in ln)


def caps(st):
    return {k: int(st[k], 16) for k in ("CapInh", "CapPrm", "CapEff",
                                        "CapAmb")}


def network_inodes(pid):
    """Inodes of all sockets of its namespace that reach a network."""
    found = set()
    for kind in FAMILIES:
        try:
            with open(f"/proc/{pid}/net/{kind}") as f:
                for ln in f.readlines()[1:]:
                    w = ln.split()
                    found.add(w[8 if kind == "packet" else -1
                                if kind == "netlink" else 9])
        except OSError:
            pass
    return found


def sockets(pid):
    found = set()
    for n in os.listdir(f"/proc/{pid}/fd"):
        try:
            m = re.fullmatch(r"socket:\[(\d+)\]",
                             os.readlink(f"/proc/{pid}/fd/{n}"))
        except OSError:
            continue
        if m:
            found.add(m[1])
    return found


def ours(node):
    return [p for p in node.node.pids()
            if comm(p) not in ("sshd", "python3", "pair_writer", "sh",
                               "bash", "echo")]


def test_no_root_process_has_a_network_descriptor(datapair, data_lab):
    looked = 0
    for n in (datapair.a, datapair.b):
        for p in ours(n):
            try:
                st = status(p)
                if "0" not in st["Uid"].split():
                    continue
                both = sockets(p) & network_inodes(p)
            except (FileNotFoundError, ProcessLookupError):
                continue
            looked += 1
            assert not both, f"{comm(p)} of {n.name} has {both}"
    assert looked >= 2


def test_rooms_are_locked(datapair, data_lab):
    """Every room under its filter, no capability but those it needs."""
    allowed = {"capture": DAC_READ_SEARCH}
    seen = set()
    for n in (datapair.a, datapair.b):
        for p in ours(n):
            name = comm(p)
            if name not in ("mirror", "capture", "ssh", "rsync", "receiver",
                            "elector", "keeper"):
                continue
            try:
                st = status(p)
            except FileNotFoundError:
                continue
            seen.add(name)
            c = caps(st)
            assert "0" not in st["Uid"].split(), name
            assert st["NoNewPrivs"] == "1", name
            assert st["Seccomp"] == "2", f"{name} of {n.name}: no filter"
            for k, v in c.items():
                assert v & ~allowed.get(name, 0) == 0, f"{name} {k} {v:x}"
            if name == "capture":
                assert c["CapAmb"] == 0 and c["CapInh"] == 0
    assert {"mirror", "capture", "ssh", "receiver"} <= seen, seen


def test_rsync_has_no_capability(datapair, data_lab):
    """Bulk goes by rsync; it is looked at while it runs."""
    p = datapair
    found = {}
    for i in range(60):
        with open(p.a.live(f"tree/d6/bulk{i}"), "wb") as f:
            f.write(os.urandom(1500000))

    def look():
        for n in (p.a, p.b):
            for pid in n.pids_of("rsync", "bulkssh"):
                try:
                    st = status(pid)
                except (FileNotFoundError, ProcessLookupError):
                    continue
                found[n.name] = st
        return {"alpha", "beta"} <= set(found)
    data_lab.wait_for(look, 30, "rsync runs on both")
    for name, st in found.items():
        assert not any(caps(st).values()), (name, st)
        assert "0" not in st["Uid"].split() and st["NoNewPrivs"] == "1"
    p.level(p.a, 60)


@pytest.mark.parametrize("word", [
    None, "id", "/bin/sh", "cat /etc/passwd", "rsync --server --sender . /",
    "rsync --server . /tmp/x", "receiver other", "scp -t /", "bash -c id"])
def test_the_key_runs_nothing_but_the_receiver(keypair, word):
    p = keypair
    r = p.a.ssh(word, input=b"id; cat /etc/passwd\n")
    both = r.stdout + r.stderr
    for leak in (b"uid=", b"root:", b"/bin/bash", b"_syncr:"):
        assert leak not in both, both
    assert r.returncode != 0
    assert not p.b.pids_of("sh", "bash", "cat", "id", "rsync")


@pytest.mark.parametrize("extra", [
    ["-L", "1999:127.0.0.1:22", "-N"], ["-R", "1999:127.0.0.1:22", "-N"],
    ["-D", "1999", "-N"], ["-W", "127.0.0.1:22"], ["-tt"]])
def test_the_key_forwards_nothing(keypair, extra):
    p = keypair
    try:
        r = p.a.ssh(None, timeout=4, extra=["-o", "ExitOnForwardFailure=yes",
                                            *extra], input=b"")
        assert r.returncode != 0
        assert b"SSH-2.0" not in r.stdout
    except Exception as e:
        # it stays connected and does nothing: what it asked for is refused
        assert "timed out" in str(e)
    # the door it wanted there is not open
    out = p.b.node.sh("ss -Hltn sport = :1999", check=False).stdout
    assert not out.strip()


@pytest.fixture
def keypair(data_lab):
    """Nobody runs but sshd: a key, and what it opens."""
    from pair_kit import DataPair
    p = DataPair(data_lab, files=0)
    for n in (p.a, p.b):
        n.start_sshd()
    p.b.node.sh(f"install -d -m 755 /run/vipair; install -d -m 2771 -o "
                f"_syncd -g _syncd {SYNC}; ls -d {STORE}")
    return p
