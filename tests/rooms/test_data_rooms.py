# SPDX-License-Identifier: ISC
"""
The rooms of the data half as the supervisor sees them: when they run, with
what rights and places, and that nobody notices when one of them dies.
"""

import os
import pwd
import random
import re
import signal
import sqlite3
import struct
import tempfile

import pytest

from lab.daemons import (CONF, PREFIX, SECRET, TOP, Vrrpd, conf,
                         secret_text)
from lab.netns import mono_ns

BASE = "/run/lab/data"
SYNC = f'sync on change and every 2s {{\nbase "{BASE}"\n%stree "t"\n}}\n'
DATA = ("mirror", "capture")
VRRPD = os.path.join(PREFIX, "sbin", "vrrpd")
STORE = "/var/lib/vipair/store/vpn"
GENERATION, SNAPSHOTS, TOKEN = 40, 96, 168      # in common/syncstate.h


@pytest.fixture
def sync_users(users):
    for name in ("_syncd", "_syncr"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            pytest.fail(f"user {name} is missing: see vrrpd(8)")


def make(lab, entries="", more=""):
    lab.alpha.sh(f"mkdir -p {BASE}/t {BASE}/db && echo 1 >{BASE}/t/f")
    return Vrrpd(lab.alpha, more=SYNC % entries + more)


@pytest.fixture
def alone(lab, sync_users):
    """One active node with data; beta is silent."""
    d = make(lab)
    lab.wait_holder("alpha", 30)
    return d


def says(d, text, timeout=10, count=1):
    d.lab.wait_for(lambda: d.log.count(text) >= count, timeout,
                   f"{d.name} logs {text!r}")


def capture_state(d, offset):
    """A number of struct sync_capture_state; 0 without a state."""
    try:
        with open(d.node.path("/run/vipair/sync/vpn.capture"), "rb") as f:
            return struct.unpack_from("Q", f.read(), offset)[0]
    except (OSError, struct.error):
        return 0


def captures(d):
    """Asked by way of elector and mirror, the capture answers: every channel
    is up.  (The partner is not there: vipctl itself is not content.)"""
    before = capture_state(d, TOKEN)

    def done():
        d.vipctl("sync", "now", "--timeout", "1s")
        return capture_state(d, TOKEN) not in (0, before)
    d.lab.wait_for(done, 20, "the capture was asked")


def generation(d):
    return capture_state(d, GENERATION)


def restarted(d, before):
    for room in DATA:
        d.room(room, 8, but=before[room])


def test_places(lab, alone):
    first = [ln for ln in alone.log.splitlines() if " vrrpd: " in ln][0]
    uid = pwd.getpwnam("_syncd").pw_uid
    for room in DATA:
        assert f"{room} (uid {uid})" in first
    out = lab.alpha.sh(
        "stat -c '%n %a %U:%G' /var/lib/vipair /var/lib/vipair/store "
        f"{STORE} /var/lib/vipair/ssh /var/lib/vipair/ssh/vpn "
        "/run/vipair/sync").stdout
    assert [ln.split()[1:] for ln in out.splitlines()] == [
        ["711", "_vrrpd:_vrrpd"], ["755", "root:root"],
        ["2770", "_syncd:_syncd"], ["750", "root:_syncd"],
        ["750", "root:_syncd"], ["2771", "_syncd:_syncd"]]
    # what is there already is judged, and left as it should be
    assert alone.stop() == 0
    alone.start()
    alone.room("capture")
    assert alone.stop() == 0


def test_without_a_block_there_is_nothing(lab, users):
    d = Vrrpd(lab.alpha)
    lab.wait_holder("alpha", 20)
    assert not set(DATA) & d.rooms().keys()
    assert lab.alpha.run("test", "-e", "/var/lib/vipair/store",
                         check=False).returncode
    assert "mirror" not in d.log


@pytest.mark.parametrize("name, make_it", [
    ("_syncd", "useradd --system --user-group --no-create-home --home-dir / "
     "--shell /usr/sbin/nologin _syncd"),
    ("_syncr", "useradd --system --gid _syncd --no-create-home --home-dir "
     "/var/lib/vipair/receiver --shell /bin/sh --password '*' _syncr")])
def test_a_missing_user_is_named(lab, users, name, make_it):
    lab.alpha.sh(f"grep -v '^{name}:' /etc/passwd >/run/lab/passwd; "
                 "mount --bind /run/lab/passwd /etc/passwd")
    lab.alpha.write(CONF, conf(more=SYNC % ""))
    lab.alpha.write(SECRET, secret_text(), 0o600)
    done = lab.alpha.run(VRRPD, "-d", "-f", CONF, check=False, timeout=20)
    assert done.returncode == 1
    assert f"user {name} is missing" in done.stderr
    assert make_it in done.stderr
    # and nobody else needs it
    lab.alpha.write(CONF, conf())
    d = Vrrpd(lab.alpha)
    lab.wait_holder("alpha", 20)
    # nor does a reload start what would not run
    d.configure(conf(more=SYNC % ""))
    os.kill(d.room("vrrpd"), signal.SIGHUP)
    says(d, "the running configuration stays")
    assert make_it in d.log
    assert not set(DATA) & d.rooms().keys()


@pytest.mark.parametrize("bad, why", [
    ("install -d -m 711 -o _vrrpd -g _vrrpd /var/lib/vipair; "
     "install -d -o _vrrpd /var/lib/vipair/store", "belongs to uid"),
    ("install -d -m 711 -o _vrrpd -g _vrrpd /var/lib/vipair; "
     "ln -s /run/lab /var/lib/vipair/store", "cannot open the directory"),
    ("install -d /run/vipair; install -d -m 2777 -o _syncd -g _syncd "
     "/run/vipair/sync", "others can write")])
def test_refuses_a_place_of_somebody_else(lab, sync_users, bad, why):
    lab.alpha.sh(bad)
    lab.alpha.write(CONF, conf(more=SYNC % ""))
    lab.alpha.write(SECRET, secret_text(), 0o600)
    done = lab.alpha.run(VRRPD, "-d", "-f", CONF, check=False, timeout=20)
    assert done.returncode == 1 and why in done.stderr, done.stderr


@pytest.mark.parametrize("room", DATA)
def test_room_is_restarted(lab, alone, room):
    captures(alone)
    before = alone.rooms()
    alone.kill_room(room)
    alone.room(room, 8, but=before[room])
    says(alone, f"{room}: died of signal 9")
    captures(alone)
    after = alone.rooms()
    assert {r for r in before if after[r] != before[r]} == {room}


def test_elector_finds_the_mirror_again(lab, alone):
    captures(alone)
    before = alone.rooms()
    alone.kill_room("elector")
    alone.room("elector", 8, but=before["elector"])
    lab.wait_holder("alpha", 30)
    captures(alone)
    assert alone.room("mirror") == before["mirror"]


def test_killed_at_random_without_a_late_advert(lab, alone):
    seed = int(os.environ.get("VIPAIR_SEED", "1"))
    rnd = random.Random(seed)
    captures(alone)
    begin = mono_ns()
    for _ in range(7):
        room = rnd.choice(DATA)
        old = alone.kill_room(room)
        if rnd.random() < 0.5:
            lab.elapse(rnd.random() * 0.05)
            for other in set(DATA) & alone.rooms().keys() - {room}:
                alone.kill_room(other)
        alone.room(room, 10, but=old)
        lab.elapse(rnd.random() * 0.2)
    captures(alone)
    lab.wait_for(lambda: len(lab.adverts("alpha", begin)) > 5, 10, "adverts")
    times = [a.ns for a in lab.adverts("alpha", begin)]
    late = max(b - a for a, b in zip(times, times[1:])) / 1e6
    lab.measure("mirror and capture killed: longest time between adverts",
                late)
    assert late < 1150, seed
    assert "active ->" not in alone.log


def hup(d, count):
    os.kill(d.room("vrrpd"), signal.SIGHUP)
    says(d, "configuration reloaded", count=count)


def test_reload(lab, alone):
    """Replaced; ended with the last block; started with the first."""
    captures(alone)
    before = alone.rooms()
    hup(alone, 1)
    restarted(alone, before)
    captures(alone)
    alone.configure(conf())
    hup(alone, 2)
    lab.wait_for(lambda: not set(DATA) & alone.rooms().keys(), 5,
                 "mirror and capture have ended")
    lab.stays("alpha", 1)
    assert not set(DATA) & alone.rooms().keys()
    alone.configure(conf(more=SYNC % ""))
    hup(alone, 3)
    captures(alone)
    assert alone.room("elector") == before["elector"]
    assert "active ->" not in alone.log


def test_reexec(lab, alone):
    captures(alone)
    before = alone.rooms()
    os.kill(before["vrrpd"], signal.SIGUSR2)
    says(alone, "all rooms are replaced")
    restarted(alone, before)
    captures(alone)
    assert "active ->" not in alone.log
    assert alone.stop() == 0


def test_leaves_in_order(lab, alone):
    """Mirror and capture are there until the last sync is over."""
    captures(alone)
    lab.alpha.sh(f"echo 2 >{BASE}/t/f")
    assert alone.stop() == 0
    log = alone.log
    assert "not everything was in order" not in log
    assert log.index("elector: left") < log.index("capture: left")
    assert not alone.pids()


def test_frozen_mirror_is_ended(lab, alone):
    pid = alone.room("mirror")
    os.kill(pid, signal.SIGSTOP)
    says(alone, "mirror: gives no sign of life", 35)
    alone.room("mirror", 8, but=pid)
    lab.wait_holder("alpha", 1)


def test_before_capture(lab, sync_users):
    """Runs as root with the environment of the other programs; what fails
    holds the generation back."""
    lab.alpha.write("/run/lab/fill", "#!/bin/sh\n[ ! -e /run/lab/bad ] || "
                    "exit 7\nenv >/run/lab/fill.env\nid -u "
                    f">>{BASE}/t/filled\n", 0o755)
    d = make(lab, 'before capture exec "/run/lab/fill now"\n')
    lab.wait_holder("alpha", 30)
    captures(d)
    assert set(lab.alpha.read(f"{BASE}/t/filled").split()) == {"0"}
    env = dict(ln.split("=", 1) for ln in
               lab.alpha.read("/run/lab/fill.env").splitlines())
    assert env["VIPAIR_PAIR"] == "vpn" and "VIPAIR_ADDRESS" in env
    lab.alpha.sh(f"touch /run/lab/bad; echo 3 >{BASE}/t/f")
    says(d, "pair vpn: fill failed with status 7", 20)
    lab.alpha.sh("rm /run/lab/bad")
    captures(d)


def test_before_capture_is_not_run_when_others_could_change_it(
        lab, sync_users):
    lab.alpha.write("/run/lab/fill", "#!/bin/sh\ntouch /run/lab/ran\n", 0o777)
    d = make(lab, 'before capture exec "/run/lab/fill"\n')
    says(d, "can be written by others", 30)
    assert lab.alpha.run("test", "-e", "/run/lab/ran",
                         check=False).returncode


def test_database_is_copied_by_its_owner(lab, sync_users):
    with tempfile.TemporaryDirectory() as tmp:
        name = os.path.join(tmp, "a.db")
        db = sqlite3.connect(name)
        db.execute("PRAGMA journal_mode = wal")
        db.execute("CREATE TABLE t (x)")
        db.execute("INSERT INTO t VALUES (1)")
        db.commit()
        db.close()
        with open(name, "rb") as f:
            content = f.read()
    lab.alpha.sh(f"mkdir -p {BASE}/db/deep")
    with open(lab.alpha.path(f"{BASE}/db/deep/a.db"), "wb") as f:
        f.write(content)
    lab.alpha.sh(f"chown -R daemon:daemon {BASE}/db; chmod 700 {BASE}/db")
    d = make(lab, 'sqlite "db/*/[ab].db"\n')
    lab.wait_holder("alpha", 30)
    captures(d)
    lab.wait_for(lambda: capture_state(d, SNAPSHOTS) > 0, 20, "a database was copied")
    # no copy is left beside it, and none with a name in the store
    assert lab.alpha.sh(f"ls -A {BASE}/db/deep").stdout.split()[0] == "a.db"
    loose = lab.alpha.sh(f"find {STORE} -type f -user daemon").stdout
    assert not loose, loose


def test_the_unit_allows_what_data_needs(lab, sync_users):
    """With no capability but those of etc/vipair.service: copied, and after
    a restore loaded."""
    with open(os.path.join(TOP, "etc", "vipair.service.in")) as f:
        text = f.read().replace("\\\n", " ")
    caps = re.search(r"^CapabilityBoundingSet=(.*)$", text, re.M)[1].split()
    lab.alpha.sh(f"mkdir -p {BASE}/t/set && echo old >{BASE}/t/f && "
                 f"chown -R daemon:daemon {BASE}/t && chmod 2750 {BASE}/t/set")
    lab.alpha.write(CONF, conf(more=SYNC % ""))
    lab.alpha.write(SECRET, secret_text(), 0o600)
    d = Vrrpd(lab.alpha, conf(more=SYNC % ""), start=False)
    d.proc = lab.alpha.popen(
        ["setpriv", "--bounding-set", "-all," + ",".join(
            "+" + c[len("CAP_"):].lower() for c in caps),
         VRRPD, "-dv", "-f", CONF], name="vrrpd@alpha")
    lab.wait_holder("alpha", 30)
    captures(d)
    first = generation(d)
    lab.alpha.sh(f"echo new >{BASE}/t/f; rmdir {BASE}/t/set")
    captures(d)
    lab.wait_for(lambda: generation(d) > first, 10, "a generation")
    done = lab.alpha.run(os.path.join(PREFIX, "bin", "vipctl"), "-f", CONF,
                         "restore", "--live", str(first), check=False,
                         input="RESTORE\n", timeout=20)
    assert done.returncode == 0, done
    says(d, "as was wished for", 20)
    assert lab.alpha.read(f"{BASE}/t/f") == "old\n"
    assert lab.alpha.sh(f"stat -c '%a %U' {BASE}/t/set").stdout == \
        "2750 daemon\n"
