# SPDX-License-Identifier: ISC
"""
The laboratory itself: the decoder against published vectors and captures,
and real peers against each other, so that what the other suites see of
vrrpd can be trusted.
"""

import glob
import os
import struct

from lab import Frr, Keepalived, Lab, Ucarp, wire
from lab.daemons import TOP
from lab.lab import VIP, Probe
from lab.netns import mono_ns

SRC = "192.168.70.1"


def test_vectors_of_the_checklist():
    assert wire.vrrp2(94, 100, [VIP]).hex() == \
        "215e640100017318c0a846de0000000000000000"
    assert wire.vrrp2(94, 0, [VIP]).hex() == \
        "215e00010001d718c0a846de0000000000000000"
    assert wire.vrrp3(94, 100, [VIP], form=9568).hex() == \
        "315e6401006462b5c0a846de"
    assert wire.vrrp3(94, 100, [VIP], src=SRC).hex() == \
        "315e640100647b7cc0a846de"
    assert wire.carp(94, "secret", [VIP]).hex() == (
        "215e000700012e26000000000000000136"
        "27294fbeeb3e37b95bdd58de9cb3011a9710ef")
    assert wire.carp(94, "secret", [VIP], 255, 255, counter=2).hex() == (
        "215eff0700ff604f000000000000000294"
        "74e46acf49fcac32d1b4e3d73cc9ab5deb52ea")


def test_decoder_takes_what_the_encoder_makes():
    key = bytes(range(32))
    for body, kind in ((wire.carp(94, "secret", [VIP], 7), "carp"),
                       (wire.vrrp2(94, 100, [VIP]), "vrrp2"),
                       (wire.vrrp3(94, 100, [VIP], src=SRC), "vrrp3")):
        plain = wire.decode(wire.advert_frame("02:00:00:00:00:01", SRC, body))
        assert (plain.kind, plain.checksum, plain.trailer) == \
            (kind, "good", None)
        signed = body + wire.own_trailer(body, SRC, 1, key, 99, 7, 0, 4)
        a = wire.decode(wire.advert_frame("02:00:00:00:00:01", SRC, signed))
        assert (a.kind, a.trailer.term, a.trailer.seq) == (kind, 7, 99)
        assert a.trailer_ok(key) and not a.trailer_ok(key[::-1])
        for i in range(len(signed)):
            bad = bytearray(signed)
            bad[i] ^= 1
            b = wire.decode(wire.advert_frame("02:00:00:00:00:01", SRC,
                                              bytes(bad)))
            # the checksum field is not under the tag, nor is the filler
            # (under the sum instead)
            assert b is None or i in (6, 7) or not b.trailer_ok(key)
        if kind == "carp":
            assert wire.checksum(signed) == 0    # as a plain CARP reader sums


def test_lab_leaves_nothing():
    lab = Lab()
    lab.alpha.popen(["/bin/sleep", "1000"])
    pids = lab.alpha.pids() + [h.pid for h in lab.holders]
    assert len(pids) > len(lab.holders)
    assert lab.close() == []
    for pid in pids:
        assert not os.path.exists(f"/proc/{pid}")


def test_address_watch_sees_order_and_doubles(lab):
    lab.may_double = True
    lab.alpha.ip("addr", "add", VIP + "/32", "dev", "eth0")
    lab.wait_holder("alpha", 5)
    lab.beta.ip("addr", "add", VIP + "/32", "dev", "eth0")
    lab.wait_for(lambda: lab.holders_of() == ["alpha", "beta"], 5)
    lab.alpha.ip("addr", "del", VIP + "/32", "dev", "eth0")
    lab.wait_holder("beta", 5)
    assert len(lab.kernel.double(VIP)) == 1
    lab.beta.ip("addr", "change", VIP + "/32", "dev", "eth0", "valid_lft",
                "2", "preferred_lft", "2")
    lab.wait_nobody(5)                     # the lease lapses by itself
    lab.alpha.ip("addr", "add", VIP + "/32", "dev", "eth0")
    lab.wait_holder("alpha", 5)
    lab.alpha.unplug()                     # and so does the card's end
    lab.wait_nobody(5)


def test_probe_cut_freeze_power(lab):
    lab.alpha.ip("addr", "add", VIP + "/32", "dev", "eth0")
    probe = Probe(lab, lab.client)
    probe.wait_answer("alpha", 5)
    t = mono_ns()
    rules = lab.cut(lab.alpha)
    lab.elapse(0.5)
    lab.heal()
    probe.wait_answer("alpha", 5, mono_ns())
    gap, _ = probe.gap(t)
    assert rules and 400 < gap < 2500
    assert [m for _, m in probe.macs()][-1] == "alpha"
    lab.alpha.freeze(but=())
    t = mono_ns()
    # the processes are stopped, the kernel goes on answering ARP
    lab.wait_for(lambda: len(probe.macs(t)) > 5, 5)
    assert not probe.answers(t + 100_000_000)
    lab.alpha.thaw()
    probe.wait_answer("alpha", 5, mono_ns())
    lab.alpha.power_off()
    lab.wait_nobody(2)
    lab.alpha.power_on()
    assert not lab.alpha.has(VIP) and lab.alpha.has(lab.alpha.address)


def test_loss_is_one_way(lab):
    lab.beta.ip("addr", "add", VIP + "/32", "dev", "eth0")
    lab.lose(lab.alpha, lab.beta)
    assert lab.alpha.run("ping", "-c1", "-W1", lab.client.address)
    p = lab.alpha.run("ping", "-c1", "-W1", lab.beta.address, check=False)
    assert p.returncode != 0
    lab.heal()
    lab.alpha.run("ping", "-c1", "-W3", lab.beta.address)


def test_ucarp_pair(lab):
    lab.may_double = True
    a, b = Ucarp(lab.alpha), Ucarp(lab.beta, skew=50)
    lab.wait_holder("alpha", 15)
    adv = lab.wait_for(lambda: lab.adverts("alpha"), 5)[0]
    assert adv.kind == "carp" and adv.checksum == "good"
    assert adv.carp_ok("secret", [VIP]) and not adv.carp_ok("Secret", [VIP])
    a.stop()
    lab.wait_holder("beta", 15)
    lab.wait_for(lambda: lab.announcements("beta"), 5)
    assert b.proc.running


def test_keepalived_pair(lab):
    lab.may_double = True
    a = Keepalived(lab.alpha, 2, 200)
    b = Keepalived(lab.beta, 2, 100)
    lab.wait_holder("alpha", 15)
    adv = lab.wait_for(lambda: lab.adverts("alpha"), 5)[0]
    assert (adv.kind, adv.checksum, adv.priority) == ("vrrp2", "good", 200)
    a.stop()
    lab.wait_holder("beta", 15)
    assert [x for x in lab.adverts("alpha") if x.resigns]
    assert b.proc.running


def test_frr_pair(lab):
    lab.may_double = True
    a = Frr(lab.alpha, 3, 200)
    Frr(lab.beta, 3, 100)
    adv = lab.wait_for(lambda: lab.adverts("alpha"), 15)[0]
    assert (adv.kind, adv.checksum, adv.priority) == ("vrrp3", "good", 200)
    since = mono_ns()
    a.stop()
    lab.wait_for(lambda: lab.adverts("beta", since), 15)


def test_golden_captures_decode():
    """Every IPv4 advert that real programs sent has a good checksum, a good
    digest and a good tag for this decoder, too."""
    kinds = {}
    paths = sorted(glob.glob(os.path.join(TOP, "tests", "unit", "captures",
                                          "**", "*.pcap"), recursive=True))
    for path in paths:
        with open(path, "rb") as f:
            raw = f.read()
        order = "<" if raw[0] in (0x4d, 0xd4) else ">"
        at = 24
        while at + 16 <= len(raw):
            size = struct.unpack_from(order + "I", raw, at + 8)[0]
            frame = raw[at + 16:at + 16 + size]
            at += 16 + size
            if frame[12:14] != b"\x08\x00" or frame[23] != 112:
                continue
            a = wire.decode(frame)
            assert a is not None and a.checksum == "good", path
            if "auth-hmac" in path:
                assert a.trailer_ok(bytes(range(32))), path
            else:
                assert a.trailer is None, path
            kinds[a.kind] = kinds.get(a.kind, 0) + 1
    assert set(kinds) == {"carp", "vrrp2", "vrrp3"}, kinds
