# SPDX-License-Identifier: ISC
"""
What doctor learns over ssh from the partner: a heartbeat blocked one way and
both ways, another configuration, another version, another clock, and the
troubles of the data, on two whole nodes.
"""

import os
import re
import struct

import pytest
from lab import daemons
from lab.fixtures import make_lab
from patient import Patient
from pair_kit import STATE, DataPair, data_conf

RECEIVER = f"{daemons.PREFIX}/libexec/vipair/receiver"


@pytest.fixture
def data_lab(request):
    return make_lab(request, client=False)


@pytest.fixture
def both(data_lab, users):
    """Paired by ssh, no service; level."""
    return DataPair(data_lab, files=5, service=False).start()


def patients(both):
    return Patient(both.a.vrrpd), Patient(both.b.vrrpd)


def test_well(both, data_lab):
    for p in patients(both):
        assert [i for i in p.ids() if i != "W34"] == []
        assert p.doctor()["checks"] >= 11
    assert data_lab.holders_of() == ["alpha"]


def carp(node, to):
    return dict(src=node, dst=to, match="ip protocol 112")


def test_blocked_one_way(both, data_lab):
    """Both ends say the same, each of its own view."""
    data_lab.lose(**carp(data_lab.alpha, data_lab.beta))
    a, b = patients(both)
    f = a.names("C02")
    assert "what this node sends does not arrive at beta" in f["text"]
    assert a.code == 2
    assert "what alpha sends does not arrive here" in b.names("C02")["text"]
    data_lab.heal()
    data_lab.wait_for(lambda: "C02" not in a.ids() + b.ids(), 60,
                      "nothing is blocked")


def test_blocked_the_other_way(both, data_lab):
    """The standby is silent, so nobody would notice before it is too late."""
    data_lab.lose(**carp(data_lab.beta, data_lab.alpha))
    a, b = patients(both)
    assert both.b.vrrpd.problems() == []
    f = b.names("C02")
    assert "what this node sends does not arrive at alpha" in f["text"]
    data_lab.heal()
    assert "C02" not in b.ids()


def test_blocked_both_ways(both, data_lab):
    data_lab.lose(**carp(data_lab.beta, data_lab.alpha))
    data_lab.lose(**carp(data_lab.alpha, data_lab.beta))
    _, b = patients(both)
    f = b.names("C02")
    assert "tried both ways" in f["text"] and "alpha" in f["text"]
    data_lab.heal()
    data_lab.wait_for(lambda: "C02" not in b.ids(), 60, "nothing is blocked")


def test_partner_firewall(both):
    """Shut on beta: alpha tells that it is blocked, beta by what."""
    node = both.b.node
    node.sh("nft add table inet f; nft add chain inet f in "
            "'{ type filter hook input priority 0; policy accept; }';"
            "nft add rule inet f in ip protocol 112 drop")
    a, b = patients(both)
    assert "does not arrive at beta" in a.names("C02")["text"]
    f = b.names("W70")
    node.sh(re.search(r"nft insert rule .*? accept", f["fix"])[0])
    assert "W70" not in b.ids()


def test_other_configuration(both, data_lab):
    text = data_conf(service=False, more="flap limit 5 takeovers in 10m\n")
    both.b.vrrpd.configure(text)
    both.b.node.run("kill", "-HUP", str(
        both.b.node.sh("pgrep -x vrrpd").stdout.strip()))
    a, _ = patients(both)
    data_lab.wait_for(lambda: "W76" in a.ids(), 20, "beta has read it")
    f = a.names("W76")
    assert re.search(r"[0-9a-f]{8} there, [0-9a-f]{8} here", f["text"])
    both.a.vrrpd.configure(text)
    both.a.node.run("kill", "-HUP", str(
        both.a.node.sh("pgrep -x vrrpd").stdout.strip()))
    data_lab.wait_for(lambda: "W76" not in a.ids(), 20, "both have read it")


def stand_in(both, script):
    """Another receiver on beta, for the word facts."""
    both.b.node.write("/run/lab/receiver", "#!/bin/sh\n"
                      'case $SSH_ORIGINAL_COMMAND in facts) ;; '
                      f'*) exec {RECEIVER}.real "$@" ;; esac\n{script}\n',
                      0o755)
    both.b.node.sh("chmod 755 /run/lab")
    auth = both.b.node.read("/var/lib/lab/authorized_keys")
    both.b.node.write("/var/lib/lab/authorized_keys", auth.replace(
        RECEIVER, "/run/lab/receiver"))


def facts(both):
    return both.a.ssh("facts").stdout.decode()


def test_other_version_and_clock(both):
    """A partner of another time, by a receiver that says so."""
    real = facts(both)
    assert real.startswith("vipair-facts 1\nversion ")
    ms = int(re.search(r"wall_ms (\d+)", real)[1])
    lie = re.sub(r"version .*", "version 0.0.9", real)
    lie = re.sub(r"wall_ms \d+", f"wall_ms {ms + 3600_000}", lie)
    stand_in(both, f"cat <<'E'\n{lie}E")
    a, _ = patients(both)
    f = a.names("W77")
    assert "0.0.9 there" in f["text"] and "upgrade" in f["fix"]
    f = a.names("W75")
    assert re.search(r"clock of beta is (1h|59m \d+s) ahead", f["text"])


def test_partner_talks_rubbish(both):
    stand_in(both, "head -c 100000 /dev/urandom")
    p = both.a.vipctl("doctor")
    assert "not looked at: partner: beta does not tell" in p.stdout
    assert "\x1b" not in p.stdout


def test_facts_hold_nothing_secret(both):
    text = facts(both)
    assert text.endswith("daemon 1\nend\n") and len(text) < 400
    assert daemons.KEY.hex() not in text
    # and the word takes no argument
    for bad in ("facts ", "facts vpn", "fact", "facts\nrsync"):
        p = both.a.ssh(bad)
        assert p.returncode == 1 and not p.stdout


def test_no_daemon_there(both, data_lab):
    both.b.vrrpd.stop()
    a, _ = patients(both)
    assert "daemon 0" in facts(both)
    assert "C02" not in a.ids()


def test_no_ssh(both, data_lab):
    both.b.sshd.stop()
    for pid in both.b.pids_of("sshd"):
        os.kill(pid, 9)
    p = both.a.vrrpd
    p.wait_problem("W51", 30)
    out = p.vipctl("doctor", timeout=20)
    assert "W51" in out.stdout and "not looked at: partner" in out.stdout


ENTRY = struct.Struct("=IIqI2B2xIIII32s32s32sQ")


def age_history(path, seconds):
    """The keeper's file, as if all of it had been so long ago."""
    with open(path, "rb") as f:
        data = f.read()
    assert data and len(data) % ENTRY.size == 0
    with open(path, "wb") as f:
        for at in range(0, len(data), ENTRY.size):
            e = list(ENTRY.unpack_from(data, at))
            e[2] -= seconds
            raw = ENTRY.pack(*e)[:-8]
            h = 0xcbf29ce484222325
            for byte in raw:
                h = (h ^ byte) * 0x100000001b3 & (1 << 64) - 1
            f.write(raw + struct.pack("=Q", h))


def test_no_drill_for_90_days(both, data_lab):
    """What the keeper of the standby wrote down is made 91 days old."""
    b = Patient(both.b.vrrpd)
    both.b.vipctl("handover", check=True)
    both.takes_over("beta")
    assert "W79" not in b.ids()
    both.b.vrrpd.stop()
    both.takes_over("alpha")
    age_history(both.b.disk(f"{STATE}/history"), 91 * 86400)
    both.b.vrrpd.start()
    both.b.vrrpd.wait_role("standby")
    f = b.names("W79")
    assert "91d" in f["text"] and "vipctl drill" in f["fix"]
    both.b.vipctl("handover", check=True)
    both.takes_over("beta")
    data_lab.wait_for(lambda: "W79" not in b.ids(), 20, "it was tried")
