# SPDX-License-Identifier: ISC
"""
The receiver's word `rsync` against a key holder who runs rsync with options of
his own, or something that is no rsync: nothing appears outside objects.in/,
nothing is read, nothing stays that is not what its name says.
"""

import hashlib
import os
import shlex
import stat
import subprocess
import threading
import time

import pytest

import receiver_kit as kit
from receiver_kit import WANT, Store, file_line, frame, manifest, part


@pytest.fixture
def store():
    s = Store()
    # the store's directories are made by the first that opens it
    r = s.start()
    r.welcome()
    assert r.ends() == 0
    yield s
    s.close()


@pytest.fixture
def source(tmp_path):
    tmp_path.chmod(0o755)
    d = tmp_path / "src"
    d.mkdir()
    return d


def rsync(store, source, *options, what=("./",), dest="x:.", timeout=30):
    """The key holder's rsync; its remote shell is our receiver."""
    shell = os.path.join(store.dir, "rsh")
    with open(shell, "w") as f:
        f.write("#!/bin/sh\nexport SSH_ORIGINAL_COMMAND=rsync\n"
                f"exec {shlex.join(store.argv())}\n")
    os.chmod(shell, 0o755)
    return subprocess.run(
        ["/usr/bin/rsync", "-e", shell, *options, *what, dest],
        cwd=source, capture_output=True, text=True, timeout=timeout)


def run(store):
    """The channel's answer to RUN, as a list of what it still wants."""
    r = store.start()
    r.welcome()
    text, _ = manifest([file_line("a", b"x")])
    r.send(part(text), frame(kit.RUN))
    kind, body = r.hear(30)
    assert kind == WANT
    r.kill()
    return body[12:]


def outside(store):
    """Everything near the store but objects.in/ and objects/."""
    found = {}
    for d, dirs, names in os.walk(store.dir):
        for n in dirs + names:
            p = os.path.join(d, n)
            if "/objects" in p or "/staged" in p or p.endswith("/rsh"):
                continue
            st = os.lstat(p)
            found[p] = (st.st_mode, st.st_size, st.st_mtime_ns
                        if stat.S_ISREG(st.st_mode) else 0)
    return found


def plain(store):
    """All that is in objects.in/ is a regular file with one link."""
    for d, dirs, names in os.walk(os.path.join(store.path, "objects.in")):
        assert not dirs, dirs
        for n in names:
            st = os.lstat(os.path.join(d, n))
            assert stat.S_ISREG(st.st_mode) and st.st_nlink == 1
            assert not st.st_mode & 0o7111


def test_good_object(store, source):
    name = hashlib.sha256(b"x").hexdigest()
    (source / name).write_bytes(b"x")
    p = rsync(store, source, what=[name])
    assert p.returncode == 0, p.stderr
    assert os.listdir(os.path.join(store.path, "objects.in")) == [name]
    assert run(store) == b""
    assert store.objects() == {name}
    assert os.stat(store.files("staged")[0]).st_mode & 0o7777 == 0o440


def test_what_is_no_object_goes_away(store, source):
    good, bad = (hashlib.sha256(c).hexdigest() for c in (b"x", b"y"))
    (source / good).write_bytes(b"x")
    (source / bad).write_bytes(b"not y")
    (source / "passwd").write_bytes(b"root::0:0:")
    (source / ("A" * 64)).write_bytes(b"x")
    (source / (good + "0")).write_bytes(b"x")
    os.chmod(source / good, 0o6777)
    rsync(store, source, what=sorted(os.listdir(source)))
    plain(store)
    run(store)
    assert store.objects() == {good}
    assert store.files("objects.in") == []


@pytest.mark.parametrize("options", [
    ["-a"], ["-aHAX", "--numeric-ids"], ["-rlD", "--specials"], ["-r"],
    ["-rR"], ["-a", "--delete"], ["-r", "--delete", "--force"],
    ["-rlpt", "--copy-unsafe-links"], ["-r", "--inplace"],
    ["-r", "--partial-dir=/tmp/receiver-x"], ["-r", "--temp-dir=/tmp"],
    ["-r", "--backup", "--backup-dir=../../run"], ["-r", "--append"],
    ["-a", "--remove-source-files"], ["-r", "--link-dest=/etc"],
    ["-r", "--compare-dest=/etc"],
    ["-a", "--fake-super"], ["-a", "--super"], ["-rs"], ["-rz"],
    ["-rK"], ["-r", "--old-args"], ["-r", "--mkpath"]],
    ids=lambda o: " ".join(o))
def test_hostile_options(store, source, options):
    hostile(store, source, options, "x:.")


@pytest.mark.parametrize("dest", ["x:/", "x:../../run", "x:~/", "x:$(id)"])
def test_hostile_destinations(store, source, dest):
    hostile(store, source, ["-a"], dest)


def hostile(store, source, options, dest):
    before = outside(store)
    (source / "plain").write_bytes(b"data")
    (source / "d").mkdir()
    (source / "d" / "deep").write_bytes(b"data")
    os.symlink("/etc/passwd", source / "out")
    os.symlink("../../run", source / "up")
    os.mkfifo(source / "fifo")
    os.mknod(source / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (source / "suid").write_bytes(b"x")
    os.chmod(source / "suid", 0o6755)
    os.link(source / "plain", source / "hard")
    try:
        rsync(store, source, *options, dest=dest, timeout=20)
    except subprocess.TimeoutExpired:
        pass
    # options that change the protocol end in an error, others do nothing
    assert outside(store) == before
    for d, dirs, names in os.walk(os.path.join(store.path, "objects.in")):
        for n in names:
            st = os.lstat(os.path.join(d, n))
            assert stat.S_ISREG(st.st_mode), n
            assert not st.st_mode & 0o6000
    run(store)
    assert store.objects() == set()
    assert store.files("objects.in") == []
    assert not os.path.exists("/tmp/receiver-x")


def test_nothing_can_be_read(store, source):
    """rsync as a puller: the fixed server only receives."""
    secret = os.path.join(store.run, "secret")
    with open(secret, "w") as f:
        f.write("secret")
    shell = os.path.join(store.dir, "rsh")
    rsync(store, source, what=["."])
    for path in (secret, "/etc/passwd", "objects/", "."):
        # two receivers of data wait for each other: that is a refusal, too
        p = subprocess.run(
            ["/usr/bin/timeout", "2", "/usr/bin/rsync", "-r", "-e", shell,
             "x:" + path, str(source / "got")], capture_output=True,
            timeout=30)
        assert p.returncode != 0
        assert not (source / "got").exists()
        assert b"secret" not in p.stdout + p.stderr
        assert b"root:" not in p.stdout + p.stderr


def test_existing_object_is_not_replaced(store, source):
    name = hashlib.sha256(b"x").hexdigest()
    (source / name).write_bytes(b"x")
    rsync(store, source, what=[name])
    (source / name).write_bytes(b"evil")
    rsync(store, source, "-I", what=[name])
    with open(os.path.join(store.path, "objects.in", name), "rb") as f:
        assert f.read() == b"x"


def test_quota_holds_rsync(store, source):
    store.say(role=1, quota=4 << 20)
    for i in range(40):
        (source / f"{i:064x}").write_bytes(os.urandom(1 << 20))
    p = rsync(store, source, "--bwlimit=8M", what=sorted(os.listdir(source)),
              timeout=60)
    assert p.returncode != 0
    held = sum(os.path.getsize(f) for f in store.files())
    assert held < 12 << 20, held
    # one file that is larger than all there is
    (source / ("f" * 64)).write_bytes(bytes(5 << 20))
    rsync(store, source, what=["f" * 64])
    assert not os.path.exists(
        os.path.join(store.path, "objects.in", "f" * 64))


def test_it_is_locked_in(store, source):
    """What the process is, while it waits for the first byte."""
    r = store.start("rsync")
    try:
        pid = r.popen.pid
        children = []
        while not children:
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                children = f.read().split()
        child = children[0]
        while open(f"/proc/{child}/comm").read() != "rsync\n":
            pass
        with open(f"/proc/{child}/status") as f:
            status = dict(ln.split(":\t") for ln in f if ":\t" in ln)
        assert status["NoNewPrivs"].strip() == "1"
        assert int(status["CapEff"], 16) == 0
        with open(f"/proc/{child}/cmdline") as f:
            argv = f.read().split("\0")[:-1]
        assert argv[:2] == ["rsync", "--server"]
        assert "--ignore-existing" in argv and argv[-2:] == [".", "."]
        with open(f"/proc/{child}/environ") as f:
            assert "SSH" not in f.read()
    finally:
        r.kill()


def test_random_bytes(store):
    before = outside(store)
    for i in range(5):
        r = store.start("rsync")
        r.send(os.urandom(100000))
        r.ends(70)
    assert outside(store) == before


# -- nobody may write

def test_rsync_is_refused_while_shut(store, source):
    (source / ("ab" * 32)).write_bytes(b"x")
    store.say(role=1, may=0)
    assert rsync(store, source, "-r").returncode != 0
    assert store.files("objects.in") == []


def test_rsync_ends_when_shut(store, source):
    """A node that becomes active is not written to any more."""
    (source / ("ab" * 32)).write_bytes(os.urandom(8 << 20))

    def shut():
        for _ in range(500):
            if store.files("objects.in"):
                break
            time.sleep(0.01)
        store.say(role=2)
    t = threading.Thread(target=shut)
    t.start()
    p = rsync(store, source, "-r", "--bwlimit=1024", timeout=20)
    t.join()
    assert p.returncode != 0
    assert "ab" * 32 not in {os.path.basename(f)
                             for f in store.files("objects.in")}
