# SPDX-License-Identifier: ISC
"""
The receiver against a partner that lies, and a key holder with a shell.
Every refusal is looked at on the disk as well: nothing outside the store, and
nothing in it that does not verify.
"""

import hashlib
import os
import random
import struct
import subprocess

import pytest

from receiver_kit import (
    ABSURD, ASK, BUSY, DUAL, FORKED, HASH, MISSING, NAK, PAIR, PONG,
    PROTOCOL, REFUSED, STALE, VERSION, WANT, WELCOME, ZERO, Store, commit,
    epoch, file_line,
    frame, have, hello, item, manifest, part, position, put, word)
import receiver_kit as kit


@pytest.fixture
def store():
    s = Store()
    yield s
    s.close()


@pytest.fixture
def receiver(store):
    r = store.start()
    yield r
    r.kill()


def one(data=b"hello", path="a", **kw):
    """A first generation of one file: frames and head."""
    text, head = manifest([file_line(path, data)], **kw)
    return [put(data), part(text), commit(1, ZERO, head)], head


# -- what a key holder may say

@pytest.mark.parametrize("command", [
    None, "", "channel ", " channel", "channel;id", "channel\n", "Channel",
    "rsync --server --sender . /", "rsync --server -logDtpr . /", "rsync .",
    "cat /etc/passwd", "sh", "internal-sftp", "scp -t /tmp", "x" * 100000])
def test_other_commands_are_refused(store, command):
    r = store.start(command)
    out, err = r.popen.communicate(timeout=10)
    assert r.popen.returncode == 1
    assert out == b""
    assert err.count(b"\n") == 1 and b"this key is for vipair only" in err
    assert store.files() == []


def test_root_is_refused(store):
    p = subprocess.run(
        [kit.find("receiver"), "vpn", store.path, store.run],
        env={"SSH_ORIGINAL_COMMAND": "channel"}, capture_output=True)
    assert p.returncode == 1 and b"root" in p.stderr


def test_wrong_arguments(store):
    for extra in ([], ["more"]):
        argv = store.argv()[:-1] if not extra else store.argv() + extra
        p = subprocess.run(argv, env={"SSH_ORIGINAL_COMMAND": "channel"},
                           capture_output=True)
        assert p.returncode == 1 and p.stdout == b""


# -- good partner

def test_commit_is_durable_and_idempotent(store, receiver):
    receiver.welcome()
    frames, head = one()
    receiver.send(*frames)
    assert receiver.ack() == (1, head)
    name = hashlib.sha256(b"hello").hexdigest()
    assert store.objects() == {name}
    # once more, as after a cut in which the answer was lost
    receiver.send(*frames[1:])
    assert receiver.ack() == (1, head)
    receiver.send(commit(1, ZERO, head))
    assert receiver.ack() == (1, head)
    assert receiver.ends() == 0
    body = store.start().welcome()
    assert body[44:44 + 48][16:48] == head


def test_want_lists_what_is_missing(receiver):
    receiver.welcome()
    a, b = b"a" * 10, b"b" * 10
    text, head = manifest([file_line("x", a), file_line("y", b)])
    receiver.send(put(a), part(text), have())
    kind, body = receiver.hear()
    cursor, n = struct.unpack("!QI", body[:12])
    assert (kind, cursor, n) == (WANT, 0, 1)
    assert body[12:] == hashlib.sha256(b).digest()
    receiver.send(put(b), commit(1, ZERO, head))
    assert receiver.ack() == (1, head)


def test_want_lists_all_that_is_missing(receiver):
    """Over several pages, each once and none left out."""
    receiver.welcome()
    names = [hashlib.sha256(b"%d" % i).digest() for i in range(5000)]
    text, _ = manifest([file_line("f%06d" % i, b"%d" % i)
                        for i in range(5000)])
    pieces = [text[i:i + 200000] for i in range(0, len(text), 200000)]
    receiver.send(*(part(p, last=p is pieces[-1]) for p in pieces), have())
    got, cursor = [], 1
    while cursor:
        kind, body = receiver.hear()
        assert kind == WANT
        cursor, n = struct.unpack("!QI", body[:12])
        got += [body[12 + 32 * i:44 + 32 * i] for i in range(n)]
        if cursor:
            receiver.send(have(cursor))
    assert sorted(got) == sorted(names)


def test_manifest_in_pieces(receiver):
    receiver.welcome()
    text, head = manifest([file_line("a", b"x")])
    receiver.send(put(b"x"))
    for i in range(len(text) - 1):
        receiver.send(part(text[i:i + 1], last=0))
    receiver.send(part(text[-1:]), commit(1, ZERO, head))
    assert receiver.ack() == (1, head)


def test_steps_in_one_commit(receiver):
    """Only the last one's objects must be there."""
    receiver.welcome()
    t1, h1 = manifest([file_line("a", b"gone")])
    t2, h2 = manifest(["+" + file_line("a", b"new")], 2, h1, kind="delta",
                      entries=1)
    receiver.send(put(b"new"), part(t1), part(t2), commit(2, ZERO, h2))
    assert receiver.ack() == (2, h2)


# -- greeting

@pytest.mark.parametrize("kw,reason", [
    ({"pair": b"other"}, PAIR), ({"protocol": 2}, VERSION),
    ({"term": 1002}, ABSURD), ({"term": 0xffffffff}, ABSURD),
    ({"history": [item(2, 0, 5, ZERO), item(1, 0, 9, ZERO)]}, REFUSED)])
def test_greeting_refused(store, receiver, kw, reason):
    receiver.welcome()
    receiver.send(hello(**kw))
    assert receiver.nak() == reason
    # nothing of it was believed
    assert receiver.welcome()[36:44] == epoch(1, 0)


def test_terms_do_not_climb(store, receiver):
    """Steps that are each believable, in one session."""
    receiver.welcome(term=1)
    receiver.welcome(term=900)
    receiver.send(hello(term=1002))
    assert receiver.nak() == ABSURD
    receiver.welcome(term=1001)


def test_stale(store, receiver):
    receiver.welcome(term=7, node=1)
    receiver.send(hello(term=6, node=0))
    assert receiver.nak() == STALE
    # in a tie the better rank is the higher epoch
    receiver.send(hello(term=7, node=2))
    assert receiver.nak() == STALE
    assert receiver.ends() == 0
    r = store.start()
    r.send(hello(term=6))
    kind, body = r.hear()
    assert kind == NAK and body[4:12] == epoch(7, 1)
    r.kill()


def test_stale_in_the_middle(store, receiver):
    """Another, newer node has greeted between HELLO and COMMIT."""
    receiver.welcome(term=1)
    other = store.start()
    other.welcome(term=2)
    frames, _ = one()
    receiver.send(*frames)
    assert receiver.nak() == STALE
    other.kill()


def test_dual(store, receiver):
    store.say(role=2, term=1)
    receiver.send(hello(term=2))
    assert receiver.nak() == DUAL
    store.say(role=1, term=1)
    receiver.welcome(term=2)
    store.say(role=2, term=3)
    frames, _ = one(term=2)
    receiver.send(*frames[:2], commit(1, ZERO, ZERO, term=2))
    assert receiver.nak() == DUAL
    assert store.files("manifests") == []


def test_a_word_that_cannot_be_read_counts_as_active(store, receiver):
    with open(os.path.join(store.run, "vpn.word"), "w") as f:
        f.write("garbage")
    receiver.send(hello())
    assert receiver.nak() == DUAL


def test_watcher_raises_nothing_and_writes_nothing(store, receiver):
    receiver.welcome(term=900, writes=0)
    receiver.send(put(b"x"))
    assert receiver.nak() == PROTOCOL
    assert receiver.hear()[0] == 0
    r = store.start()
    assert r.welcome(term=1)[36:44] == epoch(1, 0)
    r.kill()


# -- words

def test_ping(store, receiver):
    store.say(role=2, term=9, node=1, advert=1)
    receiver.send(word(serial=42))
    kind, body = receiver.hear(words=True)
    assert kind == PONG
    serial, role, flags = struct.unpack("!IBB", body[:6])
    assert (serial, role, flags) == (42, 2, 3)
    assert body[8:16] == epoch(9, 1)
    # since boot: the age of an advert at the first nanosecond
    assert struct.unpack("!I", body[16:20])[0] > 1000


def test_word_goes_out_at_once(store, receiver):
    receiver.welcome()
    store.say(role=1, term=3)
    kind, body = receiver.hear(words=True, timeout=2)
    assert kind == PONG and body[:4] == bytes(4) and body[4] == 1


def test_word_reaches_the_mirror(store, receiver):
    import socket
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.bind(os.path.join(store.run, "vpn.sock"))
    os.chmod(os.path.join(store.run, "vpn.sock"), 0o666)
    receiver.send(word(role=4, term=12, age=77))
    got = s.recv(1000)
    assert got[2] == PONG and got[8 + 4] == 4
    assert struct.unpack("!I", got[8 + 16:8 + 20])[0] == 77
    s.close()


def test_wish_for_a_handover_reaches_the_mirror(store, receiver):
    """Of any session, one that only looks as well; once a second."""
    import socket
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(os.path.join(store.run, "vpn.sock"))
    os.chmod(os.path.join(store.run, "vpn.sock"), 0o666)
    ask = frame(ASK, bytes((1, 0, 0, 0)))
    for _ in range(50):
        receiver.send(ask)
        kind, body = receiver.hear(words=True)
        assert kind == PONG and body[:4] == bytes(4)
    s.settimeout(0.2)
    got = [s.recv(1000)]
    with pytest.raises(TimeoutError):
        while len(got) < 5:
            got.append(s.recv(1000))
    assert set(got) == {ask}
    receiver.send(frame(ASK, bytes((2, 0, 0, 0))))
    assert receiver.nak() == PROTOCOL
    s.close()


# -- who may write

def test_shut(store, receiver):
    """F5: what is live has not been captured yet."""
    store.say(role=1, may=0)
    receiver.send(hello())
    assert receiver.nak() == BUSY
    # an active one says so; who only looks is welcome all the same
    store.say(role=2, may=0)
    receiver.send(hello())
    assert receiver.nak() == DUAL
    store.say(role=1, may=0)
    receiver.welcome(writes=0)
    store.say(role=1)
    receiver.welcome()


def test_no_word_at_all(store, receiver):
    os.unlink(os.path.join(store.run, "vpn.word"))
    receiver.send(hello())
    assert receiver.nak() == BUSY


@pytest.mark.parametrize("role,reason", [(1, BUSY), (2, DUAL)])
def test_shut_in_the_middle(store, receiver, role, reason):
    """The lock is free at once, and nothing that was begun is kept."""
    receiver.welcome()
    frames, head = one()
    receiver.send(*frames[:2], have())
    assert receiver.hear()[0] == WANT
    lock = os.path.join(store.path, "lock")
    assert subprocess.run(["flock", "-n", lock, "true"]).returncode == 1
    store.say(role=role, may=0)
    assert subprocess.run(["flock", "-w", "2", lock, "true"]).returncode == 0
    store.say(role=1)
    receiver.send(frames[2])
    assert receiver.nak() == reason
    assert store.files("manifests") == []
    # a new greeting is a new beginning
    receiver.welcome()
    receiver.send(*frames)
    assert receiver.ack() == (1, head)


def test_mirror_leaves_in_the_middle(store, receiver):
    receiver.welcome()
    frames, _ = one()
    receiver.send(*frames[:2], have())
    assert receiver.hear()[0] == WANT
    os.unlink(os.path.join(store.run, "vpn.word"))
    lock = os.path.join(store.path, "lock")
    assert subprocess.run(["flock", "-w", "2", lock, "true"]).returncode == 0
    receiver.send(frames[2])
    assert receiver.nak() == BUSY


# -- lies

def test_wrong_hash(store, receiver):
    receiver.welcome()
    frames, head = one()
    receiver.send(put(b"other", hashlib.sha256(b"hello").digest()),
                  *frames[1:])
    assert receiver.nak() == HASH
    assert store.objects() == set() and store.files("manifests") == []
    # the same channel goes on
    receiver.send(*frames)
    assert receiver.ack() == (1, head)


def test_missing_object(store, receiver):
    receiver.welcome()
    frames, _ = one()
    receiver.send(*frames[1:])
    assert receiver.nak() == MISSING
    assert store.files("manifests") == []


def test_wrong_previous(store, receiver):
    receiver.welcome()
    frames, head = one()
    receiver.send(*frames)
    receiver.ack()
    text, h2 = manifest(["+" + file_line("a", b"n")], 2, b"\1" * 32,
                        kind="delta", entries=1)
    receiver.send(put(b"n"), part(text), commit(2, b"\1" * 32, h2))
    assert receiver.nak() == FORKED
    # right chain, but the COMMIT names another head below
    text, h2 = manifest(["+" + file_line("a", b"n")], 2, head, kind="delta",
                        entries=1)
    receiver.send(part(text), commit(2, b"\1" * 32, h2))
    assert receiver.nak() == FORKED


BAD_LINES = [
    file_line("../a", b"x"), file_line("/etc/passwd", b"x"),
    file_line("a/../../b", b"x"), file_line("a//b", b"x"),
    file_line("./a", b"x"), file_line("", b"x"), file_line(".", b"x"),
    file_line("no/parent", b"x"), file_line("a", b"x", mode="7777777"),
    file_line("a", b"x", mode="-1"), file_line("a", b"x", name="../../x"),
    file_line("a", b"x", name="A" * 64), file_line("a", b"x", size=-1),
    file_line("a", b"x", size=1 << 70),
    "b 0600 0 0 - - 0 1 - 0 - disk", "c 0600 0 0 - - 0 1 - 0 - null",
    "p 0600 0 0 - - 0 1 - 0 - fifo", "f", "", "\0" * 50, "f " * 100000,
    file_line("a" * 5000, b"x"), file_line("a%2", b"x"),
    file_line("%2E%2E", b"x"), file_line("a%00b", b"x"),
]


@pytest.mark.parametrize("line", BAD_LINES,
                         ids=[str(i) for i in range(len(BAD_LINES))])
def test_bad_manifest(store, receiver, line):
    receiver.welcome()
    text, head = manifest([line], entries=1, size=1)
    receiver.send(put(b"x"))
    for i in range(0, len(text), 200000):
        receiver.send(part(text[i:i + 200000], last=i + 200000 >= len(text)))
    receiver.send(commit(1, ZERO, head))
    assert receiver.nak() in (REFUSED, MISSING, HASH)
    assert store.files("manifests") == []
    assert receiver.ends() == 0


@pytest.mark.parametrize("kw", [
    {"entries": 2}, {"entries": 1 << 62}, {"size": 7}, {"count": 1 << 40},
    {"count": 0}, {"pair": "other"}, {"generation": 5},
    {"term": 2}, {"kind": "delta"}, {"kind": "what"}])
def test_header_lies(store, receiver, kw):
    receiver.welcome()
    text, head = manifest([file_line("a", b"x")], **kw)
    receiver.send(put(b"x"), part(text), commit(1, ZERO, head))
    assert receiver.nak() in (REFUSED, FORKED, STALE)
    assert store.files("manifests") == []


@pytest.mark.parametrize("bad", [
    frame(99), frame(0), b"SSH-2.0-x\r\n", b"v\0\0\0\0\0\0\0",
    b"vS\5\0\xff\xff\xff\xff", b"vS\5\0\0\x10\0\1", b"vS\5\1\0\0\0\0",
    frame(kit.HAVE, bytes(7)), frame(kit.RUN, b"x"),
    frame(kit.WELCOME, bytes(110)), frame(kit.ACK, bytes(48)),
    put(b"early"), commit(1, ZERO, ZERO), have(), frame(kit.RUN),
    frame(kit.FORK, bytes(16)), frame(kit.RESET, bytes(8)),
    hello(pair=b"a/b"), hello(pair=b""), frame(kit.PING, bytes(3)),
    hello(node=8), frame(kit.HELLO, hello()[8:] + bytes(1)),
    frame(kit.HELLO, hello()[8:-2] + b"\xff\xff")])
def test_no_frame_or_out_of_turn(store, receiver, bad):
    receiver.send(bad)
    assert receiver.nak() == PROTOCOL
    assert receiver.hear()[0] == 0
    assert receiver.ends() == 0
    assert store.objects() == set()


def test_question_while_it_imports(store, receiver):
    receiver.welcome()
    text, _ = manifest([file_line("a", b"x")])
    receiver.send(part(text), have(), have())
    kinds = [receiver.hear()[0], receiver.hear()[0]]
    assert kinds[0] in (WANT, NAK)


def test_short_body(store, receiver):
    receiver.welcome()
    receiver.send(put(b"x" * 1000)[:500])
    assert receiver.ends() == 0
    assert store.objects() == set()
    r = store.start()
    r.welcome()
    frames, head = one()
    r.send(*frames)
    assert r.ack() == (1, head)
    assert store.files("tmp") == []
    r.kill()


def test_random_bytes(store):
    rng = random.Random(20)
    for i in range(30):
        r = store.start()
        r.send(hello() if i % 2 else b"", rng.randbytes(100000))
        kinds = []
        while (k := r.hear()[0]) != 0:
            kinds.append(k)
        assert kinds in ([NAK], [WELCOME, NAK])
        assert r.ends() == 0


def test_changed_frames(store):
    """Good conversations with a byte changed: never another end than an
    answer, and never a head that is not what was sent."""
    rng = random.Random(7)
    frames, head = one()
    good = b"".join([hello()] + frames)
    for i in range(60):
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        r = store.start()
        r.send(bytes(bad))
        assert r.ends() == 0
    for name in store.files("manifests"):
        g, h = os.path.basename(name).split(".")
        text = open(name, "rb").read()
        assert hashlib.sha256(ZERO + text).hexdigest() == h
    for o in store.files("objects"):
        assert hashlib.sha256(open(o, "rb").read()).hexdigest() == \
            os.path.basename(o)


def test_flood_without_reading(store, receiver):
    """A partner that asks and never listens is not read from any more."""
    os.set_blocking(receiver.popen.stdin.fileno(), False)
    sent = 0
    try:
        while sent < 200 << 20:
            sent += os.write(receiver.popen.stdin.fileno(), word() * 1000)
    except BlockingIOError:
        pass
    assert sent < 16 << 20
    with open(f"/proc/{receiver.popen.pid}/status") as f:
        rss = next(ln for ln in f if ln.startswith("VmRSS"))
    assert int(rss.split()[1]) < 40000


def test_endless_manifest(store, receiver):
    """Parts without end are refused, and do not grow its memory."""
    receiver.welcome()
    chunk = part(b"x" * 262144, last=0)
    for _ in range(1100):
        receiver.send(chunk)
    receiver.send(commit(1, ZERO, ZERO))
    assert receiver.nak() in (REFUSED, FORKED)
    assert receiver.welcome()


def test_quota(store, receiver):
    store.say(role=1, quota=1000000)
    receiver.welcome()
    for i in range(10):
        receiver.send(put(bytes([i]) * 200000, bulk=1))
    text, head = manifest([file_line("a", b"\0" * 200000)])
    receiver.send(part(text), commit(1, ZERO, head))
    assert receiver.nak() == kit.SPACE
    assert sum(os.path.getsize(f) for f in store.files()) < 1300000


# -- it is locked in

def test_locked(store, receiver):
    receiver.welcome()
    with open(f"/proc/{receiver.popen.pid}/status") as f:
        status = dict(ln.split(":\t") for ln in f if ":\t" in ln)
    assert status["Seccomp"].strip() == "2"
    assert status["NoNewPrivs"].strip() == "1"
    assert int(status["CapEff"], 16) == 0
    fds = os.listdir(f"/proc/{receiver.popen.pid}/fd")
    assert len(fds) < 24
    for fd in fds:
        try:
            to = os.readlink(f"/proc/{receiver.popen.pid}/fd/{fd}")
        except OSError:
            continue
        assert to.startswith((store.path, store.run, "pipe:", "socket:",
                              "anon_inode:inotify", "/dev/null")), to


# -- FORK and RESET

def test_fork_parks(store, receiver):
    receiver.welcome()
    frames, h1 = one()
    receiver.send(*frames)
    receiver.ack()
    text, h2 = manifest(["+" + file_line("a", b"mine")], 2, h1,
                        kind="delta", entries=1)
    receiver.send(put(b"mine"), part(text), commit(2, h1, h2))
    receiver.ack()
    # the partner took over at 1 and wrote another 2
    receiver.welcome(term=2, node=1)
    receiver.send(frame(kit.FORK, epoch(2, 1) + struct.pack("!Q", 1)))
    assert receiver.ack() == (1, h1)
    assert len(os.listdir(os.path.join(store.path, "diverged"))) == 1
    text, h2b = manifest(["+" + file_line("a", b"theirs")], 2, h1, 2, 1,
                         kind="delta", entries=1)
    receiver.send(put(b"theirs"), part(text),
                  commit(2, h1, h2b, term=2, node=1))
    assert receiver.ack() == (2, h2b)
    # what was parked can still be read
    assert hashlib.sha256(b"mine").hexdigest() in store.objects()


def test_fork_with_another_epoch(store, receiver):
    receiver.welcome(term=2)
    receiver.send(frame(kit.FORK, epoch(1) + struct.pack("!Q", 0)))
    assert receiver.nak() == STALE
