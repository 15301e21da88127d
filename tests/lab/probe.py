# SPDX-License-Identifier: ISC
"""
Runs in the client: asks the virtual address again and again, by UDP (the
node's echo server says its name) and by ARP (the node's kernel says its
MAC), and prints one line for each answer: "U monotonic-ns name" and
"A monotonic-ns mac".  argv: address own-address interface port period_ms
arp_period_ms.
"""

import errno
import select
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35


def offset():
    a = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return a - time.clock_gettime_ns(time.CLOCK_REALTIME)


def stamp(anc, off):
    for level, kind, data in anc:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            sec, nsec = struct.unpack("qq", data[:16])
            return sec * 10**9 + nsec + off
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def ask_udp(udp, target, seq):
    try:
        udp.sendto(struct.pack("!Q", seq), target)
    except OSError as e:
        # what a client gets while nobody answers ARP, or its own queue
        if e.errno not in (errno.EHOSTUNREACH, errno.ECONNREFUSED,
                           errno.EAGAIN, errno.ENOBUFS, errno.ENETUNREACH,
                           errno.ENETDOWN):
            raise


def main():
    vip, own, dev = sys.argv[1:4]
    port, period, arp_period = (int(x) for x in sys.argv[4:7])
    off = offset()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                        socket.htons(0x0806))
    arp.bind((dev, 0x0806))
    for s in (udp, arp):
        s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        s.setblocking(False)
    mac = arp.getsockname()[4]
    vip_raw = socket.inet_aton(vip)
    question = b"\xff" * 6 + mac + b"\x08\x06" + struct.pack(
        "!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, mac, socket.inet_aton(own),
        b"\0" * 6, vip_raw)
    print("ready", flush=True)
    seq, next_udp, next_arp = 0, time.monotonic(), time.monotonic()
    while True:
        now = time.monotonic()
        if now >= next_udp:
            seq += 1
            ask_udp(udp, (vip, port), seq)
            next_udp = max(next_udp + period / 1000, now)
        if arp_period and now >= next_arp:
            try:
                arp.send(question)
            except OSError:
                pass
            next_arp = max(next_arp + arp_period / 1000, now)
        until = min(next_udp, next_arp) if arp_period else next_udp
        ready, _, _ = select.select([udp, arp], [], [],
                                    max(0, until - time.monotonic()))
        out = []
        for s in ready:
            try:
                while True:
                    data, anc, _, _ = s.recvmsg(256, 64)
                    ns = stamp(anc, off)
                    if s is udp:
                        out.append(f"U {ns} {data[8:].decode()}")
                    elif data[20:22] == b"\0\2" and data[28:32] == vip_raw:
                        out.append(f"A {ns} " + data[22:28].hex(":"))
            except BlockingIOError:
                pass
            except OSError:
                pass
        if out:
            print("\n".join(out), flush=True)


if __name__ == "__main__":
    main()
