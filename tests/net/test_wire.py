# SPDX-License-Identifier: ISC
"""What leaves a node, as a listener reads it who was given the protocol
documents; numbers are those of the protocol checklist."""

import subprocess
import struct

import pytest

from lab import wire
from lab.daemons import KEY, secret_text
from lab.lab import VHID, VIP
from lab.netns import mono_ns
from lab.pair import Pair

PROTOCOLS = ["carp", "vrrp 2", "vrrp 3"]


def kind(protocol):
    return protocol.replace(" ", "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_adverts(lab, users, protocol):
    p = Pair(lab, start=False, protocol=protocol)
    t = mono_ns()
    p.a.start()
    up = lab.wait_holder("alpha", 10)
    p.b.start()
    lab.wait_for(lambda: len(lab.adverts("alpha", up)) >= 4, 6)
    seen = lab.adverts(since=t)
    # 3.2: silent for the whole down interval
    assert (seen[0].ns - t) / 1e9 > 2.9
    # claim before hold: three before the address, and one right before it
    before = [a for a in seen if a.ns < up]
    assert len(before) >= 4 and before[0].soft and before[1].soft
    assert not before[2].soft
    assert not lab.adverts("beta")
    for a in seen:
        assert a.kind == kind(protocol)
        assert (a.ttl, a.dst, a.src, a.vhid) == (
            255, wire.GROUP, lab.alpha.address, VHID)      # 2.1 2.4 2.5
        assert a.checksum in ("good", "good-9568")
        assert a.trailer_ok(KEY)
        assert a.interval == pytest.approx(1.0, abs=0.01)
        assert a.tos == (0x10 if protocol == "carp" else 0xc0)
        if protocol != "carp":
            assert a.addresses == [VIP] and 0 < a.priority < 255
            assert a.auth_type == 0
    # the numbers of the trailer only grow
    seqs = [a.trailer.seq for a in seen]
    assert seqs == sorted(set(seqs))
    assert seen[-1].trailer.term > 0
    # 6.1, 6.5: announced after the address is there, and again (6.7)
    told = lab.wait_for(lambda: [a for a in lab.announcements("alpha")
                                 if a.ns > up + 0.9e9], 5)
    first = lab.announcements("alpha")[0]
    assert first.ns > before[-1].ns and first.sha == lab.alpha.mac
    assert {a.op for a in lab.announcements("alpha")} == {1, 2} and told
    # 3.14 resignation of this protocol
    p.a.stop()
    last = lab.last_words("alpha", t)
    assert last.trailer_ok(KEY) and last.trailer.flags & wire.GO_NOW
    lab.wait_holder("beta", 5)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_takeover_time(lab, users, protocol):
    """4.1, 4.2, 5.3: three intervals and the skew after the last advert."""
    p = Pair(lab, protocol=protocol)
    lab.alpha.power_off()
    p.takeover(f"{protocol}: power lost")


def test_tcpdump_and_tshark_agree(lab, users):
    """Other people's decoders find no fault with any of the three."""
    frames = {}
    for protocol in PROTOCOLS:
        p = Pair(lab, start=False, protocol=protocol)
        since = mono_ns()
        p.a.start()
        lab.wait_holder("alpha", 10)
        frames[protocol] = lab.adverts("alpha", since)[-1].frame
        p.a.stop()
    path = lab.dir + "/adverts.pcap"
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for fr in frames.values():
            f.write(struct.pack("<IIII", 0, 0, len(fr), len(fr)) + fr)
    out = subprocess.run(["tcpdump", "-nvvr", path], text=True,
                         capture_output=True).stdout
    assert "bad vrrp cksum" not in out and "bad carp cksum" not in out, out
    out = subprocess.run(
        ["tshark", "-r", path, "-V", "-o", "vrrp.checksum:TRUE"], text=True,
        capture_output=True).stdout
    assert "incorrect" not in out.lower(), out


def test_plain_without_keys(lab, users):
    """No key, no trailer; the pair works by the protocol's own ranks."""
    lab.may_double = True       # no go-now, no epoch: weaker promises
    p = Pair(lab, secret=False, protocol="vrrp 3")
    assert all(a.trailer is None for a in lab.adverts())
    p.a.wait_problem("W26", 5)
    p.a.stop()
    lab.wait_holder("beta", 5)


def test_carp_passphrase_digest(lab, users):
    """5.5: as ucarp computes it, with the trailer behind the 36 bytes and
    the sum of both still right for a plain listener."""
    Pair(lab, secret_text=secret_text(carp="OpenVPN-94"))
    a = lab.adverts("alpha")[-1]
    assert a.carp_ok("OpenVPN-94", [VIP])
    assert a.trailer_ok(KEY)
    assert wire.checksum(a.frame[34:34 + 36 + 36]) == 0


def test_jitter(lab, users):
    """3.10: no drift over many periods."""
    p = Pair(lab)
    since = mono_ns()
    lab.wait_for(lambda: len(lab.adverts("alpha", since)) >= 9, 15)
    pace = p.pace("alpha", since)
    lab.measure("spacing of adverts: worst deviation",
                max(abs(x - 1) for x in pace) * 1e3)
    assert abs(sum(pace) / len(pace) - 1) < 0.02


def test_short_master_of_a_higher_rank_is_not_preempted(lab, users):
    """3.6: a standby of better rank listens to a worse active."""
    p = Pair(lab, start=False)
    p.b.start()
    lab.wait_holder("beta", 10)
    p.a.start()
    lab.elapse(5)
    assert lab.holders_of() == ["beta"] and not lab.adverts("alpha")
