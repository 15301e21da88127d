# SPDX-License-Identifier: ISC
"""Runner and checker: what they run, with what rights, and for how long."""

import os
import pwd

import pytest

from lab.daemons import Vrrpd
from lab.lab import VIP

SERVICE = '''service exec {
	start "/run/lab/svc start more"
	stop "/run/lab/svc stop"
	start timeout 2s
	stop timeout 2s
	check every 1s, give up after 3
	%s
}
'''


def script(node, path, body, mode=0o755):
    return node.write(path, "#!/bin/sh\n" + body, mode)


@pytest.fixture
def node(lab, users):
    script(lab.alpha, "/run/lab/svc",
           'env >>/run/lab/env.$1\necho "$# $2" >>/run/lab/args.$1\n')
    return lab.alpha


def run(node, more="", health=""):
    return Vrrpd(node, more=SERVICE % health + more)


def says(d, text, timeout=10):
    d.lab.wait_for(lambda: text in d.log, timeout,
                   f"{d.name} logs {text!r}")


def test_start_has_a_clean_environment(lab, node):
    d = run(node)
    says(d, "service started", 15)
    env = dict(ln.split("=", 1)
               for ln in node.read("/run/lab/env.start").splitlines())
    env.pop("PWD", None)        # the shell's own
    env.pop("_", None)
    env.pop("SHLVL", None)
    assert env.pop("PATH")
    assert env == {"VIPAIR_PAIR": "vpn", "VIPAIR_ROLE": "active",
                   "VIPAIR_OLD_ROLE": env["VIPAIR_OLD_ROLE"],
                   "VIPAIR_TERM": "1", "VIPAIR_ADDRESS": VIP}
    assert node.read("/run/lab/args.start") == "2 more\n"


def test_service_is_stopped_on_leaving(lab, node):
    d = run(node)
    says(d, "service started", 15)
    before = node.read("/run/lab/args.stop").count("\n")
    assert d.stop() == 0
    assert node.read("/run/lab/args.stop").count("\n") == before + 1


def test_service_is_stopped_when_the_elector_dies(lab, node):
    d = run(node)
    says(d, "service started", 15)
    before = node.read("/run/lab/args.stop").count("\n")
    d.kill_room("elector")
    lab.wait_for(lambda: node.read("/run/lab/args.stop").count("\n") > before,
                 5, "the service is stopped")


def test_job_gets_no_descriptors(lab, node):
    script(node, "/run/lab/svc", "ls -l /proc/self/fd >/run/lab/fds\n")
    run(node)
    lab.wait_for(lambda: "2 ->" in node.read("/run/lab/fds"), 15, "it ran")
    fds = [ln for ln in node.read("/run/lab/fds").splitlines() if "->" in ln]
    # 0-2, and the directory ls reads
    assert len(fds) <= 4, fds
    assert any("0 -> /dev/null" in ln for ln in fds)


def test_time_limit_ends_the_whole_group(lab, node):
    script(node, "/run/lab/svc", "trap '' TERM\n"
           "[ $1 = stop ] && exit 0\n"
           "sleep 4321 &\nsleep 4321\n")
    d = run(node)
    says(d, "start was ended at its time limit", 15)
    lab.wait_for(lambda: "sleep" not in node.sh("ps -e -o comm").stdout, 5,
                 "nothing of it is left")


@pytest.mark.parametrize("path,mode", [("/run/lab/svc", 0o757),
                                       ("/run/lab", 0o777)])
def test_refuses_what_others_could_change(lab, node, path, mode):
    node.sh(f"chmod {mode:o} {path}")
    d = run(node)
    says(d, "can be written by others", 15)
    assert not node.read("/run/lab/env.start")


def test_hooks_in_order(lab, node):
    for name in ("20-b", "10-a", ".hidden", "old~"):
        script(node, f"/run/lab/notify.d/{name}",
               f'echo "{name} $*" >>/run/lab/hooks\n')
    script(node, "/run/lab/notify.d/30-not", "echo no >>/run/lab/hooks\n",
           0o644)
    d = run(node, 'notify exec "/run/lab/notify.d"\n')
    says(d, "service started", 15)
    lab.wait_for(lambda: "20-b vpn standby active 1"
                 in node.read("/run/lab/hooks"), 5, "the hooks ran")
    lines = [ln.split() for ln in node.read("/run/lab/hooks").splitlines()]
    assert [ln[0] for ln in lines] == ["10-a", "20-b"] * (len(lines) // 2)
    assert lines[-1] == ["20-b", "vpn", "standby", "active", "1"]


def test_checker_has_no_rights(lab, node):
    script(node, "/run/lab/check", "cat /proc/self/status >&2\n")
    d = run(node, health='healthy when exec "/run/lab/check"')
    says(d, "NoNewPrivs", 15)
    uid = pwd.getpwnam("_vrrpd").pw_uid
    log = d.log.replace("\t", " ").replace("? ", " ")
    assert f"Uid: {uid} {uid} {uid} {uid}" in log
    for cap in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert f"{cap}: 0000000000000000" in log
    assert "NoNewPrivs: 1" in log


def test_output_is_sanitised(lab, node):
    script(node, "/run/lab/svc", "printf '\\033[31mred\\001\\n'\n")
    d = run(node)
    says(d, "job: ?[31mred?", 15)
    assert "\033" not in d.log


def test_shouting_is_bounded(lab, node):
    script(node, "/run/lab/svc", "[ $1 = start ] && "
           "for i in $(seq 100000); do echo shout $i; done\nexit 0\n")
    d = run(node)
    says(d, "service started", 15)
    assert d.log.count("shout") <= 300
    assert os.path.exists("/proc/%d" % d.room("vrrpd"))


@pytest.mark.parametrize("server,healthy", [
    ("HTTP/1.0 200 OK", True), ("HTTP/1.0 503 No", False)])
def test_http(lab, node, server, healthy):
    node.write("/run/lab/answer", server + "\r\n\r\n")
    p = node.popen(["socat", "TCP-LISTEN:8080,reuseaddr,fork",
                    "SYSTEM:cat /run/lab/answer"], name="http")
    d = run(node, health='healthy when http "http://192.168.70.1:8080/" '
            'status 200')
    says(d, "check: result " + ("0" if healthy else "1"), 15)
    p.stop()
