# SPDX-License-Identifier: ISC
"""
A partner that lies: runs in the receiver's place, as sshd's forced command.
argv: the lie.  Reads frames only as far as it must to be believed at first.
"""

import os
import struct
import sys
import time

HELLO, WELCOME, HAVE, WANT, PUT, PART, RUN, COMMIT, ACK, NAK = range(1, 11)
PONG = 14
ZERO = bytes(32)


def frame(kind, body=b""):
    return b"vS" + struct.pack("!BBI", kind, 0, len(body)) + body


def say(data):
    try:
        while data:
            data = data[os.write(1, data):]
    except BrokenPipeError:
        sys.exit()


def exactly(n):
    data = b""
    while len(data) < n:
        more = os.read(0, n - len(data))
        if not more:
            sys.exit()
        data += more
    return data


def hear(*kinds):
    """The next frame of these kinds."""
    while True:
        head = exactly(8)
        body = exactly(struct.unpack("!I", head[4:])[0])
        if head[2] in kinds:
            return body


def position(generation=0, head=ZERO, term=0):
    return struct.pack("!IIQ", term, 0, generation) + head


def welcome(at=position(), pair=b"vpn", protocol=1, history=b"", n=0,
            term=1):
    return frame(WELCOME, struct.pack("!HBB", protocol, 0, 0)
                 + pair.ljust(32, b"\0") + struct.pack("!II", term, 0) + at
                 + struct.pack("!QH", 1 << 40, n) + history)


def want(cursor, hashes):
    return frame(WANT, struct.pack("!QI", cursor, len(hashes))
                 + b"".join(hashes))


def nak(reason, term=1):
    return frame(NAK, struct.pack("!HHII", reason, 0, term, 0) + position())


def word(term):
    return frame(PONG, struct.pack("!IBBHII", 0, 2, 3, 0, term, 0)
                 + bytes(4) + position())


def items(*rows):
    return b"".join(struct.pack("!IIQ", t, 0, f) + h for t, f, h in rows)


def lie(what):
    if what == "banner":
        say(b"Welcome to Debian!\n" * 100)
        time.sleep(100)
    if what == "random":
        say(os.urandom(1 << 20))
    if what == "nothing":
        time.sleep(100)
    if what == "end":
        sys.exit(0)
    hear(HELLO)
    if what.startswith("nak"):
        say(nak(int(what[3:])))
        time.sleep(100)
    if what == "absurd stale":
        say(nak(4, 0x7ffffff0))
        time.sleep(100)
    bad = {"other pair": welcome(pair=b"other"),
           "protocol": welcome(protocol=9),
           "history": welcome(n=2, history=items((5, 9, ZERO),
                                                 (1, 2, ZERO)))}
    while what in bad:
        say(bad[what])
        hear(HELLO)
    if what == "count":
        say(welcome(n=500))
    if what == "far ahead":
        while True:
            say(welcome(at=position(2**64 - 1, b"\1" * 32, 1)))
            if len(hear(HELLO, 11, 12)) < 80:
                say(frame(ACK, position(2**64 - 1, b"\1" * 32, 1)))
    if what == "ack at once":
        say(welcome() + frame(ACK, position(1, ZERO, 1)))
    say(welcome())
    if what == "absurd word":
        say(word(0x7ffffff0) * 10)
        time.sleep(100)
    if what == "flood":
        while True:
            say(word(1) * 1000)
    if what == "never reads":
        while True:
            say(word(1))
            time.sleep(0.5)
    if what == "wrong ack":
        hear(COMMIT)
        say(frame(ACK, position(1, b"\7" * 32, 1)))
    if what == "missing for ever":
        while True:
            if len(hear(COMMIT, HAVE, HELLO)) > 80:
                say(welcome())
            say(nak(1))
    hear(HAVE)
    if what == "foreign":
        say(want(0, [b"\5" * 32]))
    if what == "endless":
        while True:
            say(want(7, [b"\5" * 32] * 4096))
    if what == "circles":
        while True:
            say(want(7, []))
            hear(HAVE)
    time.sleep(100)


lie(sys.argv[1])
