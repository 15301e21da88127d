# SPDX-License-Identifier: ISC
"""
The service of the tests: writes to a database as fast as PACE says, each
transaction a step of a sum that never changes, and to a file of the tree.

    pair_writer.py start|stop|check BASE
    pair_writer.py run BASE
    pair_writer.py judge DATABASE

The transaction it committed last stands in BASE/said, which is not synced.
"""

import ctypes
import os
import pwd
import random
import signal
import sqlite3
import subprocess
import sys
import time
import zlib

ACCOUNTS, EACH, KEPT = 100, 1000, 200
PACE_S = 0.01
PID = "/run/lab/writer.pid"
USER = "daemon"


def check_of(seq, node):
    return zlib.crc32(f"{seq} {node}".encode())


def prepare(db):
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE IF NOT EXISTS account "
               "(id INTEGER PRIMARY KEY, money INTEGER)")
    db.execute("CREATE TABLE IF NOT EXISTS log "
               "(seq INTEGER PRIMARY KEY, node TEXT, sum INTEGER)")
    if db.execute("SELECT count(*) FROM account").fetchone()[0] == 0:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO account VALUES (?, ?)",
                       [(i, EACH) for i in range(ACCOUNTS)])
        db.execute("COMMIT")


def invariant(db):
    """(what is wrong or None, last seq)."""
    n, money = db.execute("SELECT count(*), sum(money) FROM account"
                          ).fetchone()
    if (n, money) != (ACCOUNTS, ACCOUNTS * EACH):
        return f"sum of {n} accounts is {money}", 0
    rows = db.execute("SELECT seq, node, sum FROM log ORDER BY seq"
                      ).fetchall()
    for i, (seq, node, sum_) in enumerate(rows):
        if sum_ != check_of(seq, node):
            return f"row {seq} is wrong", 0
        if seq != rows[0][0] + i:
            return f"row {seq} follows {rows[i - 1][0]}", 0
    return None, rows[-1][0] if rows else 0


def judge(path):
    """The same of a file."""
    try:
        db = sqlite3.connect(path, timeout=1.0)
        try:
            word = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
            return invariant(db) if word == "ok" else (word, 0)
        finally:
            db.close()
    except sqlite3.Error as e:
        return str(e), 0


def step(db, seq, node, rnd):
    a, b = rnd.sample(range(ACCOUNTS), 2)
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE account SET money = money - 7 WHERE id = ?", (a,))
    db.execute("INSERT INTO log VALUES (?, ?, ?)",
               (seq, node, check_of(seq, node)))
    db.execute("DELETE FROM log WHERE seq <= ?", (seq - KEPT,))
    db.execute("UPDATE account SET money = money + 7 WHERE id = ?", (b,))
    db.execute("COMMIT")


def say(base, name, text):
    path = os.path.join(base, name)
    with open(path + "~", "w") as f:
        f.write(text)
    os.rename(path + "~", path)


def run(base):
    ctypes.CDLL(None).prctl(15, b"pair_writer", 0, 0, 0)
    node, rnd = os.uname().nodename, random.Random(7)
    db = sqlite3.connect(os.path.join(base, "db/app.db"), timeout=1.0,
                         isolation_level=None)
    prepare(db)
    seq = invariant(db)[1]
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    pace = float(os.environ.get("PACE_S", PACE_S))
    while not ended:
        seq += 1
        step(db, seq, node, rnd)
        say(base, "said", str(seq))
        if seq % 10 == 0:
            say(base, f"tree/d0/f{seq // 10 % 10}", f"{node} {seq}\n")
        time.sleep(pace)
    db.close()


def pid():
    try:
        with open(PID) as f:
            n = int(f.read())
    except (OSError, ValueError):
        return None
    # whoever asks: the checker may not send signals
    return n if os.path.exists(f"/proc/{n}/environ") else None


def start(base):
    if pid():
        return 0
    db = os.path.join(base, "db/app.db")
    log = open("/run/lab/writer.log", "a")
    user = pwd.getpwnam(USER)
    p = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "run", base],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True, user=user.pw_uid, group=user.pw_gid,
        extra_groups=[], env={"PATH": "/usr/bin:/bin"})
    with open(PID, "w") as f:
        f.write(str(p.pid))
    for _ in range(100):
        if p.poll() is not None:
            return 1
        if os.path.exists(db) and os.path.exists(os.path.join(base, "said")):
            return 0
        time.sleep(0.05)
    return 1


def stop(base):
    n = pid()
    if n is None:
        return 0
    os.kill(n, signal.SIGTERM)
    for _ in range(80):
        if pid() is None:
            return 0
        time.sleep(0.05)
    os.kill(n, signal.SIGKILL)
    return 0


def main():
    verb, base = sys.argv[1:3]
    if verb == "run":
        run(base)
        return 0
    if verb == "judge":
        why, seq = judge(base)
        print(seq, why or "")
        return 0
    if verb == "check":
        return 0 if pid() else 1
    return {"start": start, "stop": stop}[verb](base)


if __name__ == "__main__":
    sys.exit(main())
