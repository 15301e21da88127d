# SPDX-License-Identifier: ISC
"""
The supervisor: what it refuses, what it restarts, how it reloads, replaces
itself and leaves.
"""

import os
import signal

import pytest

from lab.daemons import CONF, PREFIX, SECRET, Vrrpd, conf
from lab.lab import VIP
from lab.netns import mono_ns

VRRPD = os.path.join(PREFIX, "sbin", "vrrpd")
THREE = ("elector", "actuator", "keeper")


@pytest.fixture
def alone(lab, users):
    """One active node; beta is silent."""
    d = Vrrpd(lab.alpha)
    lab.wait_holder("alpha", 20)
    return d


def says(lab, d, text, timeout=10, count=1):
    lab.wait_for(lambda: d.log.count(text) >= count, timeout,
                 f"{d.name} logs {text!r}")


def hup(d):
    os.kill(d.room("vrrpd"), signal.SIGHUP)


def test_first_line_names_version_and_rooms(alone):
    lines = [ln for ln in alone.log.splitlines() if " vrrpd: " in ln]
    first = lines[0]
    assert "version" in first
    for room in THREE + ("runner", "checker"):
        assert f"{room} (uid " in first


def refused(node, *more):
    done = node.run(VRRPD, "-d", "-f", CONF, *more, check=False, timeout=20)
    assert done.returncode == 1, done
    return done.stderr


def test_refuses_a_second_one(alone):
    assert "another vrrpd" in refused(alone.node)
    assert alone.rooms().keys() >= set(THREE)


def test_refuses_a_second_one_without_the_run_directory(alone):
    """The lock in the run directory went with it."""
    alone.node.sh("rm -rf /run/vipair")
    assert "another vrrpd uses this state directory" in refused(alone.node)
    assert alone.rooms().keys() >= set(THREE)
    os.kill(alone.room("vrrpd"), signal.SIGUSR2)
    says(alone.lab, alone, "all rooms are replaced")
    assert "another vrrpd uses this state directory" in refused(alone.node)


def test_refuses_without_configuration(lab, users):
    assert "no such file" in refused(lab.alpha)


def test_refuses_an_unsafe_directory(lab, users):
    Vrrpd(lab.alpha, start=False).configure()
    lab.alpha.sh("install -d -m 777 /run/vipair")
    assert "others can write" in refused(lab.alpha)


def test_refuses_an_open_secret(lab, users):
    Vrrpd(lab.alpha, start=False).configure()
    lab.alpha.sh(f"chmod 644 {SECRET}")
    err = refused(lab.alpha)
    assert SECRET in err and "600" in err


def test_refuses_without_root(lab, users):
    Vrrpd(lab.alpha, start=False).configure()
    done = lab.alpha.run("setpriv", "--reuid=_vrrpd", "--clear-groups", VRRPD,
                         "-d", "-f", CONF, check=False, timeout=20)
    assert done.returncode == 1 and "sudo" in done.stderr


def test_daemon(lab, users):
    Vrrpd(lab.alpha, start=False).configure()
    done = lab.alpha.run(VRRPD, "-f", CONF, check=False, timeout=20)
    assert done.returncode == 0, done.stderr
    pid = int(lab.alpha.read("/run/vipair/vrrpd.pid"))
    lab.wait_holder("alpha", 20)
    lab.alpha.sh(f"kill {pid}")
    lab.wait_for(lambda: not lab.alpha.has(VIP), 10, "the address is gone")


@pytest.mark.parametrize("room", THREE)
def test_room_is_restarted(lab, alone, room):
    old = alone.kill_room(room)
    alone.room(room, 5, but=old)
    says(lab, alone, f"{room}: died of signal 9")
    lab.wait_holder("alpha", 20)


def test_an_interface_behind_many_others(lab, alone):
    """As on a host of containers; the own one comes back as the last."""
    lab.alpha.run("ip", "-batch", "-", input="".join(
        f"link add name va{i} type veth peer name vb{i}\n"
        for i in range(150)))
    lab.alpha.unplug()
    lab.wait_for(lambda: "C05" in alone.problems() or
                 "C06" in alone.problems(), 10, "the interface is missed")
    lab.alpha.plug()
    lab.wait_for(lambda: alone.role() == "active", 15, "active again")
    assert lab.alpha.has(VIP)


def test_restarts_are_bounded(lab, alone):
    pid = 0
    for _ in range(11):
        pid = alone.room("keeper", 5, but=pid)
        os.kill(pid, signal.SIGKILL)
    says(lab, alone, "died 11 times in a minute")
    assert lab.alpha.has(VIP)


def test_frozen_room_is_ended(lab, alone):
    pid = alone.room("keeper")
    os.kill(pid, signal.SIGSTOP)
    says(lab, alone, "keeper: gives no sign of life", 25)
    alone.room("keeper", 5, but=pid)
    assert lab.alpha.has(VIP)


def test_broken_reload_changes_nothing(lab, alone):
    before = alone.rooms()
    alone.node.write(CONF, alone.text + "bogus\n")
    hup(alone)
    says(lab, alone, "the running configuration stays")
    assert f"{CONF}:" in alone.log and "bogus" in alone.log
    assert alone.rooms() == before
    assert lab.alpha.has(VIP)


def test_reload_does_not_move_the_role(lab, alone):
    elector = alone.room("elector")
    alone.configure(conf(more="flap limit 5 takeovers in 20m"))
    hup(alone)
    says(lab, alone, "configuration reloaded: serial 2")
    hup(alone)
    says(lab, alone, "configuration reloaded: serial 3")
    lab.stays("alpha", 4)
    assert alone.room("elector") == elector
    assert "active ->" not in alone.log


def test_reexec_keeps_role_and_address(lab, alone):
    before = alone.rooms()
    os.kill(before["vrrpd"], signal.SIGUSR2)
    says(lab, alone, "all rooms are replaced")
    after = {r: alone.room(r, 5, but=before[r]) for r in THREE}
    lab.stays("alpha", 4)
    assert alone.room("vrrpd") == before["vrrpd"]
    assert {r: alone.room(r) for r in THREE} == after
    assert "active ->" not in alone.log
    # and what came out of it can still be led
    os.kill(before["vrrpd"], signal.SIGUSR2)
    says(lab, alone, "all rooms are replaced", count=2)
    lab.stays("alpha", 3)
    assert alone.stop() == 0


def test_reexec_is_refused_with_a_broken_file(lab, alone):
    before = alone.rooms()
    alone.node.write(CONF, "bogus\n")
    os.kill(before["vrrpd"], signal.SIGUSR2)
    says(lab, alone, "replacement refused")
    assert alone.rooms() == before


def test_supervisor_killed(lab, alone):
    alone.kill_room("vrrpd")
    lab.wait_for(lambda: not alone.pids(), 3, "every room has left")
    assert not lab.alpha.has(VIP)


def test_leaves_in_order(lab, alone):
    assert alone.stop() == 0
    assert not lab.alpha.has(VIP)
    assert "not everything was in order" not in alone.log
    left = lab.alpha.sh("ls /run/vipair").stdout
    assert "sock" not in left


@pytest.mark.parametrize("sig,after", [
    (signal.SIGUSR2, 0), (signal.SIGUSR2, 0.01), (signal.SIGUSR2, 0.015), (signal.SIGUSR2, 0.02), (signal.SIGUSR2, 0.025), (signal.SIGUSR2, 0.03), (signal.SIGUSR2, 0.04), (signal.SIGUSR2, 0.05),
    (signal.SIGHUP, 0), (signal.SIGHUP, 0.005)])
def test_leaves_in_the_middle_of_a_change(lab, alone, sig, after):
    """SIGTERM counts whatever is under way, and the address goes by order,
    not when its lease ends."""
    os.kill(alone.room("vrrpd"), sig)
    lab.elapse(after)
    begin = mono_ns()
    assert alone.stop(timeout=10) == 0
    assert (mono_ns() - begin) / 1e9 < 1
    assert not lab.alpha.has(VIP)


def test_second_signal_hurries(lab, users):
    lab.alpha.write("/run/lab/svc", "#!/bin/sh\n"
                    "[ $1 = start ] || [ ! -e /run/lab/up ] || sleep 1000\n"
                    "touch /run/lab/up\n", 0o755)
    d = Vrrpd(lab.alpha, more='service exec { start "/run/lab/svc start" '
              'stop "/run/lab/svc stop"\nstop timeout 60s }')
    lab.wait_holder("alpha", 20)
    says(lab, d, "service started")
    os.kill(d.room("vrrpd"), signal.SIGTERM)
    says(lab, d, "leaving: handing over")
    assert d.stop(timeout=5) == 0
    assert not lab.alpha.has(VIP)
    assert "sleep" not in lab.alpha.sh("ps -e -o comm").stdout
