# SPDX-License-Identifier: ISC
"""
The partner, played by the tests: frames written from the description in
frame.h, manifests by hand, and a receiver started as sshd would start it.
Shares no code with the C sources.
"""

import hashlib
import os
import pwd
import select
import shutil
import struct
import subprocess
import tempfile
import time

from ship_pair import find, make_accounts

(HELLO, WELCOME, HAVE, WANT, PUT, PART, RUN, COMMIT, ACK, NAK, FORK, RESET,
 PING, PONG, ASK) = range(1, 16)
(MISSING, SPACE, HASH, STALE, DUAL, FORKED, ABSURD, REFUSED, BUSY, ERROR,
 PAIR, VERSION, PROTOCOL) = range(1, 14)
ZERO = bytes(32)


def frame(kind, body=b""):
    return b"vS" + struct.pack("!BBI", kind, 0, len(body)) + body


def epoch(term=1, node=0):
    return struct.pack("!II", term, node)


def position(term=0, node=0, generation=0, head=ZERO):
    return epoch(term, node) + struct.pack("!Q", generation) + head


def hello(term=1, node=0, writes=1, pair=b"vpn", protocol=1, at=None,
          history=()):
    return frame(HELLO, struct.pack("!HBB", protocol, writes, 0)
                 + pair.ljust(32, b"\0") + epoch(term, node)
                 + (at or position()) + bytes(8)
                 + struct.pack("!H", len(history)) + b"".join(history))


def item(term, node, first, parent):
    return epoch(term, node) + struct.pack("!Q", first) + parent


def put(data, name=None, bulk=0):
    return frame(PUT, struct.pack("!BBH", bulk, 0, 0)
                 + (name or hashlib.sha256(data).digest()) + data)


def part(text, last=1, jump=0):
    return frame(PART, struct.pack("!BBH", last, jump, 0) + text)


def have(cursor=0):
    return frame(HAVE, struct.pack("!Q", cursor))


def commit(generation, previous, head, term=1, node=0):
    return frame(COMMIT, epoch(term, node) + struct.pack("!Q", generation)
                 + previous + head)


def word(kind=PING, serial=1, role=1, flags=0, term=0, node=0, age=0):
    return frame(kind, struct.pack("!IBBH", serial, role, flags, 0)
                 + epoch(term, node) + struct.pack("!I", age) + position())


def manifest(lines, generation=1, previous=ZERO, term=1, node=0, kind="full",
             entries=None, size=None, pair="vpn", count=None):
    """Text and head; entries and bytes as the lines have them."""
    if entries is None:
        entries = len(lines)
    if size is None:
        size = sum(int(ln.split()[6]) for ln in lines
                   if ln.lstrip("+")[0] in "fq")
    text = "".join(f"{k} {v}\n" for k, v in (
        ("vipair manifest", 1), ("pair", pair), ("term", term),
        ("node", node), ("generation", generation),
        ("previous", previous.hex()), ("time", 1700000000000000000),
        ("kind", kind), ("entries", entries), ("bytes", size),
        ("lines", len(lines) if count is None else count)))
    text = (text + "".join(ln + "\n" for ln in lines)).encode()
    return text, hashlib.sha256(previous + text).digest()


def file_line(path, data, name=None, size=None, mode="0644"):
    digest = name or hashlib.sha256(data).hexdigest()
    return (f"f {mode} 0 0 - - {len(data) if size is None else size} 1 "
            f"{digest} 0 - {path}")


class Store:
    """A store directory for one receiver, away from everything."""

    def __init__(self, where=None):
        make_accounts()
        self.dir = where or tempfile.mkdtemp(prefix="vipair-receiver-")
        os.chmod(self.dir, 0o755)
        self.path = os.path.join(self.dir, "store")
        self.run = os.path.join(self.dir, "run")
        d = pwd.getpwnam("_syncd")
        for p in (self.path, self.run):
            os.mkdir(p)
            os.chown(p, d.pw_uid, d.pw_gid)
            os.chmod(p, 0o2770)
        self.say(role=1)

    def argv(self, strace=()):
        return ["/usr/bin/setpriv", "--reuid", "_syncr", "--regid", "_syncd",
                "--clear-groups", "--", *strace, find("receiver"), "vpn",
                self.path, self.run]

    def start(self, command="channel", **kw):
        # locked in, a leak checker cannot look at itself
        env = {"PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"}
        if command is not None:
            env["SSH_ORIGINAL_COMMAND"] = command
        return Receiver(subprocess.Popen(
            self.argv(**kw), env=env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE))

    def files(self, *parts):
        found = []
        for d, _, names in os.walk(os.path.join(self.path, *parts)):
            found += [os.path.join(d, n) for n in names]
        return sorted(found)

    def objects(self):
        """Names of all that counts as an object, durable or not yet."""
        return {os.path.basename(f)
                for f in self.files("objects") + self.files("staged")}

    def say(self, role, term=1, node=0, advert=0, quota=0, may=None):
        """The mirror's word for the receiver; may: it may write."""
        may = role != 2 if may is None else may
        text = (struct.pack("!QQQ", advert, quota, may)
                + word(PONG, 0, role, 3, term, node))
        temp = os.path.join(self.run, "vpn.word.new")
        with open(temp, "wb") as f:
            f.write(text)
        os.rename(temp, os.path.join(self.run, "vpn.word"))

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Receiver:
    def __init__(self, popen):
        self.popen, self.buf = popen, b""
        os.set_blocking(popen.stdout.fileno(), False)

    def send(self, *frames):
        try:
            self.popen.stdin.write(b"".join(frames))
            self.popen.stdin.flush()
        except BrokenPipeError:
            pass
        return self

    def hear(self, timeout=10.0, words=False):
        """The next frame (kind, body); (0, b"") at the end of file."""
        end = time.monotonic() + timeout
        while True:
            if len(self.buf) >= 8:
                assert self.buf[:2] == b"vS", self.buf[:80]
                n = struct.unpack("!I", self.buf[4:8])[0]
                if len(self.buf) >= 8 + n:
                    kind, body = self.buf[2], self.buf[8:8 + n]
                    self.buf = self.buf[8 + n:]
                    if kind == PONG and not words:
                        continue
                    return kind, body
            left = end - time.monotonic()
            assert left > 0, "no answer"
            if not select.select([self.popen.stdout], [], [], left)[0]:
                continue
            more = os.read(self.popen.stdout.fileno(), 1 << 16)
            if not more:
                return 0, b""
            self.buf += more

    def welcome(self, *args, **kw):
        self.send(hello(*args, **kw))
        kind, body = self.hear()
        assert kind == WELCOME, (kind, body[:2])
        return body

    def nak(self):
        """The reason."""
        kind, body = self.hear()
        assert kind == NAK, kind
        return struct.unpack("!H", body[:2])[0]

    def ack(self):
        """(generation, head)."""
        kind, body = self.hear()
        assert kind == ACK, (kind, body[:2])
        return struct.unpack("!Q", body[8:16])[0], body[16:48]

    def ends(self, timeout=10):
        """Exit status once its input is closed."""
        try:
            self.popen.stdin.close()
        except BrokenPipeError:
            pass
        code = self.popen.wait(timeout)
        self.popen.stdout.close()
        self.popen.stderr.close()
        return code

    def kill(self):
        self.popen.kill()
        self.popen.wait(10)
