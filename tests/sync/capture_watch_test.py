# SPDX-License-Identifier: ISC
"""
Change detection: what happens to the live tree is in the store's newest
generation soon after, at a cost that follows the change and not the tree.
"""

import ctypes
import mmap
import os
import pwd
import random
import shutil
import signal
import subprocess
import time

import pytest

from capture_kit import Lab, Watcher
from capture_tree_test import same


@pytest.fixture
def lab():
    with Lab(user="_syncd") as it:
        yield it


def settle(lab, w, below=b"pki", timeout=20):
    """Waits until the store holds what is live."""
    end = time.monotonic() + timeout
    while True:
        try:
            same(lab, lab.store.tree(), below)
            return
        except (AssertionError, FileNotFoundError):
            if time.monotonic() > end:
                raise
        w.block(0.3)


def test_one_change_costs_one_change(lab):
    for i in range(2000):
        lab.write(f"pki/{i % 20}/{i}", b"%d" % i)
    w = lab.watch("tree:pki")
    _, _, first = w.generation()
    assert first.stat("watches") == 22
    looked = first.stat("looked")
    lab.write("pki/7/1007", b"changed")
    _, _, b = w.generation()
    assert b.stat("looked") - looked == 1
    assert b.stat("read") == 2001
    assert lab.store.content(
        lab.store.tree()[b"pki/7/1007"]) == b"changed"
    assert b.stat("passes") == 1


def test_each_kind_of_change(lab):
    lab.write("pki/a/b/file", b"1")
    lab.write("pki/other", b"2")
    w = lab.watch("tree:pki")
    w.generation()
    at = lab.at

    def mapped():
        with open(at("pki", "other"), "r+b") as f:
            with mmap.mmap(f.fileno(), 0) as m:
                m[0:1] = b"M"
            os.utime(at("pki", "other"))

    for act in [
            lambda: lab.write("pki/a/b/file", b"longer than it was"),
            lambda: lab.write("pki/new/dir/in/one/go", b"n"),
            lambda: os.chmod(at("pki", "other"), 0o600),
            lambda: os.chown(at("pki", "a"), 1, 1),
            lambda: os.utime(at("pki", "other"), ns=(5, 5)),
            lambda: os.setxattr(at("pki", "other"), "user.x", b"1"),
            lambda: os.rename(at("pki", "a"), at("pki", "moved")),
            lambda: lab.write("pki/moved/b/file", b"after the move"),
            lambda: os.rename(at("pki", "moved", "b"), at("pki", "b")),
            lambda: lab.write("pki/b/file", b"again"),
            lambda: os.symlink("b", at("pki", "l")),
            lambda: os.unlink(at("pki", "l")),
            lambda: os.link(at("pki", "other"), at("pki", "b", "hard")),
            lambda: lab.write("pki/other", b"by its other name"),
            lambda: os.unlink(at("pki", "other")),
            lambda: shutil.rmtree(at("pki", "new")),
            lambda: os.rename(at("pki", "b"), os.path.join(
                os.fsencode(lab.top), b"out")),
            lambda: os.rename(os.path.join(os.fsencode(lab.top), b"out"),
                              at("pki", "in")),
            lambda: lab.write("pki/in/file", b"in again"),
            lambda: lab.write("pki/other", b"mapped"),
            mapped,
    ]:
        act()
        settle(lab, w)
    links = {e.link for e in lab.store.tree().values() if e.type == "f"}
    assert links == {0}


def test_two_trees_swap(lab):
    """Directories that exchange their names, with what is watched below."""
    for x in "ab":
        lab.write(f"pki/{x}/deep/file", x.encode())
    w = lab.watch("tree:pki")
    w.generation()
    libc = ctypes.CDLL(None)
    for i in range(5):
        assert libc.renameat2(-100, lab.at("pki", "a"), -100,
                              lab.at("pki", "b"), 2) == 0
        settle(lab, w)
        lab.write("pki/a/deep/file", b"a%d" % i)
        lab.write("pki/b/deep/file", b"b%d" % i)
        settle(lab, w)


def test_names_that_are_not_ours_cost_nothing(lab):
    lab.write("db/conf", b"c")
    w = lab.watch("file:db/conf", "never:*.tmp")
    w.generation()
    for i in range(200):
        lab.write(f"db/other{i}", b"x")
        lab.write("top", b"%d" % i)
        lab.write("db/x.tmp", b"%d" % i)
    lab.write("db/conf", b"d")
    _, _, b = w.generation()
    # The first pass looked at db and conf; then conf alone.
    assert b.stat("looked") <= 4
    assert set(lab.store.tree()) == {b"db", b"db/conf"}


def test_random_changes(lab):
    """A thousand acts at random, then the store is what is live."""
    seed = random.randrange(1 << 32)
    rnd = random.Random(seed)
    print("seed", seed)
    os.makedirs(lab.at("pki", "d0"))
    w = lab.watch("tree:pki")
    w.generation()
    names = [f"{a}{b}" for a in "df" for b in range(6)]

    def path():
        return lab.at("pki", *[rnd.choice(names)
                               for _ in range(rnd.randint(1, 3))])

    for i in range(1000):
        try:
            what = rnd.randrange(8)
            if what < 3:
                with open(path(), "wb") as f:
                    f.write(os.urandom(rnd.randrange(3000)))
            elif what == 3:
                os.makedirs(path())
            elif what == 4:
                os.rename(path(), path())
            elif what == 5:
                p = path()
                if os.path.isdir(p):
                    shutil.rmtree(p)
                else:
                    os.unlink(p)
            elif what == 6:
                os.link(path(), path())
            else:
                os.symlink("x", path())
        except OSError:
            pass
        if i % 100 == 0:
            time.sleep(rnd.random() * 0.05)
    settle(lab, w)
    # Hard links are the same files on both sides.
    groups, inodes = {}, {}
    for p, e in lab.store.tree().items():
        if e.type == "f" and e.link:
            groups.setdefault(e.link, set()).add(p)
            st = os.lstat(os.path.join(os.fsencode(lab.base), p))
            inodes.setdefault(st.st_ino, set()).add(p)
    assert sorted(map(sorted, groups.values())) == sorted(
        map(sorted, inodes.values())), f"seed {seed}"


def test_lost_events_are_made_good(lab):
    """The queue overflows: a pass finds what the events did not tell."""
    os.makedirs(lab.at("pki"))
    w = lab.watch("tree:pki")
    w.generation()
    os.kill(w.p.pid, 19)
    with open("/proc/sys/fs/inotify/max_queued_events") as f:
        limit = int(f.read())
    for i in range(limit // 2 + 300):
        p = lab.at("pki", f"f{i % 2000}")
        open(p, "wb").close()
        os.unlink(p)
    for i in range(30):
        lab.write(f"pki/kept{i}", b"%d" % i)
    os.kill(w.p.pid, 18)
    b = w.until(lambda b: b.stat("overflows") > 0)
    settle(lab, w)
    assert b.stat("passes") >= 2


def test_too_few_watches(lab):
    """Beyond the limit of watches it is the pass that sees changes."""
    for i in range(40):
        lab.write(f"pki/{i}/f", b"%d" % i)
    # The limit of a user namespace of its own; the host's stays.
    argv = lab.argv(["tree:pki"], ["-w", "-e", "1"])
    i = argv.index("--")
    inner = ("echo 20 >/proc/sys/user/max_inotify_watches && "
             "exec \"$@\"")
    u = pwd.getpwnam("_syncd")
    subprocess.run(["chown", "-R", f"{u.pw_uid}:{u.pw_gid}", lab.base,
                    lab.store.path], check=True)
    lab.watcher = w = Watcher(
        ["setpriv", "--reuid", "_syncd", "--regid", "_syncd",
         "--clear-groups"] +
        ["unshare", "--user", "--map-root-user", "sh", "-c", inner, "sh"] +
        argv[i + 1:])
    b = w.until(lambda b: ("watch", b"pki/39") in b.problems or
                b.out.startswith("generation"))
    assert [f for f, _ in b.problems].count("watch") >= 20
    assert b.stat("watches") <= 20
    for i in range(40):
        lab.write(f"pki/{i}/f", b"changed %d" % i)
    end = time.monotonic() + 20
    while True:
        t = lab.store.tree()
        if all(lab.store.content(t[b"pki/%d/f" % i]) == b"changed %d" % i
               for i in range(40)):
            break
        assert time.monotonic() < end
        w.block(0.3)


def test_content_is_compared(lab):
    """
    Same size, same times: only the content tells.  In memory a page that was
    written through a mapping once is written again without a trace.
    """
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", lab.base], check=True)
    lab.write("pki/a", b"right answer" * 1000)
    lab.write("pki/big", bytes(9 << 20))
    with open(lab.at("pki", "a"), "r+b") as f:
        m = mmap.mmap(f.fileno(), 0)
    m[:5] = b"first"
    w = lab.watch("tree:pki", options=["-e", "1"])
    w.generation()
    os.kill(w.p.pid, signal.SIGUSR1)
    b = w.until(lambda b: b.stat("rounds") == 1)
    assert b.stat("found") == 0
    before = os.stat(lab.at("pki", "a"))
    m[:5] = b"again"
    after = os.stat(lab.at("pki", "a"))
    assert (before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_mtime_ns, after.st_ctime_ns)
    passes = b.stat("passes")
    b = w.until(lambda b: b.stat("passes") >= passes + 2)
    e = lab.store.tree()[b"pki/a"]
    assert lab.store.content(e)[:5] == b"first"
    os.kill(w.p.pid, signal.SIGUSR1)
    _, _, b = w.generation()
    assert b.stat("found") == 1
    same(lab, lab.store.tree(), b"pki")
    m.close()


def test_what_was_loaded_is_not_read(lab):
    """
    Right after a load what looks like the head's entry is taken for it; the
    comparison by content finds what only looked like it.
    """
    for i in range(20):
        lab.write(f"pki/{i}", b"from the store")
    lab.run("tree:pki")
    os.chmod(lab.at("pki", "3"), 0o600)
    st = os.stat(lab.at("pki", "7"))
    lab.write("pki/7", b"something else")
    os.utime(lab.at("pki", "7"), ns=(st.st_atime_ns, st.st_mtime_ns))
    lab.write("pki/9", b"another size")
    w = lab.watch("tree:pki", options=["-t"])
    g, _, b = w.generation()
    assert g == 2
    assert b.stat("trusted") == 18 and b.stat("read") <= 4
    tree = lab.store.tree()
    assert tree[b"pki/3"].mode == 0o600
    assert lab.store.content(tree[b"pki/9"]) == b"another size"
    assert lab.store.content(tree[b"pki/7"]) == b"from the store"
    os.kill(w.p.pid, signal.SIGUSR1)
    _, _, b = w.generation()
    assert b.stat("found") == 1
    same(lab, lab.store.tree(), b"pki")


def test_held_back_then_published(lab):
    """What held a generation back is tried again without an event."""
    lab.write("pki/a", b"a")
    script = os.path.join(lab.top, "snap")
    flag = os.path.join(lab.top, "flag")
    with open(script, "w") as f:
        f.write(f"#!/bin/bash\n[ -e {flag} ] || exit 10\n"
                "echo copy >&$1\n")
    os.chmod(script, 0o755)
    lab.write("x.db", b"whatever")
    w = lab.watch("tree:pki", "sqlite:x.db", options=["-s", script])
    b = w.block()
    assert b.problems == {("snapshot", b"x.db"): ("holds", 10)}
    lab.write("pki/a", b"b")
    b = w.until(lambda b: b.out.startswith("held"))
    assert not lab.store.generations()
    with open(flag, "w"):
        pass
    w.generation()
    t = lab.store.tree()
    assert lab.store.content(t[b"pki/a"]) == b"b"
    assert t[b"x.db"].type == "q"


def test_a_busy_database_gets_its_share(lab):
    """What takes 0.2 s is not copied again at once, but not forgotten."""
    script = os.path.join(lab.top, "snap")
    with open(script, "w") as f:
        f.write("#!/bin/bash\nsleep 0.2; cat \"$2/$3\" >&$1\n")
    os.chmod(script, 0o755)
    lab.write("x.db", b"0")
    w = lab.watch("sqlite:x.db", options=["-s", script])
    w.generation()
    end = time.monotonic() + 4
    i = 0
    while time.monotonic() < end:
        i += 1
        lab.write("x.db", b"%d" % i)
        time.sleep(0.01)
    b = w.until(lambda b: lab.store.content(
        lab.store.tree()[b"x.db"]) == b"%d" % i)
    assert 3 <= b.stat("snapshots") <= 8
    # Who asks for everything does not wait.
    lab.write("x.db", b"first")
    w.generation()
    lab.write("x.db", b"second")
    start = time.monotonic()
    os.kill(w.p.pid, signal.SIGUSR2)
    w.generation()
    assert time.monotonic() - start < 0.6
    assert lab.store.content(lab.store.tree()[b"x.db"]) == b"second"


def test_idle_costs_nothing(lab):
    for i in range(100):
        lab.write(f"pki/{i}")
    w = lab.watch("tree:pki")
    w.generation()

    def used():
        with open(f"/proc/{w.p.pid}/stat") as f:
            cpu = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
        with open(f"/proc/{w.p.pid}/status") as f:
            return cpu, [x for x in f if x.startswith("voluntary")]

    w.block(0.3)
    before = used()
    time.sleep(1)
    assert used() == before
