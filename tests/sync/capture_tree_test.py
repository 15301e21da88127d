# SPDX-License-Identifier: ISC
"""
What the capture puts into the store, compared byte by byte with the live
tree; and what it must not put there.  Runs as _syncd with one capability.
"""

import ctypes
import os
import pwd
import resource
import signal
import socket
import sqlite3
import stat
import struct
import subprocess
import threading
import time

import pytest

from capture_kit import Lab

NAMES = {"new\nline": b"1", b"\xff\xfe not utf-8": b"2", "%41=,": b"3",
         "x" * 255: b"4", " lead": b"5", "-": b"6", "tail ": b"7",
         "\x01\x7f\t": b"8", "ü": b"9", "..." : b"10", ".dot": b"11"}


@pytest.fixture
def lab():
    with Lab(user="_syncd") as it:
        yield it


def acl(mode_for_1):
    """A POSIX ACL as the kernel keeps it: user:1 gets mode_for_1."""
    rows = [(1, 7, 0xffffffff), (2, mode_for_1, 1), (4, 5, 0xffffffff),
            (0x10, 7, 0xffffffff), (0x20, 0, 0xffffffff)]
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *r) for r in rows)


def same(lab, tree, below=b""):
    """Every live path below a tree has its entry, and the other way."""
    live = {}
    base = os.fsencode(lab.base)
    for top, dirs, files in os.walk(os.path.join(base, below)):
        for name in dirs + files:
            path = os.path.join(top, name)
            live[os.path.relpath(path, base)] = os.lstat(path)
    stored = {p for p in tree if p.startswith(below + b"/")}
    assert stored == set(live)
    for path, st in live.items():
        e = tree[path]
        full = os.path.join(base, path)
        assert (e.uid, e.gid) == (st.st_uid, st.st_gid)
        assert e.mode == stat.S_IMODE(st.st_mode), path
        assert e.mtime_ns == st.st_mtime_ns, path
        if stat.S_ISREG(st.st_mode):
            assert e.type == "f"
            with open(full, "rb") as f:
                assert lab.store.content(e) == f.read()
        elif stat.S_ISDIR(st.st_mode):
            assert e.type == "d"
        else:
            assert e.type == "l"
            assert e.content[0] == ">"


def test_everything_a_tree_can_hold(lab):
    for name, data in NAMES.items():
        lab.write(os.path.join(b"pki", os.fsencode(name)), data)
    os.mkdir(lab.at("pki", "empty"))
    lab.write("pki/deep/er/file", os.urandom(300000))
    lab.write("pki/nothing", b"")
    os.symlink("../outside", lab.at("pki", "link"))
    os.symlink("/etc/shadow", lab.at("pki", "absolute"))
    lab.write("pki/secret", b"only root")
    os.chmod(lab.at("pki", "secret"), 0o000)
    os.chmod(lab.at("pki", "deep", "er"), 0o000)
    lab.write("pki/owned", b"o")
    user = pwd.getpwnam("daemon")
    os.chown(lab.at("pki", "owned"), user.pw_uid, 4242)
    os.chmod(lab.at("pki", "owned"), 0o4755)
    os.utime(lab.at("pki", "nothing"), ns=(1, 1))
    lab.write("elsewhere", b"not ours")
    r = lab.run("tree:pki")
    assert r.status == 0 and not r.problems, r.out
    tree = lab.store.tree()
    same(lab, tree, b"pki")
    assert b"elsewhere" not in tree
    assert tree[b"pki/owned"].user == b"daemon"
    assert tree[b"pki/owned"].group == b""
    assert tree[b"pki/link"].content == ">../outside"
    # Unchanged: the same generation, nothing read.
    again = lab.run("tree:pki")
    assert again.status == 0 and "generation" not in again.out
    assert len(lab.store.generations()) == 1


def test_attributes(lab):
    lab.write("pki/a", b"a")
    a = lab.at("pki", "a")
    os.setxattr(a, "user.one", b"\x00=,% ")
    os.setxattr(a, "user.two", b"")
    os.setxattr(a, "trusted.not", b"ours")
    os.setxattr(a, "system.posix_acl_access", acl(6))
    os.setxattr(lab.at("pki"), "system.posix_acl_default", acl(4))
    lab.run("tree:pki")
    tree = lab.store.tree()
    assert tree[b"pki/a"].xattrs == {
        "user.one": b"\x00=,% ", "user.two": b"",
        "system.posix_acl_access": acl(6)}
    assert tree[b"pki"].xattrs["system.posix_acl_default"] == acl(4)
    os.setxattr(a, "system.posix_acl_access", acl(7))
    os.removexattr(a, "user.two")
    lab.run("tree:pki")
    tree = lab.store.tree()
    assert tree[b"pki/a"].xattrs == {
        "user.one": b"\x00=,% ", "system.posix_acl_access": acl(7)}


def test_hard_links(lab):
    lab.write("pki/a", b"same")
    os.mkdir(lab.at("pki", "d"))
    os.link(lab.at("pki", "a"), lab.at("pki", "d", "b"))
    lab.write("pki/c", b"same")
    lab.write("other", b"o")
    os.link(lab.at("other"), lab.at("pki", "outside"))
    lab.run("tree:pki")
    t = lab.store.tree()
    assert t[b"pki/a"].link == t[b"pki/d/b"].link != 0
    assert t[b"pki/c"].link == 0
    assert t[b"pki/outside"].link not in (0, t[b"pki/a"].link)
    number = t[b"pki/a"].link
    # One of them goes: the other is a plain file again.
    os.unlink(lab.at("pki", "d", "b"))
    lab.run("tree:pki")
    assert lab.store.tree()[b"pki/a"].link == 0
    os.link(lab.at("pki", "c"), lab.at("pki", "aa"))
    lab.run("tree:pki")
    t = lab.store.tree()
    assert t[b"pki/aa"].link == t[b"pki/c"].link != 0
    assert t[b"pki/outside"].link not in (0, t[b"pki/aa"].link)
    assert number != 0


def test_sparse(lab):
    path = lab.at("pki", "image")
    with open(path, "wb") as f:
        f.truncate(3 << 20)
        f.seek(1 << 20)
        f.write(b"middle" * 1000)
    lab.write("pki/plain", bytes(10000))
    lab.run("tree:pki")
    t = lab.store.tree()
    with open(path, "rb") as f:
        assert lab.store.content(t[b"pki/image"]) == f.read()
    assert "vipair.sparse" in t[b"pki/image"].xattrs
    assert "vipair.sparse" not in t[b"pki/plain"].xattrs


def test_deletes_and_changes_of_kind(lab):
    lab.write("pki/gone/deep/file")
    lab.write("pki/file-to-dir")
    lab.write("pki/dir-to-link/x")
    lab.write("pki/same")
    lab.run("tree:pki")
    subprocess.run(["rm", "-r", lab.at("pki", "gone"),
                    lab.at("pki", "dir-to-link"),
                    lab.at("pki", "file-to-dir")], check=True)
    lab.write("pki/file-to-dir/inside")
    os.symlink("same", lab.at("pki", "dir-to-link"))
    r = lab.run("tree:pki")
    assert r.status == 0, r.out
    same(lab, lab.store.tree(), b"pki")


def test_patterns(lab):
    for name in ["server/office.conf", "server/other.conf", "licenses/a",
                 "licenses/b.tmp", "pki/x", "pki/local/secret",
                 "pki/local/deep/y", "top"]:
        lab.write(name)
    r = lab.run("file:server/office.conf", "file?:licenses/*", "tree:pki",
                "never:pki/local/*", "never:*.tmp", "file?:absent/*")
    assert r.status == 0, r.out
    assert set(lab.store.tree()) == {
        b"server", b"server/office.conf", b"licenses", b"licenses/a",
        b"pki", b"pki/x", b"pki/local"}
    # Nothing is left of licenses: neither is the directory.
    os.unlink(lab.at("licenses", "a"))
    lab.run("file:server/office.conf", "file?:licenses/*", "tree:pki",
            "never:pki/local/*", "never:*.tmp")
    assert b"licenses" not in lab.store.tree()


def test_the_whole_base(lab):
    lab.write("a/b")
    lab.write("c")
    lab.run("tree:.")
    assert set(lab.store.tree()) == {b"a", b"a/b", b"c"}


def test_what_should_be_there_holds_back(lab):
    lab.write("pki/a")
    r = lab.run("tree:pki", "file:server/office.conf")
    assert r.status == 2
    assert r.problems == {
        ("missing", b"server/office.conf"): ("holds", 0)}
    assert not lab.store.generations()
    r = lab.run("tree:pki", "file?:server/office.conf")
    assert r.status == 0 and not r.problems


def test_the_base_is_gone(lab):
    lab.write("pki/a")
    lab.run("tree:pki")
    os.rename(lab.base, lab.base + "2")
    os.mkdir(lab.base)
    r = lab.run("tree:pki")
    assert r.status == 2 and ("missing", b"pki") in r.problems
    assert set(lab.store.tree()) == {b"pki", b"pki/a"}


def test_links_lead_nowhere(lab):
    """Neither a tree, nor a directory on the way, nor a file may be one."""
    secret = os.path.join(lab.top, "secret")
    os.mkdir(secret)
    with open(os.path.join(secret, "key"), "w") as f:
        f.write("outside")
    os.symlink(secret, lab.at("pki"))
    os.symlink(secret, lab.at("way"))
    lab.write("ok")
    r = lab.run("tree?:pki", "file?:way/key", "file:ok")
    assert r.status == 0, r.out
    assert set(lab.store.tree()) == {b"ok"}
    assert ("tree-link", b"pki") in r.problems
    r = lab.run("tree:pki", "file:ok")
    assert r.status == 2


def test_a_link_swapped_in(lab):
    """A directory that becomes a link again and again while it is read."""
    secret = os.path.join(lab.top, "secret")
    os.mkdir(secret)
    with open(os.path.join(secret, "f"), "w") as f:
        f.write("outside")
    os.chmod(secret, 0o700)
    lab.write("pki/d/f", b"inside")
    a, b, link = (lab.at("pki", x) for x in ("d", "d2", "l"))
    os.symlink(secret, link)
    libc = ctypes.CDLL(None, use_errno=True)
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            # RENAME_EXCHANGE
            libc.renameat2(-100, a, -100, link, 2)

    t = threading.Thread(target=swap)
    t.start()
    try:
        for _ in range(30):
            lab.run("tree:pki")
            for e in lab.store.tree().values():
                if e.type == "f":
                    assert lab.store.content(e) == b"inside"
    finally:
        stop.set()
        t.join()
    assert not os.path.exists(b)


def test_special_files_are_named(lab):
    lab.write("pki/a")
    os.mkfifo(lab.at("pki", "pipe"))
    s = socket.socket(socket.AF_UNIX)
    s.bind(lab.at("pki", "socket"))
    os.mknod(lab.at("pki", "null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    r = lab.run("tree:pki")
    assert r.status == 0
    assert {p for f, p in r.problems if f == "special"} == {
        b"pki/pipe", b"pki/socket", b"pki/null"}
    assert set(lab.store.tree()) == {b"pki", b"pki/a"}
    s.close()


def test_mounts_are_not_crossed(lab):
    lab.write("pki/a")
    lab.write("pki/m/under")
    lab.write("pki/filemount")
    other = os.path.join(lab.top, "other")
    os.mkdir(other)
    with open(os.path.join(other, "x"), "w") as f:
        f.write("other file system, or the same by another way")
    for what, where in [(other, lab.at("pki", "m")),
                        (os.path.join(other, "x"), lab.at("pki",
                                                          "filemount"))]:
        subprocess.run(["mount", "--bind", what, where], check=True)
    try:
        r = lab.run("tree:pki")
        assert r.status == 0
        assert set(lab.store.tree()) == {b"pki", b"pki/a"}
        assert {p for f, p in r.problems if f == "mount"} == {
            b"pki/m", b"pki/filemount"}
    finally:
        for name in ("m", "filemount"):
            subprocess.run(["umount", lab.at("pki", name)], check=True)


def test_unreadable_holds_back():
    """Without the capability; with it nothing is unreadable."""
    with Lab() as lab:
        lab.write("pki/a")
        lab.write("pki/secret")
        os.chmod(lab.at("pki", "secret"), 0)
        user = pwd.getpwnam("_syncd")
        os.chown(lab.store.path, user.pw_uid, user.pw_gid)

        def become():
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)

        r = lab.run("tree:pki", preexec_fn=become)
        assert r.status == 2
        assert r.problems == {("unreadable", b"pki/secret"): ("holds", 13)}
        assert not lab.store.generations()
        r = lab.run("tree?:pki", preexec_fn=become)
        assert r.status == 0 and ("unreadable", b"pki/secret") in r.problems
        assert set(lab.store.tree()) == {b"pki", b"pki/a"}
        # A version that was taken before stays in the generation.
        os.chmod(lab.at("pki", "secret"), 0o644)
        lab.run("tree:pki", preexec_fn=become)
        assert b"pki/secret" in lab.store.tree()


def test_the_right_is_dropped(lab):
    """In force only while live data are read, and inherited by nobody."""
    seen = os.path.join(lab.top, "seen")
    script = os.path.join(lab.top, "snap")
    with open(script, "w") as f:
        f.write("#!/bin/sh\ngrep Cap /proc/$$/status >" + seen +
                "\ngrep Cap /proc/$PPID/status >>" + seen + "\nexit 10\n")
    os.chmod(script, 0o755)
    with open(seen, "w"):
        pass
    os.chmod(seen, 0o666)
    lab.write("x.db")
    lab.run("sqlite:x.db", options=["-s", script])
    with open(seen) as f:
        caps = [line.split() for line in f]
    child, mirror = dict(caps[:5]), dict(caps[5:])
    assert {int(v, 16) for k, v in child.items() if k != "CapBnd:"} == {0}
    assert int(mirror["CapEff:"], 16) == 0
    assert int(mirror["CapPrm:"], 16) == 1 << 2
    assert int(mirror["CapInh:"], 16) == int(mirror["CapAmb:"], 16) == 0


def test_undeclared_databases_are_told(lab):
    os.mkdir(lab.at("pki"))
    sqlite3.connect(os.fsdecode(lab.at("pki", "x.db"))).execute(
        "CREATE TABLE t (a)").connection.commit()
    r = lab.run("tree:pki")
    assert r.status == 0
    assert r.problems == {("undeclared", b"pki/x.db"): ("told", 0)}


def torn(data):
    """True for a mixture: the file is one byte, many times."""
    return len(set(data)) > 1


def test_a_changing_file_is_never_torn(lab):
    path = lab.at("pki", "busy")
    stop = threading.Event()

    def write():
        n = 0
        with open(path, "r+b", buffering=0) as f:
            while not stop.is_set():
                n = (n + 1) % 256
                # one call: between two the file really is half and half
                f.seek(0)
                f.write(bytes([n]) * (1 << 20))
                if n % 8 == 0:
                    time.sleep(0.03)

    lab.write("pki/busy", bytes(1 << 20))
    lab.write("pki/a")
    t = threading.Thread(target=write)
    t.start()
    published = held = 0
    try:
        for _ in range(25):
            r = lab.run("tree:pki")
            if r.status == 2:
                assert ("changing", b"pki/busy") in r.problems
                held += 1
                continue
            published += 1
            assert not torn(lab.store.content(
                lab.store.tree()[b"pki/busy"]))
    finally:
        stop.set()
        t.join()
    assert published + held == 25
    r = lab.run("tree:pki")
    assert r.status == 0


def test_a_file_that_never_rests_holds_back(lab):
    path = lab.at("pki", "log")
    lab.write("pki/log", bytes(8 << 20))
    writers = [subprocess.Popen(
        ["sh", "-c", "while :; do echo line; done >>\"$0\"", path])
        for _ in range(2)]
    try:
        r = lab.run("tree:pki")
    finally:
        for w in writers:
            w.kill()
            w.wait()
    assert r.status == 2
    assert r.problems == {("changing", b"pki/log"): ("holds", 0)}
    assert r.stat("retries") == 4
    assert not lab.store.generations()


def test_same_size_within_one_tick(lab):
    """Two writes too close for the clock: the second must not be lost."""
    lab.write("pki/a", b"0" * 100)
    w = lab.watch("tree:pki")
    w.generation()
    for i in range(50):
        data = b"%03d" % i * 20
        with open(lab.at("pki", "a"), "r+b", buffering=0) as f:
            f.write(b"x" * 60)
            f.seek(0)
            f.write(data)
        end = time.monotonic() + 5
        while lab.store.content(
                lab.store.tree()[b"pki/a"])[:60] != data:
            assert time.monotonic() < end, "the last write was lost"
            w.block(0.5)


def test_restart_reads_but_writes_nothing(lab):
    for i in range(50):
        lab.write(f"pki/{i}", os.urandom(100000))
    lab.run("tree:pki")

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    r = lab.run("tree:pki", preexec_fn=small)
    assert r.status == 0 and r.stat("read") == 50
    assert "generation" not in r.out
    # The limit does stop what is written.
    lab.write("pki/0", os.urandom(100000))
    assert lab.run("tree:pki", preexec_fn=small).status == 2


def test_full_paths(lab):
    """4095 bytes and 256 components are the limit; beyond it is a problem."""
    os.mkdir(lab.at("pki"))
    fd = os.open(lab.at("pki"), os.O_RDONLY)
    for _ in range(17):
        os.mkdir("d" * 250, dir_fd=fd)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = deeper
    os.close(fd)
    lab.write("pki/a")
    r = lab.run("tree:pki")
    assert r.status == 2
    assert [f for f, _ in r.problems] == ["name"]
    subprocess.run(["rm", "-r", lab.at("pki", "d" * 250)], check=True)
    assert lab.run("tree:pki").status == 0
