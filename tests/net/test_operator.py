# SPDX-License-Identifier: ISC
"""Signals and commands of a person: handover, reload, upgrade, maintenance."""

import os
import signal
import subprocess

from lab import wire
from lab.daemons import CONF, KEY, PREFIX, conf, secret_text
from lab.lab import VIP
from lab.netns import mono_ns

SECOND = "192.168.70.223"


def test_sigterm_hands_over(pair, lab):
    """Address removed, resignation sent, taken at once."""
    t = mono_ns()
    assert pair.a.stop() == 0
    lab.wait_holder("beta", 5)
    pair.gap("SIGTERM", t, "beta")
    resigned = lab.last_words("alpha", t)
    assert resigned.trailer_ok(KEY) and resigned.trailer.flags & wire.GO_NOW
    moves = lab.kernel.changes(VIP, t)
    assert [(e.node, e.present) for e in moves] == \
        [("alpha", False), ("beta", True)]
    lab.measure("SIGTERM: address in no kernel for",
                (moves[1].ns - moves[0].ns) / 1e6)
    assert resigned.ns > moves[0].ns - 5_000_000
    assert not lab.adverts("alpha", resigned.ns + 50_000_000)
    assert not pair.a.pids()
    # back as standby: silent, and stays so
    back = mono_ns()
    pair.a.start()
    pair.a.wait_role("standby")
    pair.rests("beta", 4)
    assert not lab.adverts("alpha", back)


def test_sigterm_of_the_standby(pair, lab):
    assert pair.b.stop() == 0
    pair.rests("alpha", 4)
    pair.b.start()
    pair.b.wait_role("standby")
    pair.rests("alpha", 4)


def test_sigterm_alone(pair, lab):
    """Nobody there to hand over to: the address goes all the same."""
    pair.b.stop()
    assert pair.a.stop() == 0
    lab.wait_nobody(2)


def test_reload_unchanged(pair, lab):
    t = mono_ns()
    term = pair.a.pair()["term"]
    for d in (pair.a, pair.b):
        d.proc.signal(signal.SIGHUP)
    pair.rests("alpha", 4)
    assert not lab.kernel.changes(VIP, t)
    assert pair.a.pair()["term"] == term
    assert max(pair.pace("alpha", t)) < 1.5


def test_reload_with_another_address(pair, lab):
    """The new address comes up on the active, the old one does not move;
    taken out again, it goes."""
    t = mono_ns()
    more = conf(vips=(VIP, SECOND))
    for d in (pair.b, pair.a):
        d.configure(more)
        d.proc.signal(signal.SIGHUP)
    lab.wait_holder("alpha", 8, SECOND)
    pair.rests("alpha", 4)
    assert not lab.kernel.changes(VIP, t)
    assert lab.announcements("alpha", t)
    for d in (pair.b, pair.a):
        d.configure(conf())
        d.proc.signal(signal.SIGHUP)
    lab.wait_nobody(8, SECOND)
    pair.rests("alpha", 2)
    assert not lab.kernel.changes(VIP, t)


def test_reload_with_another_interval(pair, lab):
    for d in (pair.b, pair.a):
        d.configure(conf(interval="2s"))
        d.proc.signal(signal.SIGHUP)
    lab.wait_for(lambda: [a for a in lab.adverts("alpha") if a.base == 2], 8,
                 "alpha advertises each 2 s")
    pair.rests("alpha", 6)
    pair.a.kill()
    lab.wait_holder("beta", 12)


def test_reload_of_a_broken_file(pair, lab):
    """Named with file, line and column; what runs goes on."""
    t = mono_ns()
    broken = conf().replace("protocol carp", "protokoll carp")
    pair.a.configure(broken)
    pair.a.proc.signal(signal.SIGHUP)
    line = 1 + broken[:broken.index("protokoll")].count("\n")
    lab.wait_for(lambda: pair.a.proc.said(f"{CONF}:{line}:", t), 5,
                 "the place of the error is in the log")
    assert pair.a.proc.said("protokoll", t)
    pair.rests("alpha", 4)
    assert not lab.kernel.changes(VIP, t)


def test_reload_of_keys(pair, lab):
    """Rotation: two keys accepted at once, then the new one active, then
    the old one gone; nobody notices."""
    new = bytes(range(100, 132))
    t = mono_ns()
    for keys, active in ((((1, KEY), (2, new)), 1),
                         (((1, KEY), (2, new)), 2),
                         (((2, new),), 2)):
        for d in (pair.b, pair.a):
            d.configure(secret=secret_text(keys=keys, active=active))
            d.proc.signal(signal.SIGHUP)
        since = mono_ns()
        lab.wait_for(lambda: any(
            a.trailer and a.trailer.key_id == active
            and a.trailer_ok(dict(keys)[active])
            for a in lab.adverts("alpha", since)), 5, f"key {active} signs")
    pair.rests("alpha", 4)
    assert not lab.kernel.changes(VIP, t)
    since = mono_ns()
    pair.a.stop()
    lab.wait_holder("beta", 5)
    pair.gap("handover with the new key", since, "beta")


def test_upgrade(pair, lab):
    """SIGUSR2: new processes from the files on disk, same supervisor pid,
    same role, the address never lost, adverts in time."""
    for d, name in ((pair.a, "alpha"), (pair.b, "beta")):
        t = mono_ns()
        before = d.rooms()
        term = d.pair()["term"]
        d.proc.signal(signal.SIGUSR2)
        for room in ("elector", "actuator", "keeper"):
            d.room(room, but=before[room])
        assert d.room("vrrpd") == before["vrrpd"]
        pair.rests("alpha", 4)
        assert not lab.kernel.changes(VIP, t), name
        assert max(pair.pace("alpha", t)) < 1.5
        assert d.pair()["term"] == term
        pair.gap(f"SIGUSR2 on {name}", t, "alpha", settle=0)
    since = mono_ns()
    pair.a.stop()
    lab.wait_holder("beta", 5)
    pair.gap("handover after upgrades", since, "beta")


def test_upgrade_of_a_slow_supervisor(pair, lab):
    """Whatever time lies between the supervisor's words: the new elector goes
    on from the old one's state before it listens to anybody else."""
    t = mono_ns()
    old = pair.a.room("elector")
    p = subprocess.Popen(["strace", "-o", "/dev/null", "-e", "trace=sendmsg",
                          "-e", "inject=sendmsg:delay_enter=30ms",
                          "-p", str(pair.a.room("vrrpd"))],
                         stderr=subprocess.PIPE, text=True)
    try:
        assert "attached" in p.stderr.readline()
        pair.a.proc.signal(signal.SIGUSR2)
        pair.a.room("elector", but=old)
        pair.rests("alpha", 4)
    finally:
        p.terminate()
        p.communicate(timeout=10)
    assert not lab.kernel.changes(VIP, t)


def test_handover_command(pair, lab):
    t = mono_ns()
    p = pair.a.vipctl("handover")
    assert p.returncode == 0, p.stderr
    lab.wait_holder("beta", 5)
    pair.gap("vipctl handover", t, "beta")
    pair.a.wait_role("standby")
    assert pair.a.proc.running
    pair.rests("beta", 4)
    # refused on the standby, which names the active one
    p = pair.a.vipctl("handover")
    assert p.returncode == 1 and "beta" in p.stderr
    # and back
    t = mono_ns()
    assert pair.b.vipctl("handover").returncode == 0
    lab.wait_holder("alpha", 5)
    pair.gap("vipctl handover back", t, "alpha")


def test_handover_to_nobody_is_refused(pair, lab):
    pair.b.stop()
    p = pair.a.vipctl("handover", timeout=30)
    assert p.returncode != 0
    lab.wait_holder("alpha", 10)
    pair.rests("alpha", 2)


def test_maintenance(pair, lab):
    t = mono_ns()
    p = pair.a.vipctl("maintenance", "on", "--reason", "new disk")
    assert p.returncode == 0, p.stderr
    lab.wait_holder("beta", 5)
    pair.gap("maintenance on", t, "beta")
    pair.a.wait_role("maintenance")
    assert "W37" in pair.a.problems()
    # this node will not take over, whatever happens
    pair.b.kill()
    lab.wait_nobody(5)
    lab.elapse(5)
    assert not lab.holders_of()
    assert pair.a.role() == "maintenance"
    assert pair.a.vipctl("maintenance", "off").returncode == 0
    lab.wait_holder("alpha", 10)


def test_maintenance_outlives_a_restart(pair, lab):
    assert pair.b.vipctl("maintenance", "on").returncode == 0
    pair.b.wait_role("maintenance")
    pair.b.stop()
    pair.b.start()
    pair.b.wait_role("maintenance")
    pair.a.kill()
    lab.wait_nobody(5)
    lab.elapse(5)
    assert not lab.holders_of()


def test_status_tells_the_truth(pair, lab):
    p = pair.a.pair()
    assert (p["role"], p["verdict"], p["vhid"], p["protocol"]) == \
        ("active", "healthy", 94, "carp")
    assert p["addresses"][0]["address"] == VIP
    assert p["addresses"][0]["present"] is True
    assert p["interface"] == "eth0" and p["interval_s"] == 1.0
    assert pair.a.vipctl("is-active").returncode == 0
    q = pair.b.pair()
    assert q["role"] == "standby" and q["addresses"][0]["present"] is False
    assert q["partner"]["name"] == "alpha"
    assert q["partner"]["role"] == "active"
    assert q["partner"]["heard_s"] < 1.5
    assert pair.b.vipctl("is-active").returncode == 1
    least, most = q["takeover_s"]
    # death right before the next advert was due, or right after one
    assert 1.9 < least <= most < 4
    # within a second of a change
    pair.a.kill_room("elector")
    t = lab.wait_holder("beta", 5)
    pair.b.wait_role("active", 1.5)
    assert (mono_ns() - t) / 1e9 < 2
    assert "active" in pair.b.vipctl("why").stdout
    h = pair.b.vipctl("history").stdout
    assert "alpha" in h or "beta" in h
    # a dead daemon is never shown as active
    pair.b.kill()
    p = pair.b.vipctl("-j", "status")
    assert '"role":"active"' not in p.stdout.replace(" ", "")
    assert p.returncode == 3 or p.returncode == 69
    assert pair.b.vipctl("is-active").returncode == 3


def test_log_of_role_changes(pair, lab):
    """First line: version and rooms; one line for each role change."""
    first = pair.a.proc.lines[0][1]
    assert "elector" in first and any(c.isdigit() for c in first)
    t = mono_ns()
    pair.a.stop()
    lab.wait_holder("beta", 5)

    def told():
        return [x for ns, x in pair.b.proc.lines if ns >= t
                and "standby" in x and "active" in x]
    lab.wait_for(told, 2, "beta logs its role change")
    assert len(told()) == 1 and "term" in told()[0]


def test_wait_command(pair, lab):
    p = lab.beta.popen([*_vipctl(pair.b), "wait", "--for", "active",
                        "--timeout", "20s"], name="wait")
    pair.a.stop()
    assert p.wait(20) == 0


def _vipctl(d):
    return [os.path.join(PREFIX, "bin", "vipctl"), "-f", CONF]
