# SPDX-License-Identifier: ISC
"""Runs in a node: answers each datagram with the node's name, from the
address that was asked.  argv: name port."""

import socket
import sys

IP_PKTINFO = 8


def main():
    name, port = sys.argv[1].encode(), int(sys.argv[2])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    s.bind(("0.0.0.0", port))
    print("ready", flush=True)
    while True:
        data, anc, _, peer = s.recvmsg(64, 64)
        info = [d for lv, k, d in anc if lv == 0 and k == IP_PKTINFO]
        if not info:
            continue
        back = b"\0\0\0\0" + info[0][8:12] + b"\0\0\0\0"
        try:
            s.sendmsg([data[:8] + name], [(0, IP_PKTINFO, back)], 0, peer)
        except OSError:
            pass


if __name__ == "__main__":
    main()
