# SPDX-License-Identifier: ISC
"""
Each fault is made on a real pair; `vipctl doctor` names it by its id, with
the particulars, within ten seconds; what it says to do is done, word for word
where it is a command, and the id is gone.
"""

import json
import re
import time

import pytest
from lab import daemons, wire
from lab.daemons import KEY, Keepalived, Ucarp, Vrrpd, conf, secret_text
from lab.lab import ECHO_PORT, VIP
from lab.netns import mono_ns
from patient import Patient

GROUP = "224.0.0.18"


@pytest.fixture
def sick(pair, lab):
    """alpha, active, and well so far."""
    return Patient(pair.a)


@pytest.fixture
def standby(pair, lab):
    return Patient(pair.b)


def own_ids(p):
    """Of what doctor finds by itself: W34 may still be there at a start."""
    return [i for i in p.ids() if i not in ("W34", "W26")]


def test_well_on_both(pair, lab):
    since = mono_ns()
    for v in (pair.a, pair.b):
        p = Patient(v)
        out = p.doctor()
        assert out["daemon"] and out["node"] == v.name
        assert [x["id"] for x in out["problems"] if x["id"] != "W34"] == []
        assert out["checks"] >= 6
    text = pair.b.vipctl("doctor")
    assert "nothing is wrong" in text.stdout and text.returncode == 0
    # looking disturbs nobody
    assert not pair.a.pair()["problems"] or \
        [x["id"] for x in pair.a.pair()["problems"]] == ["W34"]
    assert lab.holders_of() == ["alpha"]
    assert not lab.adverts("beta", since)


def shut(node, hook, rule, policy="accept"):
    node.sh(f"nft -f - <<'E'\ntable inet filter {{\n chain {hook} {{\n"
            f"  type filter hook {hook} priority 0; policy {policy};\n"
            f"  {rule}\n }}\n}}\nE")


def do_fix(node, text):
    """The command in the printed fix, as an administrator pastes it."""
    command = re.search(r"nft insert rule .*? accept", text)[0]
    node.sh(command)


@pytest.mark.parametrize("hook, rule, policy", [
    ("input", "meta l4proto 112 drop", "accept"),
    ("input", "ip protocol 112 counter drop", "accept"),
    ("input", 'iifname "lo" accept', "drop"),
    ("output", "ip daddr 224.0.0.18 drop", "accept"),
    ("output", 'oifname "lo" accept', "drop"),
])
def test_firewall(standby, lab, hook, rule, policy):
    lab.may_double = True           # a deaf standby takes over
    assert "W70" not in standby.ids()
    shut(standby.node, hook, rule, policy)
    f = standby.names("W70")
    assert f"table inet filter, chain {hook}" in f["text"]
    assert ("come in" if hook == "input" else "leave") in f["text"]
    assert not f["fixable"]
    do_fix(standby.node, f["fix"])
    assert "W70" not in standby.ids()


def test_firewall_for_the_partner_only(standby):
    """A filter that knows its partner is right, and no reason to complain."""
    shut(standby.node, "input",
         'iifname "lo" accept; ip saddr 192.168.70.1 ip protocol 112 accept;',
         "drop")
    assert "W70" not in standby.ids()


def test_vhid_of_somebody_else(sick, lab):
    """Named, and a number proposed that nobody has: 95 is taken as well."""
    lab.may_double = True
    stranger = lab.stranger()
    Ucarp(stranger, password="another")
    sick.vrrpd.wait_problem("W22")
    body = wire.carp(95, "third", [VIP])
    stranger.flood([wire.advert_frame(stranger.mac, "192.168.70.67", body)],
                  rate=2, seconds=60)
    f = sick.names("W22")
    assert "192.168.70.66" in f["text"] and "vhid 94" in f["text"]
    assert "96 is free" in f["fix"]


def test_vhid_of_somebody_else_without_daemon(lab, users):
    Ucarp(lab.stranger(), password="another")
    v = Vrrpd(lab.alpha, start=False)
    v.configure()
    p = Patient(v)
    lab.wait_for(lambda: lab.adverts("attacker"), 10, "the stranger sends")
    f = p.names("W22")
    assert "192.168.70.66" in f["text"] and "95 is free" in f["fix"]
    assert p.code == 2              # C14


def test_carp_against_vrrp(sick, lab):
    lab.may_double = True
    Keepalived(lab.stranger(), version=2)
    sick.vrrpd.wait_problem("W23")
    f = sick.names("W23")
    assert "192.168.70.66" in f["text"] and "VRRP 2" in f["text"]
    assert "95 is free" in f["fix"]


@pytest.mark.parametrize("who", ["alpha", "beta"])
def test_stranger_has_the_address(pair, lab, who):
    """Also one that never said a word by itself."""
    lab.may_double = True
    stranger = lab.stranger()
    stranger.sh("sysctl -qw net.ipv4.conf.all.arp_notify=0")
    p = Patient(pair.of(who))
    assert "W21" not in p.ids()
    stranger.ip("addr", "add", VIP + "/32", "dev", "eth0")
    f = p.names("W21")
    assert stranger.mac in f["text"] and VIP in f["text"]
    stranger.ip("addr", "del", VIP + "/32", "dev", "eth0")
    lab.elapse(11)                  # the daemon remembers for ten seconds
    assert "W21" not in p.ids()


def networkd(node, more=""):
    index = json.loads(node.ip("-j", "link", "show", "eth0").stdout)[0][
        "ifindex"]
    node.write(f"/run/systemd/netif/links/{index}",
               "# private\nADMIN_STATE=configured\n"
               "NETWORK_FILE=/etc/systemd/network/10-lan.network\n")
    node.write("/etc/systemd/network/10-lan.network",
               "[Match]\nName=eth0\n[Network]\nAddress=192.168.70.1/24\n"
               + more)
    return index


def test_networkd_strips(sick):
    sick.own("/etc/systemd")
    index = networkd(sick.node)
    f = sick.names("W71")
    assert "systemd-networkd manages eth0" in f["text"] and f["fixable"]
    drop_in = re.search(r"into (\S+),", f["fix"])[1]
    # with --fix the same is done
    f = sick.names("W71", "--fix")
    assert f["fixed"] and sick.node.read(drop_in).count("\n") == 3
    assert "KeepConfiguration=yes" in sick.node.read(drop_in)
    assert own_ids(sick) == []
    sick.node.sh(f"rm {drop_in}")
    sick.names("W71")
    networkd(sick.node, "KeepConfiguration=yes\n")
    assert own_ids(sick) == []
    networkd(sick.node)
    sick.node.write(f"/run/systemd/netif/links/{index}",
                    "ADMIN_STATE=unmanaged\n")
    assert own_ids(sick) == []


def test_network_manager_strips(sick):
    index = json.loads(sick.node.ip("-j", "link", "show", "eth0")
                       .stdout)[0]["ifindex"]
    path = f"/run/NetworkManager/devices/{index}"
    sick.node.write(path, "[device]\nmanaged=true\n")
    f = sick.names("W71")
    assert "NetworkManager manages eth0" in f["text"] and not f["fixable"]
    assert "nmcli device set eth0 managed no" in f["fix"]
    sick.node.write(path, "[device]\nmanaged=false\n")
    assert own_ids(sick) == []


def test_static_address(sick):
    sick.own("/etc/network")
    path = "/etc/network/interfaces"
    sick.node.write(path, "# 192.168.70.222 is the virtual one\n"
                    "iface eth0 inet static\n  address 192.168.70.1/24\n"
                    "  gateway 192.168.70.22\n  dns 1192.168.70.222\n")
    assert own_ids(sick) == []
    sick.node.write(path, "iface eth0 inet static\n"
                    "  up ip addr add 192.168.70.222/24 dev eth0\n")
    f = sick.names("W72")
    assert f"{VIP} is configured in {path}, line 2" in f["text"]
    assert f"take {VIP} out of {path}, line 2" in f["fix"]
    sick.node.sh(f"sed -i 2d {path}")
    assert own_ids(sick) == []


def test_service_at_boot(lab, users):
    p = Patient(Vrrpd(lab.alpha, more='service "vpn-office.service" { }'))
    p.own("/etc/systemd")
    p.node.write("/etc/systemd/system/vpn-office.service",
                 "[Service]\nExecStart=/bin/true\n"
                 "[Install]\nWantedBy=multi-user.target\n")
    link = "/etc/systemd/system/multi-user.target.wants/vpn-office.service"
    ours = "/etc/systemd/system/vipair-active@vpn.target.wants"
    p.node.sh(f"mkdir -p {ours}; ln -s ../vpn-office.service {ours}/")
    assert "W73" not in p.ids()
    p.node.sh("systemctl enable vpn-office.service")
    f = p.names("W73")
    assert link in f["text"] and f["fixable"]
    p.node.sh(re.search(r"systemctl disable \S+\.service", f["fix"])[0])
    assert "W73" not in p.ids()
    p.node.sh("systemctl enable vpn-office.service")
    assert p.names("W73", "--fix")["fixed"]
    assert "W73" not in p.ids()


def test_service_not_on_the_address(lab, users):
    """It is up, but on another address of the node."""
    more = ('service exec {\n start "/bin/true"\n stop "/bin/true"\n'
            f' healthy when tcp port {ECHO_PORT}\n'
            ' check every 60s, give up after 3\n}')
    text = conf(more=more)
    v = Vrrpd(lab.alpha, text)
    v.wait_role("active")
    p = Patient(v)
    script = ("import socket,sys,time;s=socket.socket();"
              "s.setsockopt(1,2,1);s.bind((sys.argv[1],7007));s.listen();"
              "print('up',flush=True);time.sleep(99)")

    def listen(address):
        proc = lab.alpha.popen(["/usr/bin/python3", "-c", script, address],
                               name="service")
        lab.wait_for(lambda: proc.said("up"), 10, "it listens")
        return proc
    lab.wait_for(lambda: v.pair()["service"]["state"] in
                 ("running", "unhealthy"), 10, "the service is up")
    proc = listen("127.0.0.1")
    f = p.names("W74")
    assert "it listens on 127.0.0.1 port 7007" in f["text"]
    assert f"listen on {VIP}" in f["fix"]
    proc.stop()
    for good in (VIP, "0.0.0.0"):
        proc = listen(good)
        assert "W74" not in p.ids()
        proc.stop()
    assert "nobody listens on port 7007" in p.names("W74")["text"]


def test_clock(lab, users):
    """The partner's numbers are made from its clock; it has the secret, so
    its message has a good digest, as ours has."""
    p = Patient(Vrrpd(lab.alpha))
    p.vrrpd.wait_role("active")
    assert "W75" not in p.ids()
    late = int((time.time() - 90) * (1 << 32))
    body = bytes(lab.wait_for(lambda: lab.adverts("alpha"), 5,
                              "alpha sends")[0].message)
    frames = [wire.advert_frame(lab.beta.mac, lab.beta.address,
                                body + wire.own_trailer(
                                    body, lab.beta.address, 1, KEY,
                                    late + i, 1, 1, 1)) for i in range(50)]
    lab.beta.flood(frames, rate=5, seconds=20)
    f = p.names("W75")
    assert re.search(r"the clock of beta is 1m 3\ds behind", f["text"])


def test_cloud(sick):
    sick.own("/sys/class")
    sick.node.sh("mkdir -p /sys/class/dmi/id; cd /sys/class/dmi/id;"
                 "echo QEMU >sys_vendor; echo 'Standard PC' >product_name")
    assert own_ids(sick) == []
    sick.node.sh("echo 'Google Compute Engine' "
                 ">/sys/class/dmi/id/product_name")
    assert "Google Compute Engine" in sick.names("W78")["text"]


def test_no_daemon(lab, users):
    v = Vrrpd(lab.alpha, start=False)
    v.configure()
    p = Patient(v)
    f = p.names("C14")
    assert "nobody listens" in f["text"] and "start" in f["fix"]
    assert p.code == 2
    v.start()
    v.wait_role("active")
    assert "C14" not in p.ids()


def test_broken_configuration(sick):
    sick.node.write(daemons.CONF, conf().replace("vhid 94", "vhid 940"))
    f = sick.names("C15")
    assert "940" in f["text"] and sick.code == 2
    sick.node.write(daemons.CONF, conf())
    assert own_ids(sick) == []


def test_weak_sandbox(sick, lab):
    """A room that runs without its filter: here a stand-in for keeper."""
    keeper = f"{daemons.PREFIX}/libexec/vipair/keeper"
    sick.node.write("/run/lab/keeper", "#!/bin/sh\nwhile :; do sleep 1; "
                    "done\n", 0o755)
    sick.node.sh(f"mount --bind /run/lab/keeper {keeper}")
    old = sick.vrrpd.kill_room("keeper")
    sick.vrrpd.room("keeper", but=old)
    f = sick.names("W32")
    assert "the room keeper has no system call filter" in f["text"]
    assert "restart" in f["fix"]
    sick.node.sh(f"umount -l {keeper}")
    old = sick.vrrpd.kill_room("keeper")
    sick.vrrpd.room("keeper", but=old)
    lab.wait_for(lambda: "W32" not in sick.ids(), 20, "it has one again")


def test_only_one_id_and_words(sick):
    shut(sick.node, "input", "meta l4proto 112 drop")
    assert sick.ids("C02") == [] and sick.code == 0
    assert sick.ids("w70") == ["W70"] and sick.code == 1
    p = sick.vrrpd.vipctl("doctor")
    assert p.returncode == 1 and "W70  the packet filter" in p.stdout
    assert "\n     to do: " in p.stdout
    assert sick.vrrpd.vipctl("-q", "doctor").stdout == ""
    assert sick.vrrpd.vipctl("doctor", "X1").returncode == 3
    assert sick.vrrpd.vipctl("doctor", "C01", "C02").returncode == 64


def test_without_root(sick):
    p = sick.vrrpd.vipctl("doctor", user="nobody")
    assert p.returncode == 3
    assert "not looked at: network: listening needs root" in p.stdout
    p = sick.vrrpd.vipctl("doctor", "--fix", user="nobody")
    assert p.returncode == 77
