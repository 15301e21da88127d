#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What judges that are not ours say of the packets we encode.

argv[1] writes a capture: CARP, VRRPv2, VRRPv3 in IPv4 and IPv6, plain and
then with our trailer; ARP request and reply form, neighbour advertisement.
tcpdump and tshark must find every checksum right, and must find it wrong
once a byte is changed: a judge that never complains proves nothing.
"""
import re
import shutil
import subprocess
import sys
import tempfile

KINDS = ["CARP", "VRRPv2", "VRRPv3/IPv4", "VRRPv3/IPv6"]
TRAILERS = ["plain", "signed"]
NADVERTS = len(KINDS) * len(TRAILERS)
TRAILER_LEN = 36


def run(*argv):
    done = subprocess.run(argv, check=True, text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout


def tcpdump(path, *options):
    """One text per packet: it begins in column 0, the rest is indented."""
    text = run("tcpdump", "-vvv", "-nn", "-t", "-r", path, *options)
    return re.split(r"\n(?=\S)", text.rstrip("\n"))


def tshark(path, kind):
    """Checksum status per frame of one dissector: 1 good, 0 bad."""
    text = run("tshark", "-r", path, "-T", "fields", "-E", "occurrence=f",
               "-d", f"ip.proto==112,{kind}", "-o",
               "ip.check_checksum:TRUE",
               "-e", "ip.checksum.status", "-e", f"{kind}.checksum.status",
               "-e", "icmpv6.checksum.status", "-e", "_ws.malformed")
    return [line.split("\t") for line in text.splitlines()]


def damaged(path, other):
    """The same capture with the last byte of each frame changed."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at = 24
    while at < len(data):
        length = int.from_bytes(data[at + 8:at + 12], "little")
        at += 16 + length
        data[at - 1] ^= 0x55
    with open(other, "wb") as f:
        f.write(data)


def check(what, good):
    print("ok  " if good else "FAIL", what)
    return good


def judge_tcpdump(good, bad):
    ok = True
    names = [f"{k} {t}" for t in TRAILERS for k in KINDS]
    for path, want in (good, False), (bad, True):
        word = "wrong" if want else "right"
        vrrp = tcpdump(path)
        carp = tcpdump(path, "-T", "carp")
        for i, name in enumerate(names):
            # CARP is VRRPv2 to a tcpdump that was not told.
            texts = [vrrp[i]] + ([carp[i]] if name.startswith("CARP") else [])
            for text in texts:
                complains = "bad" in text and "cksum" in text
                ok &= check(f"tcpdump: {name} is {word}", complains == want)
        if not want:
            ok &= check("tcpdump -T carp: names CARP, skew and base",
                        "CARPv2" in carp[0] and "advskew=100" in carp[0]
                        and "advbase=1" in carp[0])
            ok &= check("tcpdump: VRRPv2 prio 100",
                        "VRRPv2" in vrrp[1] and "prio 100" in vrrp[1])
            ok &= check("tcpdump: VRRPv3 intvl 100cs",
                        "VRRPv3" in vrrp[2] and "intvl 100cs" in vrrp[2])
            ok &= check("tcpdump: ARP request for our address",
                        "who-has 192.168.70.222" in vrrp[NADVERTS])
            ok &= check("tcpdump: ARP reply for our address",
                        "Reply 192.168.70.222 is-at 02:94:00:00:00:01"
                        in vrrp[NADVERTS + 1])
            ok &= check("tcpdump: neighbour advertisement overrides",
                        "tgt is 2001:db8::2" in vrrp[NADVERTS + 2]
                        and "[icmp6 sum ok]" in vrrp[NADVERTS + 2]
                        and "override" in vrrp[NADVERTS + 2])
    return ok


def judge_tshark(good, bad):
    ok = True
    for path, want in (good, "1"), (bad, "0"):
        for kind in "vrrp", "carp":
            frames = tshark(path, kind)
            for i in range(NADVERTS):
                name = KINDS[i % len(KINDS)]
                if (kind == "carp") != (name == "CARP"):
                    continue
                # tshark sums CARP's 36 bytes only: a damaged trailer
                # behind them is none of its business.
                if kind == "carp" and want == "0" and i >= len(KINDS):
                    continue
                ip_status, status, _, malformed = frames[i]
                word = "right" if want == "1" else "wrong"
                ok &= check(f"tshark: {name} "
                            f"{TRAILERS[i // len(KINDS)]} is {word}",
                            status == want and malformed == "")
                if not name.endswith("IPv6"):
                    ok &= check("tshark: IPv4 header", ip_status == "1")
        ok &= check("tshark: neighbour advertisement",
                    frames[NADVERTS + 2][2] == want)
    return ok


def main(frames):
    if shutil.which("tcpdump") is None or shutil.which("tshark") is None:
        print("skipped: tcpdump and tshark are needed")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        good, bad = directory + "/good.pcap", directory + "/bad.pcap"
        subprocess.run([frames, good], check=True, timeout=60)
        damaged(good, bad)
        ok = judge_tcpdump(good, bad)
        ok &= judge_tshark(good, bad)
    return 0 if ok else 1


sys.exit(main(sys.argv[1]))
