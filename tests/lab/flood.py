# SPDX-License-Identifier: ISC
"""
Runs in an attacker: sends the frames of a file (each with a 16-bit length
before it) in turn, at a rate, for a time, with sendmmsg.  Bounded by both.
argv: interface file rate seconds.
"""

import ctypes
import socket
import struct
import sys
import time

BATCH = 250


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32),
                ("iov", ctypes.POINTER(Iovec)), ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_void_p),
                ("controllen", ctypes.c_size_t), ("flags", ctypes.c_int)]


class Mmsghdr(ctypes.Structure):
    _fields_ = [("hdr", Msghdr), ("len", ctypes.c_uint)]


def load(path):
    frames, raw, at = [], open(path, "rb").read(), 0
    while at + 2 <= len(raw):
        size = struct.unpack_from("!H", raw, at)[0]
        frames.append(raw[at + 2:at + 2 + size])
        at += 2 + size
    return frames


def main():
    dev, path = sys.argv[1:3]
    rate, seconds = int(sys.argv[3]), float(sys.argv[4])
    frames = load(path)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((dev, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    keep = [ctypes.create_string_buffer(f, len(f)) for f in frames]
    iov = (Iovec * len(frames))()
    msgs = (Mmsghdr * len(frames))()
    for i, buf in enumerate(keep):
        iov[i] = Iovec(ctypes.addressof(buf), len(frames[i]))
        msgs[i].hdr.iov = ctypes.pointer(iov[i])
        msgs[i].hdr.iovlen = 1
    batch = min(BATCH, len(frames), max(1, rate // 100))
    begin, sent, at = time.monotonic(), 0, 0
    while time.monotonic() - begin < seconds and sent < rate * seconds:
        n = min(batch, len(frames) - at)
        done = libc.sendmmsg(s.fileno(), ctypes.byref(msgs[at]), n, 0)
        sent += max(done, 0)
        at = (at + n) % len(frames)
        ahead = sent / rate - (time.monotonic() - begin)
        if ahead > 0:
            time.sleep(ahead)
    took = time.monotonic() - begin
    print(f"sent {sent} in {took:.2f}", flush=True)


if __name__ == "__main__":
    main()
