# SPDX-License-Identifier: ISC
"""
Each room really runs with what design.md gives it and no more: looked up in
/proc while a pair is alive, on the active and on the standby.
"""

import os
import pwd
import re
import subprocess

import pytest

from lab.daemons import KEY, PREFIX, TOP
from lab.lab import VIP
from lab.netns import mono_ns

CAP_NET_ADMIN, CAP_NET_RAW = 12, 13
CAP_IPC_LOCK, CAP_SYS_NICE, CAP_SYS_RESOURCE = 14, 23, 24
NODES = pytest.mark.parametrize("name", ["alpha", "beta"])


def proc_status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(ln.rstrip("\n").split(":\t", 1) for ln in f
                    if ":\t" in ln)


def caps(status):
    return {k: int(status[k], 16) for k in
            ("CapInh", "CapPrm", "CapEff", "CapAmb")}


def fds(pid):
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            pass
    return found


@NODES
@pytest.mark.parametrize("room, user", [
    ("elector", "_vrrpd"), ("actuator", "_vipd"), ("keeper", "_vrrpd")])
def test_ids(pair, name, room, user):
    who = pwd.getpwnam(user)
    s = proc_status(pair.of(name).room(room))
    assert s["Uid"].split() == [str(who.pw_uid)] * 4
    assert s["Gid"].split() == [str(who.pw_gid)] * 4
    assert who.pw_uid != 0
    assert s["Groups"].split() in ([], [str(who.pw_gid)])


def test_elector_and_actuator_differ():
    assert pwd.getpwnam("_vrrpd").pw_uid != pwd.getpwnam("_vipd").pw_uid


@NODES
def test_capabilities(pair, name):
    d = pair.of(name)
    for room in ("elector", "keeper"):
        c = caps(proc_status(d.room(room)))
        assert set(c.values()) == {0}, (room, c)
    c = caps(proc_status(d.room("actuator")))
    two = 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW
    assert c["CapPrm"] == two and c["CapEff"] == two
    assert c["CapInh"] == 0 and c["CapAmb"] == 0
    for room in ("elector", "actuator", "keeper"):
        bound = int(proc_status(d.room(room))["CapBnd"], 16)
        assert bound & ~two == 0, (room, hex(bound))


@NODES
@pytest.mark.parametrize("room", ["elector", "actuator", "keeper"])
def test_locked_in(pair, name, room):
    pid = pair.of(name).room(room)
    s = proc_status(pid)
    assert s["Seccomp"] == "2" and int(s["Seccomp_filters"]) >= 1
    assert s["NoNewPrivs"] == "1"
    # an empty root that it cannot write
    root = f"/proc/{pid}/root"
    node = pair.of(name).node
    if room != "keeper":
        assert os.stat(root).st_ino != os.stat(node.path("/")).st_ino
        assert os.listdir(root) == []
        st = os.stat(root)
        assert st.st_uid == 0 and st.st_mode & 0o022 == 0
    # nobody of the same user may look into it
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0
    with open(f"/proc/{pid}/environ", "rb") as f:
        assert f.read().strip(b"\0") == b""
    with open(f"/proc/{pid}/limits") as f:
        limits = f.read()
    assert re.search(r"Max core file size\s+0\s+0", limits)


@NODES
def test_descriptors(pair, name):
    """Nothing but sockets, the event of nothing, and sealed memory; no
    directory but the keeper's own."""
    d = pair.of(name)
    for room in ("elector", "actuator", "keeper"):
        found = fds(d.room(room))
        assert len(found) < 40, found
        for fd, target in found.items():
            known = target.startswith(("socket:", "/memfd:", "anon_inode:",
                                       "/dev/null", "pipe:"))
            if room == "keeper" and target.startswith("/var/lib/vipair"):
                known = True
            assert known, f"{room} has {fd} -> {target}"
            assert not target.startswith("/run"), target
    # exactly the supervisor keeps no advert socket: nothing of protocol 112
    raw = _raw_socket_inodes(d.room("vrrpd"))
    mine = {re.sub(r"\D", "", t) for t in fds(d.room("vrrpd")).values()
            if t.startswith("socket:")}
    assert not raw & mine, "the supervisor kept an advert socket"
    assert raw & {re.sub(r"\D", "", t) for t in fds(d.room("elector")).values()
                  if t.startswith("socket:")}


def _raw_socket_inodes(pid):
    with open(f"/proc/{pid}/net/raw") as f:
        return {ln.split()[9] for ln in f.readlines()[1:]}


def test_secrets_are_in_the_elector_only(pair):
    """The memory of the other rooms does not hold the key."""
    d = pair.a
    for room in ("actuator", "keeper"):
        assert not _holds(d.room(room), KEY), f"{room} knows the key"
    assert _holds(d.room("elector"), KEY), "the search finds nothing"


def _holds(pid, secret):
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb") as mem:
        for ln in maps:
            f = ln.split()
            if "r" not in f[1] or f[-1].startswith("[v"):
                continue
            lo, hi = (int(x, 16) for x in f[0].split("-"))
            try:
                mem.seek(lo)
                if secret in mem.read(hi - lo):
                    return True
            except (OSError, ValueError):
                pass
    return False


def test_memory_and_priority(pair):
    """Locked and at real-time priority where allowed; where the machine
    does not allow it the log says so."""
    own = int(proc_status("self")["CapEff"], 16)
    may_lock = own >> CAP_SYS_RESOURCE & own >> CAP_IPC_LOCK & 1
    for room in ("elector", "actuator"):
        pid = pair.a.room(room)
        if own >> CAP_SYS_NICE & 1:
            policy = os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK
            assert policy in (os.SCHED_FIFO, os.SCHED_RR)
        locked = int(proc_status(pid)["VmLck"].split()[0])
        assert locked > 0 or not may_lock
        assert locked > 0 or f"{room}: memory cannot be locked" in pair.a.log


def test_files_of_the_run_directory(pair, lab):
    """Who may what: status for all, control for root and the group."""
    out = lab.alpha.sh("cd /run/vipair && stat -c '%n %a %U %G' *").stdout
    rows = {r.split()[0]: r.split()[1:] for r in out.splitlines()}
    assert rows["control.sock"] == ["660", "root", "_vrrpd"]
    assert rows["status.sock"][0] == "666"
    loose = lab.alpha.sh("find /run/vipair /var/lib/vipair -perm /022 "
                         "! -type s ! -type l").stdout
    assert not loose, loose


def test_syscalls_of_the_elector_are_few():
    """At most 14 in its filter, by the source's own table."""
    names = set()
    folder = os.path.join(TOP, "vrrpd", "elector")
    for f in os.listdir(folder):
        if f.endswith(".c"):
            with open(os.path.join(folder, f)) as src:
                names |= set(re.findall(r"\.nr\s*=\s*__NR_(\w+)|"
                                        r"\{\s*__NR_(\w+)", src.read()))
    calls = {a or b for a, b in names}
    assert 5 <= len(calls) <= 14, sorted(calls)
    assert not calls & {"socket", "open", "openat", "execve", "execveat",
                        "ptrace", "fork", "clone", "clone3"}


def test_syscalls_of_the_elector_at_run_time(pair, lab):
    """The filter that the kernel really runs, read by its effect: what the
    elector does in some seconds is within the table."""
    out = os.path.join(lab.dir, "trace")
    pid = pair.a.room("elector")
    p = subprocess.Popen(["strace", "-qq", "-f", "-o", out, "-p", str(pid)],
                         stderr=subprocess.DEVNULL)
    lab.elapse(3)
    pair.a.status()
    p.terminate()
    p.wait()
    with open(out) as f:
        used = set(re.findall(r"^\d+\s+(\w+)\(", f.read(), re.M))
    lab.measure("system calls the elector used", len(used), str(sorted(used)))
    assert used and len(used) <= 14


def code_lines(folder):
    """Of the .c files, without blank lines and comments."""
    total = 0
    for f in os.listdir(os.path.join(TOP, folder)):
        if f.endswith(".c"):
            with open(os.path.join(TOP, folder, f)) as src:
                text = re.sub(r"/\*.*?\*/", "", src.read(), flags=re.S)
            total += sum(1 for ln in text.splitlines() if ln.strip())
    return total


def test_actuator_is_small():
    assert code_lines("vrrpd/actuator") < 600


def test_core_imports_nothing():
    """nm -u of the core: memory functions and the assert handler."""
    build = os.path.dirname(PREFIX)
    objects = []
    for top, _, files in os.walk(os.path.join(build, "vrrpd", "core")):
        objects += [os.path.join(top, f) for f in files
                    if f.endswith(".o") and "libcore.a.p" in top]
    assert objects, "the core is not built"
    undefined, defined = set(), set()
    for o in objects:
        out = subprocess.run(["nm", o], text=True, capture_output=True,
                             check=True).stdout
        for ln in out.splitlines():
            f = ln.split()
            (undefined if f[-2] == "U" else defined).add(f[-1])
    allowed = {"memcpy", "memset", "memmove", "memcmp", "__assert_fail",
               "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_", "__memcpy_chk",
               "__memset_chk", "__memmove_chk", "strlen",
               # common/conf.c: accessors of the sealed configuration
               "conf_pair", "conf_pair_addr", "conf_pair_node",
               "conf_string"}
    assert undefined - defined <= allowed, undefined - defined - allowed


def test_nobody_of_its_user_looks_in(pair, lab):
    """Elector, keeper and checker share a user; none can trace or read
    another, and a health check least of all."""
    for room in ("elector", "keeper"):
        inner = proc_status(pair.a.room(room))["NSpid"].split()[-1]
        p = lab.alpha.run("setpriv", "--reuid=_vrrpd", "--regid=_vrrpd",
                          "--clear-groups", "cat", f"/proc/{inner}/maps",
                          check=False)
        assert p.returncode != 0 or p.stdout == ""


def test_pair_still_works(pair, lab):
    t = mono_ns()
    pair.a.stop()
    lab.wait_holder("beta", 5)
    pair.gap("handover", t, "beta")
    assert lab.beta.has(VIP)
