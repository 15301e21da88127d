# SPDX-License-Identifier: ISC
"""
The ids that the daemon raises: each is provoked, named by `vipctl doctor` as
by `vipctl status`, with a text and something to do, and goes when that was
done.  Those of the heartbeat, the host and the network are in the other
files; more of the data in tests/sync.
"""

import os
import time

import pytest
from lab import daemons, wire
from lab.daemons import KEY, Vrrpd, conf, secret_text
from lab.fixtures import make_lab
from lab.lab import VIP
from pair_kit import BASE, STORE, DataPair
from patient import Patient

SERVICE = """
service exec {
	start "/bin/true"
	stop "/bin/true"
	check "/usr/bin/test ! -e /run/lab/sick"
	check every 1s, give up after 60
}
"""


def gone(lab, p, ident, timeout=30):
    lab.wait_for(lambda: ident not in p.vrrpd.problems(), timeout,
                 f"{ident} ends")


def alone(lab, **kw):
    v = Vrrpd(lab.alpha, **kw)
    v.wait_role("active")
    return Patient(v)


def test_nobody(lab, users):
    p = alone(lab)
    p.vrrpd.vipctl("maintenance", "on", check=True)
    p.vrrpd.wait_problem("C03", 15)
    f = p.names("C03")
    assert VIP in f["text"] and "end maintenance" in f["fix"]
    assert "W37" in p.ids() and p.code == 2
    p.vrrpd.vipctl("maintenance", "off", check=True)
    gone(lab, p, "C03")


def test_adverts_cannot_leave(lab, users):
    """The host's own filter: the daemon says what fails, doctor why."""
    p = alone(lab)
    p.node.sh("nft add table inet f; nft add chain inet f out "
              "'{ type filter hook output priority 0; policy accept; }';"
              "nft add rule inet f out ip protocol 112 drop")
    p.vrrpd.wait_problem("C09")
    f = p.names("C09")
    assert "eth0: Operation not permitted" in f["text"]
    assert "outgoing protocol 112" in f["fix"]
    assert "chain out" in p.names("W70")["text"]
    p.node.sh("nft flush chain inet f out")
    gone(lab, p, "C09")


def test_outside_the_network(lab, users):
    p = alone(lab)
    p.node.ip("addr", "add", "192.168.70.1/25", "dev", "eth0")
    p.node.ip("addr", "del", "192.168.70.1/24", "dev", "eth0")
    p.vrrpd.wait_problem("W33")
    assert "eth0" in p.names("W33")["text"]
    p.node.ip("addr", "add", "192.168.70.1/24", "dev", "eth0")
    gone(lab, p, "W33")


def signed(lab, term):
    """As somebody with the key could make it; the digest is alpha's own."""
    body = bytes(lab.wait_for(lambda: lab.adverts("alpha"), 5,
                              "alpha sends")[0].message)
    seq = int(time.time() * (1 << 32))
    return [wire.advert_frame(lab.beta.mac, lab.beta.address, body +
                              wire.own_trailer(body, lab.beta.address, 1,
                                               KEY, seq + i, term, 1, 0))
            for i in range(20)]


def test_impossible_term(lab, users):
    p = alone(lab)
    lab.beta.flood(signed(lab, 5000), rate=5, seconds=4)
    p.vrrpd.wait_problem("W28")
    f = p.names("W28")
    assert "jumped ahead" in f["text"] and "key" in f["fix"]
    assert p.vrrpd.pair()["term"] == 1
    gone(lab, p, "W28", 80)


def test_flood(lab, users):
    p = alone(lab)
    bad = lab.stranger()
    frames = [wire.advert_frame(bad.mac, f"192.168.70.{100 + i}",
                                wire.carp(94, "guess", [VIP]))
              for i in range(50)]
    bad.flood(frames, rate=40000, seconds=12)
    p.vrrpd.wait_problem("W31")
    assert "monitor" in p.names("W31")["fix"]
    assert p.vrrpd.role() == "active"
    gone(lab, p, "W31", 40)


def test_unsigned_partner(lab, users):
    """The secret of one node has no key yet."""
    lab.may_double = True
    p = alone(lab, secret=secret_text(carp="same"))
    other = Vrrpd(lab.beta, secret=secret_text(carp="same", keys=()))
    p.vrrpd.wait_problem("W35", 20)
    f = p.names("W35")
    assert "192.168.70.2" in f["text"] and "same secret file" in f["fix"]
    other.stop()
    other.configure(secret=secret_text(carp="same"))
    other.start()
    gone(lab, p, "W35")


def test_service_unhealthy(lab, users):
    p = alone(lab, more=SERVICE)
    p.node.write("/run/lab/sick", "")
    p.vrrpd.wait_problem("W38")
    assert "in a row" in p.names("W38")["text"]
    p.node.sh("rm /run/lab/sick")
    gone(lab, p, "W38")


def test_other_addresses(lab, users):
    kw = {"protocol": "vrrp 3"}
    Vrrpd(lab.alpha, **kw).wait_role("active")
    p = Patient(Vrrpd(lab.beta, vips=(VIP, "192.168.70.223"), **kw))
    p.vrrpd.wait_problem("W39", 20)
    f = p.names("W39")
    assert "list other addresses than pair vpn has" in f["text"]
    p.vrrpd.configure(conf(**kw))
    p.node.run("kill", "-HUP", p.node.sh("pgrep -x vrrpd").stdout.strip())
    gone(lab, p, "W39", 40)


def test_address_of_somebody_else_here(pair, lab):
    lab.may_double = True
    p = Patient(pair.b)
    p.node.ip("addr", "add", VIP + "/32", "dev", "eth0")
    p.vrrpd.wait_problem("W40")
    f = p.names("W40")
    assert f"{VIP} is on this node, eth0" in f["text"]
    assert "ip address del" in f["fix"]
    p.node.ip("addr", "del", VIP + "/32", "dev", "eth0")
    gone(lab, p, "W40")


@pytest.fixture
def both(request, users):
    """Paired by ssh, level."""
    lab = make_lab(request, client=False)
    return DataPair(lab, files=5, service=False).start()


def test_load_fails(both):
    """The standby has nowhere to put the data."""
    p = Patient(both.b.vrrpd)
    both.b.node.sh(f"mount -t tmpfs -o ro none {BASE}")
    both.a.vipctl("handover", "--timeout", "20s")
    p.vrrpd.wait_problem("C12", 40)
    f = p.names("C12")
    assert "pair vpn could not be put in place" in f["text"]
    assert "line of the loader" in f["fix"]
    both.b.node.sh(f"umount {BASE}")
    p.vrrpd.vipctl("maintenance", "off", check=True)
    p.vrrpd.wait_role("standby", 30)
    both.level(both.a)
    both.a.vipctl("handover", "--timeout", "20s", check=True)
    both.takes_over("beta")
    gone(both.lab, p, "C12")


def test_damaged_store(both):
    """In a way that it cannot repair by itself."""
    a, b = Patient(both.a.vrrpd), Patient(both.b.vrrpd)
    both.b.vrrpd.stop()
    both.b.node.sh(f"rm {STORE}/HEAD; mkdir -p {STORE}/HEAD/x")
    both.b.vrrpd.start()
    b.vrrpd.wait_problem("C13", 40)
    f = b.names("C13")
    assert "move the pair's directory" in f["fix"]
    both.a.put("tree/d0/f0", "a change that nobody takes")
    a.vrrpd.wait_problem("W61", 40)
    assert "beta does not take the data" in [
        x for x in a.doctor()["problems"] if x["id"] == "W61"][0]["text"]
    # what it says
    both.b.vrrpd.stop()
    both.b.node.sh(f"mv {STORE} {STORE}.aside")
    both.b.vrrpd.start()
    gone(both.lab, b, "C13", 40)
    gone(both.lab, a, "W61", 60)


def test_mirror_does_not_answer(both):
    p = Patient(both.a.vrrpd)
    mirror = f"{daemons.PREFIX}/libexec/vipair/mirror"
    both.a.node.sh(f"mount --bind /bin/false {mirror}")
    p.vrrpd.kill_room("mirror")
    p.vrrpd.wait_problem("W50", 30)
    f = [x for x in p.vrrpd.pair()["problems"] if x["id"] == "W50"][0]
    assert "mirror" in f["fix"]
    both.a.node.sh(f"umount -l {mirror}")
    gone(both.lab, p, "W50", 60)


def test_late(both):
    """The partner cannot be reached for more than a minute."""
    p = Patient(both.a.vrrpd)
    both.b.sshd.stop()
    for pid in both.b.pids_of("sshd"):
        os.kill(pid, 9)
    both.a.put("tree/d0/f0", "news")
    p.vrrpd.wait_problem("W53", 90)
    found = p.vrrpd.vipctl("doctor", timeout=20)
    assert "beta lacks what was written here more than 1m" in found.stdout
    both.b.start_sshd()
    gone(both.lab, p, "W53", 60)
