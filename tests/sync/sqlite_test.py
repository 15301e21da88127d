# SPDX-License-Identifier: ISC
"""
The snapshot helper: what it copies, what it refuses and why, and what it may
do.  How it fares beside a writer at full speed: sqlite_copies.
"""

import os
import pwd
import signal
import sqlite3
import subprocess
import time

import pytest

from capture_kit import Lab, SANITIZER, SQLSNAP

OK, BUSY, CORRUPT, NOT_DB, ENCRYPTED, RIGHTS, GONE, KIND = (
    0, 10, 11, 12, 13, 14, 15, 16)
SPACE, USAGE = 18, 64
# A leak checker cannot look at a process that has given up everything.
ENV = {**os.environ, **SANITIZER, "ASAN_OPTIONS": "detect_leaks=0"}
# A build with a sanitizer runs without the filter.
with open(SQLSNAP, "rb") as _f:
    SECCOMP = "0" if b"__asan_init" in _f.read() else "2"
HERE = os.path.dirname(os.path.abspath(__file__))


@pytest.fixture
def lab():
    with Lab() as it:
        yield it


def make(lab, name, mode="delete", owner="daemon", rows=200):
    path = os.fsdecode(lab.at(name))
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA journal_mode = {mode}")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    db.executemany("INSERT INTO t (x) VALUES (?)",
                   [("row" * 20,) for _ in range(rows)])
    db.commit()
    db.close()
    give(lab, owner)
    return path


def give(lab, owner):
    u = pwd.getpwnam(owner)
    for top, dirs, files in os.walk(lab.base):
        for n in [top] + [os.path.join(top, f) for f in files]:
            os.chown(n, u.pw_uid, u.pw_gid)


def snap(lab, path, *base, out=None, preexec_fn=None):
    out = out or os.path.join(lab.top, "out")
    fd = os.open(out, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        p = subprocess.run([SQLSNAP, str(fd), *base, path], pass_fds=[fd],
                           capture_output=True, text=True, timeout=60,
                           preexec_fn=preexec_fn,
                           env=ENV)
    finally:
        os.close(fd)
    assert (p.returncode == 0) == (p.stderr == ""), p.stderr
    return p.returncode


def rows(path):
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return db.execute("SELECT count(*) FROM t").fetchone()[0]
    finally:
        db.close()


@pytest.mark.parametrize("mode", ["delete", "wal", "truncate", "persist"])
@pytest.mark.parametrize("owner", ["daemon", "root"])
def test_copies(lab, mode, owner):
    path = make(lab, "db/x.db", mode, owner)
    with open(os.path.join(lab.top, "out"), "w") as f:
        f.write("what was there before" * 100000)
    assert snap(lab, path) == OK
    out = os.path.join(lab.top, "out")
    assert rows(out) == 200
    # A copy keeps the journal mode.
    db = sqlite3.connect(out)
    kept = db.execute("PRAGMA journal_mode").fetchone()[0]
    db.close()
    assert kept == ("wal" if mode == "wal" else "delete")
    # Twice the same bytes.
    with open(out, "rb") as f:
        first = f.read()
    assert snap(lab, "db/x.db", lab.base) == OK
    with open(out, "rb") as f:
        assert f.read() == first


def test_a_log_in_use_is_part_of_the_copy(lab):
    path = make(lab, "db/x.db", "wal")
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("INSERT INTO t (x) VALUES ('in the log')")
    db.commit()
    give(lab, "daemon")
    with open(path, "rb") as f:
        before = f.read()
    log = os.stat(path + "-wal")
    assert snap(lab, path) == OK
    assert rows(os.path.join(lab.top, "out")) == 201
    # Neither the database nor its log was touched.
    with open(path, "rb") as f:
        assert f.read() == before
    now = os.stat(path + "-wal")
    assert (now.st_size, now.st_mtime_ns) == (log.st_size, log.st_mtime_ns)
    db.close()


def test_a_log_without_a_service_is_left_alone(lab):
    """The service is killed: its log stays for it, and is in the copy."""
    path = make(lab, "db/x.db", "wal")
    subprocess.run(["/usr/bin/python3", "-c", f"""
import os, signal, sqlite3
db = sqlite3.connect({path!r})
db.execute("INSERT INTO t (x) VALUES ('last words')")
db.commit()
os.kill(os.getpid(), signal.SIGKILL)"""], check=False)
    give(lab, "daemon")
    size = os.stat(path + "-wal").st_size
    assert size > 0
    assert snap(lab, path) == OK
    assert rows(os.path.join(lab.top, "out")) == 201
    assert os.stat(path + "-wal").st_size == size


def test_refuses_with_a_reason(lab):
    path = make(lab, "db/x.db")

    def wrong(name, data):
        lab.write(name, data)
        give(lab, "daemon")
        return snap(lab, os.fsdecode(lab.at(name)))

    assert snap(lab, path + "absent") == GONE
    assert snap(lab, os.path.dirname(path)) == KIND
    os.symlink(path, lab.at("db", "link"))
    assert snap(lab, os.fsdecode(lab.at("db", "link"))) == KIND
    os.symlink("db", lab.at("way"))
    assert snap(lab, "way/x.db", lab.base) == KIND
    assert snap(lab, "../x.db", lab.base + "/db") == KIND
    os.mkfifo(lab.at("db", "pipe"))
    assert snap(lab, os.fsdecode(lab.at("db", "pipe"))) == KIND
    assert wrong("db/text", b"hello world, this is text\n" * 500) == NOT_DB
    assert wrong("db/noise", os.urandom(8192)) == ENCRYPTED
    assert wrong("db/short", b"SQLite format 3\0" + b"\xff" * 84) in (
        NOT_DB, CORRUPT)
    with open(path, "rb") as f:
        data = bytearray(f.read())
    for at in range(4096, len(data), 4096):
        data[at:at + 40] = b"\xa5" * 40
    assert wrong("db/bad", bytes(data)) == CORRUPT


def test_the_owner_may_not(lab):
    path = make(lab, "db/x.db")
    os.chmod(path, 0)
    assert snap(lab, path) == RIGHTS
    os.chmod(path, 0o600)
    os.chown(os.path.dirname(path), 0, 0)
    os.chmod(os.path.dirname(path), 0o700)
    assert snap(lab, path) == RIGHTS
    u = pwd.getpwnam("nobody")

    def become():
        os.setgid(u.pw_gid)
        os.setuid(u.pw_uid)

    os.chmod(os.path.dirname(path), 0o755)
    assert snap(lab, path, preexec_fn=become) == RIGHTS


def test_no_room(lab):
    path = make(lab, "db/x.db", rows=5000)
    fs = os.path.join(lab.top, "small")
    os.mkdir(fs)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", fs],
                   check=True)
    try:
        assert snap(lab, path, out=os.path.join(fs, "out")) == SPACE
    finally:
        subprocess.run(["umount", fs], check=True)


def test_a_check_of_the_application_is_no_damage(lab):
    path = os.fsdecode(lab.at("db", "x.db"))
    db = sqlite3.connect(path)
    db.create_function("mine", 1, lambda x: 1, deterministic=True)
    db.create_collation("odd", lambda a, b: (a < b) - (a > b))
    db.execute("CREATE TABLE t (x CHECK (mine(x)), y COLLATE odd)")
    db.execute("CREATE INDEX i ON t (y)")
    db.executemany("INSERT INTO t VALUES (?, ?)", [(1, str(i))
                                                   for i in range(100)])
    db.commit()
    db.close()
    give(lab, "daemon")
    assert snap(lab, path) == OK


def test_rights_while_it_works(lab):
    """Held up by a lock: the owner's ids, nothing else, and waiting."""
    path = make(lab, "db/x.db")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    out = os.open(os.path.join(lab.top, "out"), os.O_RDWR | os.O_CREAT)
    extra = os.open("/etc/shadow", os.O_RDONLY)
    p = subprocess.Popen([SQLSNAP, str(out), path],
                         pass_fds=[out, extra], stderr=subprocess.PIPE,
                         env=ENV)
    try:
        end = time.monotonic() + 10
        while True:
            with open(f"/proc/{p.pid}/status") as f:
                st = dict(x.rstrip("\n").split(":\t", 1) for x in f
                          if ":\t" in x)
            if (st["NoNewPrivs"], st["Seccomp"]) == ("1", SECCOMP):
                break
            assert time.monotonic() < end and p.poll() is None
            time.sleep(0.01)
        u = pwd.getpwnam("daemon")
        assert st["Uid"].split() == [str(u.pw_uid)] * 4
        assert st["Gid"].split() == [str(u.pw_gid)] * 4
        assert st["Groups"].strip() == ""
        for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(st[caps], 16) == 0
        assert st["NoNewPrivs"] == "1"
        assert os.readlink(f"/proc/{p.pid}/root") == os.path.dirname(path)
        links = [os.readlink(f"/proc/{p.pid}/fd/{n}")
                 for n in os.listdir(f"/proc/{p.pid}/fd")]
        assert "/etc/shadow" not in links
        assert not any("socket" in x for x in links)
        db.execute("COMMIT")
        assert p.wait(10) == OK
    finally:
        db.close()
        p.kill()
        p.wait()
        p.stderr.close()
        os.close(out)
        os.close(extra)
    assert rows(os.path.join(lab.top, "out")) == 200


def test_locked_for_too_long(lab):
    path = make(lab, "db/x.db")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    start = time.monotonic()
    assert snap(lab, path) == BUSY
    assert 19 < time.monotonic() - start < 40
    db.close()


def test_usage(lab):
    path = make(lab, "db/x.db")
    for argv in ([], ["1", path], ["x", path], ["3", path], ["99999", path]):
        p = subprocess.run([SQLSNAP, *argv], capture_output=True)
        assert p.returncode == USAGE
    fd = os.open(os.path.join(lab.top, "w"), os.O_WRONLY | os.O_CREAT)
    p = subprocess.run([SQLSNAP, str(fd), path], pass_fds=[fd],
                       capture_output=True)
    os.close(fd)
    assert p.returncode == USAGE


def test_the_capture_takes_databases(lab):
    path = make(lab, "db/x.db", "wal")
    db = sqlite3.connect(path)
    db.execute("INSERT INTO t (x) VALUES ('in the log')")
    db.commit()
    give(lab, "daemon")
    opt = ["-s", SQLSNAP]
    r = lab.run("sqlite:db/*.db", options=opt)
    assert r.status == 0 and not r.problems, r.out
    t = lab.store.tree()
    assert set(t) == {b"db", b"db/x.db"}
    assert t[b"db/x.db"].type == "q"
    copy = os.path.join(lab.top, "copy.db")
    with open(copy, "wb") as f:
        f.write(lab.store.content(t[b"db/x.db"]))
    assert rows(copy) == 201
    # Moving the log into the database is no new content.
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    r = lab.run("sqlite:db/*.db", options=opt)
    assert "generation" not in r.out and r.stat("snapshots") == 1


def test_the_capture_follows_a_database(lab):
    path = make(lab, "db/x.db", "wal")
    w = lab.watch("sqlite:db/x.db", options=["-s", SQLSNAP])
    w.generation()
    u = pwd.getpwnam("daemon")
    p = subprocess.Popen(["/usr/bin/python3", "-c", f"""
import os, sqlite3, sys
os.setgid({u.pw_gid}); os.setuid({u.pw_uid})
db = sqlite3.connect({path!r}, isolation_level=None)
for line in sys.stdin:
    db.execute("INSERT INTO t (x) VALUES (?)", (line,))
    print("done", flush=True)"""], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True, bufsize=1)
    copy = os.path.join(lab.top, "copy.db")
    for i in range(1, 6):
        p.stdin.write(f"{i}\n")
        p.stdin.flush()
        assert p.stdout.readline() == "done\n"
        n = 0
        while n < 200 + i:
            _, _, b = w.generation()
            with open(copy, "wb") as f:
                f.write(lab.store.content(lab.store.tree()[b"db/x.db"]))
            n = rows(copy)
    p.stdin.close()
    p.wait()
    p.stdout.close()
    # The service closes its database and all is quiet: no copy follows
    # from what the helper itself does there.
    while w.block(0.7) is not None:
        pass

    def snapshots():
        os.kill(w.p.pid, signal.SIGUSR2)
        return w.block().stat("snapshots")

    before = snapshots()
    assert before < 30
    assert snapshots() == before
    # Somebody reads: an empty log is as good as none.
    db = sqlite3.connect(path)
    db.execute("SELECT count(*) FROM t").fetchone()
    assert os.stat(path + "-wal").st_size == 0
    assert snapshots() == before
    db.execute("UPDATE t SET x = 'new'")
    db.commit()
    w.generation()
    db.close()


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_transaction_that_waits_for_the_disk(lab, mode):
    """
    The last event comes when the log is written, long before what is in it
    can be seen: the copy follows nevertheless.
    """
    path = make(lab, "db/x.db", mode)
    w = lab.watch("sqlite:db/x.db", options=["-s", SQLSNAP])
    w.generation()
    u = pwd.getpwnam("daemon")
    p = subprocess.Popen([
        "strace", "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync",
        "-e", "inject=fsync,fdatasync:delay_exit=300000",
        "/usr/bin/python3", "-c", f"""
import os, sqlite3, sys
os.setgid({u.pw_gid}); os.setuid({u.pw_uid})
db = sqlite3.connect({path!r}, isolation_level=None)
for line in sys.stdin:
    db.execute("INSERT INTO t (x) VALUES (?)", (line,))
    print("done", flush=True)"""], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True, bufsize=1)
    copy = os.path.join(lab.top, "copy.db")
    for i in range(1, 4):
        p.stdin.write(f"{i}\n")
        p.stdin.flush()
        assert p.stdout.readline() == "done\n"
        end = time.monotonic() + 5
        n = 0
        while n < 200 + i:
            assert time.monotonic() < end, f"{n} rows"
            w.block(0.2)
            with open(copy, "wb") as f:
                f.write(lab.store.content(lab.store.tree()[b"db/x.db"]))
            n = rows(copy)
    p.stdin.close()
    p.wait()
    p.stdout.close()


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_copies_beside_a_writer(mode):
    n = os.environ.get("VIPAIR_SQLITE_COPIES", "20")
    p = subprocess.run([os.path.join(HERE, "sqlite_copies"), "-n", n, "-m",
                        mode, SQLSNAP], capture_output=True, text=True,
                       env=ENV)
    print(p.stdout, p.stderr)
    assert p.returncode == 0
