# SPDX-License-Identifier: ISC
"""
The observers.  Both sit in the switch, so no fault of a node blinds them.

Capture reads, on each node's port, what that node sends, with the kernel's
time stamps.  AddressWatch listens to the address notifications of all nodes
on ONE netlink socket (NETLINK_LISTEN_ALL_NSID): their order is the kernel's
own, so "never two holders" is decided by order and not by our clock.
"""

import ctypes
import select
import socket
import struct
import threading
from dataclasses import dataclass

from . import wire
from .netns import (NETLINK_LISTEN_ALL_NSID, SOL_NETLINK, assign_nsid,
                    in_netns, mono_ns, wall_to_mono_ns)

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23
SO_TIMESTAMPNS = 35
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
RTM_NEWADDR, RTM_DELADDR = 20, 21
RTMGRP_IPV4_IFADDR = 0x10

# ldh [12]; jeq 0x806 -> take; jne 0x800 -> drop; ldb [23]; jeq 112 -> take
FILTER = [(0x28, 0, 0, 12), (0x15, 3, 0, 0x806), (0x15, 0, 3, 0x800),
          (0x30, 0, 0, 23), (0x15, 0, 1, 112), (0x06, 0, 0, 0xffff),
          (0x06, 0, 0, 0)]


def attach(sock, program):
    raw = b"".join(struct.pack("=HBBI", *i) for i in program)
    buf = ctypes.create_string_buffer(raw)
    fprog = struct.pack("HL", len(program), ctypes.addressof(buf))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)


class Capture:
    """Adverts and ARP by the port they came in."""

    def __init__(self, lab):
        self.lab = lab
        self.adverts = []
        self.arps = []
        self.undecoded = []
        self.offset = wall_to_mono_ns()
        self.socks = {}
        self.lock = threading.Lock()
        self.wake_r, self.wake_w = socket.socketpair()
        self.ended = False
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def add_port(self, port):
        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            attach(s, FILTER)
            s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            s.bind((port, ETH_P_ALL))
            s.setblocking(False)
            return s
        s = in_netns(self.lab.switch.net, make)
        with self.lock:
            self.socks[s] = port
        self.wake_w.send(b"x")

    def drop_port(self, port):
        with self.lock:
            gone = [s for s, p in self.socks.items() if p == port]
            for s in gone:
                del self.socks[s]
        self.wake_w.send(b"x")
        return gone

    def _loop(self):
        while not self.ended:
            with self.lock:
                socks = dict(self.socks)
            ready, _, _ = select.select(list(socks) + [self.wake_r], [], [])
            for s in ready:
                if s is self.wake_r:
                    self.wake_r.recv(64)
                else:
                    self._drain(s, socks[s])
            self.lab.notify()

    def _drain(self, s, port):
        while True:
            try:
                frame, anc, _, _ = s.recvmsg(65536, 64)
            except BlockingIOError:
                return
            except OSError:        # the port went down; it may come back
                return
            ns = mono_ns()
            for level, kind, data in anc:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    sec, nsec = struct.unpack("qq", data[:16])
                    ns = sec * 10**9 + nsec + self.offset
            got = wire.decode(frame)
            if got is None:
                self.undecoded.append((ns, port, frame))
                continue
            got.ns, got.node = ns, port
            if isinstance(got, wire.Advert):
                self.adverts.append(got)
            else:
                self.arps.append(got)

    def close(self):
        self.ended = True
        self.wake_w.send(b"x")
        self.thread.join(timeout=5)
        for s in list(self.socks) + [self.wake_r, self.wake_w]:
            s.close()


@dataclass
class AddressEvent:
    ns: int
    node: str
    present: bool
    address: str
    valid: int            # seconds; 0xffffffff for ever
    changed: bool         # False: a renewal of what was there


class AddressWatch:
    def __init__(self, lab):
        self.lab = lab
        self.events = []
        self.present = {}            # (node, address) -> set of ifindex
        self.nodes = {}              # nsid -> node name
        self.next_id = 1
        self.ended = False
        self.lost = False

        def make():
            s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
            s.setsockopt(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1)
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            s.bind((0, RTMGRP_IPV4_IFADDR))
            return s
        self.sock = in_netns(lab.switch.net, make)
        self.wake_r, self.wake_w = socket.socketpair()
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def add_node(self, name, netns_fd):
        ask = in_netns(self.lab.switch.net, lambda: socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW, 0))
        nsid = self.next_id
        self.next_id += 1
        self.nodes[nsid] = name
        assign_nsid(ask, netns_fd, nsid)
        ask.close()
        return nsid

    def power_off(self, name):
        """The machine is gone, with all that its kernel held."""
        self.nodes = {i: n for i, n in self.nodes.items() if n != name}
        for (node, address), held in list(self.present.items()):
            if node == name and held:
                held.clear()
                self.events.append(AddressEvent(mono_ns(), node, False,
                                                address, 0, True))
        self.lab.notify()

    def _loop(self):
        while not self.ended:
            ready, _, _ = select.select([self.sock, self.wake_r], [], [])
            if self.sock not in ready:
                continue
            try:
                data, anc, _, _ = self.sock.recvmsg(65536, 64)
            except OSError:
                self.lost = True
                continue
            ns = mono_ns()
            nsid = None
            for level, kind, raw in anc:
                if level == SOL_NETLINK and kind == NETLINK_LISTEN_ALL_NSID:
                    nsid = struct.unpack("=i", raw[:4])[0]
            node = self.nodes.get(nsid)
            if node is not None:
                self._messages(ns, node, data)
                self.lab.notify()

    def _messages(self, ns, node, data):
        at = 0
        while at + 16 <= len(data):
            size, kind = struct.unpack_from("=IH", data, at)
            if size < 16:
                return
            if kind in (RTM_NEWADDR, RTM_DELADDR):
                self._address(ns, node, kind, data[at + 16:at + size])
            at += (size + 3) & ~3

    def _address(self, ns, node, kind, body):
        ifindex = struct.unpack_from("=I", body, 4)[0]
        at, local, valid = 8, None, 0xffffffff
        while at + 4 <= len(body):
            size, attr = struct.unpack_from("=HH", body, at)
            if size < 4:
                return
            if attr == 2:                               # IFA_LOCAL
                local = ".".join(str(b) for b in body[at + 4:at + 8])
            elif attr == 6:                             # IFA_CACHEINFO
                valid = struct.unpack_from("=II", body, at + 4)[1]
            at += (size + 3) & ~3
        if local is None:
            return
        held = self.present.setdefault((node, local), set())
        before = bool(held)
        if kind == RTM_NEWADDR:
            held.add(ifindex)
        else:
            held.discard(ifindex)
        self.events.append(AddressEvent(ns, node, bool(held), local, valid,
                                        bool(held) != before))

    def holders(self, address):
        return sorted(n for (n, a), held in list(self.present.items())
                      if a == address and held)

    def changes(self, address, since=0):
        return [e for e in list(self.events)
                if e.address == address and e.changed and e.ns >= since]

    def double(self, address, since=0):
        """[(from ns, to ns, holders)] where more than one kernel had it."""
        now, found, begun = set(), [], None
        for e in list(self.events):
            if e.address != address or not e.changed:
                continue
            (now.add if e.present else now.discard)(e.node)
            if len(now) > 1 and begun is None:
                begun = (e.ns, sorted(now))
            elif len(now) < 2 and begun is not None:
                if e.ns >= since:
                    found.append((begun[0], e.ns, begun[1]))
                begun = None
        if begun is not None:
            found.append((begun[0], mono_ns(), begun[1]))
        return found

    def close(self):
        self.ended = True
        self.wake_w.send(b"x")
        self.thread.join(timeout=5)
        for s in (self.sock, self.wake_r, self.wake_w):
            s.close()
