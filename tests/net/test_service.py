# SPDX-License-Identifier: ISC
"""
The service behind the address: runs on the active, only there, never twice
at once; one restart, one handover, then a limit.  The commands write down
what is done to them and when.
"""

import pytest

from lab.lab import VIP
from lab.netns import mono_ns
from lab.pair import Pair

DIR = "/run/lab/svc"
STAMP = "read up _ < /proc/uptime"
SERVICE = """
service exec {
	start "%(d)s/start now"
	stop "%(d)s/stop"
	check "%(d)s/check"
	start timeout 5s
	stop timeout 3s
	check every 1s, give up after 2
}
""" % {"d": DIR}


def scripts(node, start="true", stop="true", check="test -e $D/up"):
    """Each logs its name, argument and end; the bodies can be replaced."""
    for name, body, then in (("start", start, "touch $D/up"),
                             ("stop", stop, "rm -f $D/up"),
                             ("check", check, "")):
        log = "" if name == "check" else \
            f"{STAMP}\necho {name} $1 $up >> $D/log\n"
        node.write(f"{DIR}/{name}", f"#!/bin/sh\nD={DIR}\n{log}"
                   f"{body} || exit 1\n{then}\n", 0o755)


def log(node):
    return [ln.split()[0] for ln in node.read(f"{DIR}/log").splitlines()]


def runs(node):
    return node.run("test", "-e", f"{DIR}/up", check=False).returncode == 0


@pytest.fixture
def served(lab, users):
    for n in (lab.alpha, lab.beta):
        scripts(n)
    p = Pair(lab, more=SERVICE)
    lab.wait_for(lambda: runs(lab.alpha), 5, "the service runs on alpha")
    return p


def state(d):
    return (d.pair().get("service") or {}).get("state")


def test_runs_where_the_address_is(served, lab):
    served.lab.wait_for(lambda: state(served.a) == "running", 5)
    assert log(lab.alpha)[-1] == "start" and not runs(lab.beta)
    assert "start" not in log(lab.beta)
    served.rests("alpha", 3)
    assert log(lab.alpha).count("start") == 1
    assert state(served.b) == "stopped"


def test_handover_stops_before_it_starts(served, lab):
    t = mono_ns()
    assert served.a.vipctl("handover").returncode == 0
    lab.wait_holder("beta", 8)
    lab.wait_for(lambda: runs(lab.beta), 5, "the service runs on beta")
    assert not runs(lab.alpha) and log(lab.alpha)[-1] == "stop"
    stop = float(lab.alpha.read(f"{DIR}/log").splitlines()[-1].split()[-1])
    start = float(lab.beta.read(f"{DIR}/log").splitlines()[-1].split()[-1])
    assert stop <= start + 0.02
    served.gap("handover with a service", t, "beta")


def test_slow_stop_is_waited_for(served, lab):
    """Service stopped, then address removed, then the other starts."""
    scripts(lab.alpha, stop="sleep 1")
    t = mono_ns()
    served.a.vipctl("handover")
    lab.wait_holder("beta", 8)
    moved = [e for e in lab.kernel.changes(VIP, t) if not e.present][0].ns
    assert (moved - t) / 1e9 > 0.9, "the address went before the service"
    lab.wait_for(lambda: runs(lab.beta), 5)
    assert not runs(lab.alpha)


def test_hanging_stop_is_killed(served, lab):
    """A stop that never ends is killed with its children at its limit and
    does not hold the address for ever."""
    scripts(lab.alpha, stop="sleep 1000")
    t = mono_ns()
    served.a.proc.signal(15)
    lab.wait_holder("beta", 10)
    assert (mono_ns() - t) / 1e9 > 2.5
    lab.wait_for(lambda: not served.a.pids(), 10)
    lab.wait_for(lambda: not _sleepers(lab.alpha), 2, "nothing is left")


def test_elector_dies_service_is_stopped(served, lab):
    served.a.kill_room("elector")
    lab.wait_holder("beta", 5)
    lab.wait_for(lambda: runs(lab.beta), 5, "the service runs on beta")
    lab.wait_for(lambda: not runs(lab.alpha), 5,
                 "the service is stopped on alpha")


def test_failed_service_is_restarted_once(served, lab):
    """Checks fail twice: one restart, and that helps; the role stays."""
    lab.alpha.run("rm", f"{DIR}/up")
    lab.wait_for(lambda: log(lab.alpha).count("start") == 2, 8,
                 "restarted")
    lab.wait_for(lambda: state(served.a) == "running", 5)
    served.rests("alpha", 4)
    assert log(lab.alpha).count("start") == 2


def test_failing_service_is_handed_over_once(served, lab):
    """The restart does not help either: the other node gets its turn."""
    scripts(lab.alpha, check="false")
    lab.wait_holder("beta", 20)
    lab.wait_for(lambda: runs(lab.beta), 5, "the service runs on beta")
    assert not runs(lab.alpha)
    served.a.wait_role("faulted", 5)
    served.a.wait_problem("C04", 3)
    lab.stays("beta", 5)


def test_start_that_fails(lab, users):
    for n in (lab.alpha, lab.beta):
        scripts(n)
    scripts(lab.alpha, start="false")
    Pair(lab, more=SERVICE, start=False).start(probe=False)
    lab.wait_holder("beta", 20)
    lab.wait_for(lambda: runs(lab.beta), 5)


def test_fails_everywhere_no_ping_pong(served, lab):
    """Broken on both: it does not go round and round."""
    for n in (lab.alpha, lab.beta):
        scripts(n, check="false")
    t = mono_ns()
    lab.elapse(25)
    ups = [e for e in lab.kernel.changes(VIP, t) if e.present]
    lab.measure("broken service on both for 25 s: moves", len(ups), "")
    assert len(ups) <= 3


def test_flap_limit(lab, users):
    """A service that fails everywhere does not go round: past the limit the
    nodes stay where they are and status says so."""
    for n in (lab.alpha, lab.beta):
        scripts(n, check="false")
    p = Pair(lab, start=False,
             more=SERVICE + "flap limit 1 takeovers in 10m\n")
    p.start(probe=False)
    lab.wait_for(lambda: "C08" in p.a.problems() + p.b.problems(), 40,
                 "flapping is named in status")


def test_notify_hook(lab, users):
    for n in (lab.alpha, lab.beta):
        n.write("/run/lab/notify", "#!/bin/sh\nenv > /run/lab/env\n"
                'echo "$@" >> /run/lab/told\n', 0o755)
    p = Pair(lab, more='notify exec "/run/lab/notify"')
    lab.wait_for(lambda: "active" in lab.alpha.read("/run/lab/told"), 5,
                 "the hook is told of the active role")
    p.a.stop()
    lab.wait_for(lambda: "active" in lab.beta.read("/run/lab/told"), 8)
    env = lab.alpha.read("/run/lab/env")
    assert "VIPAIR_LAB" not in env, "our environment was handed on"


def test_hook_that_never_ends(lab, users):
    """Does not hold up the election, and is killed."""
    for n in (lab.alpha, lab.beta):
        n.write("/run/lab/notify", "#!/bin/sh\nsleep 1000\n", 0o755)
    p = Pair(lab, more='notify exec "/run/lab/notify"')
    t = mono_ns()
    p.a.stop()
    lab.wait_holder("beta", 5)
    p.gap("handover with hanging hooks", t, "beta")


def test_command_with_a_writable_parent_is_refused(lab, users):
    lab.alpha.sh("mkdir -m 777 /run/lab/open; "
                 "printf '#!/bin/sh\\n' > /run/lab/open/start; "
                 "chmod 755 /run/lab/open/start")
    p = Pair(lab, start=False, more=SERVICE.replace(
        DIR + "/start", "/run/lab/open/start"))
    scripts(lab.alpha)
    p.a.start()
    lab.wait_for(lambda: p.a.proc.said("/run/lab/open"), 10,
                 "the path is refused by name")
    assert not runs(lab.alpha)


def _sleepers(node):
    found = []
    for pid in node.pids():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if b"1000" in f.read():
                    found.append(pid)
        except OSError:
            pass
    return found
