# SPDX-License-Identifier: ISC
"""
What the tests of the capture share: a base directory, a store, the program
try-capture between them, and a reader of what the store has on disk.

The programs are those of VIPAIR_BUILD and VIPAIR_PREFIX (default: build/ci).
"""

import hashlib
import os
import pwd
import re
import select
import shutil
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get("VIPAIR_BUILD", os.path.join(TOP, "build", "ci"))
CAPTURE = os.path.join(BUILD, "syncd", "capture", "try-capture")
SQLSNAP = os.path.join(BUILD, "syncd", "sqlsnap", "sqlsnap")

SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
             "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}


def unescape(field):
    """Bytes of a field of a manifest."""
    return re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]),
                  os.fsencode(field))


class Entry:
    def __init__(self, line):
        (self.type, mode, uid, gid, user, group, size, mtime, content, link,
         xattrs, path) = line.split(" ")
        self.mode, self.uid, self.gid = int(mode, 8), int(uid), int(gid)
        self.user, self.group = (b"" if x == "-" else unescape(x)
                                 for x in (user, group))
        self.size, self.mtime_ns = int(size), int(mtime)
        self.content, self.link = content, int(link)
        self.path = unescape(path)
        self.xattrs = {}
        if xattrs != "-":
            for item in xattrs.split(","):
                name, value = item.split("=")
                self.xattrs[unescape(name).decode()] = unescape(value)


class Store:
    """What is on disk, read without the code that wrote it."""

    def __init__(self, path):
        self.path = path

    def generations(self):
        found = {}
        for name in os.listdir(os.path.join(self.path, "manifests")):
            found[int(name.split(".")[0])] = name
        return found

    def tree(self):
        """path -> Entry of the newest generation; every head verified."""
        tree, previous = {}, None
        for g, name in sorted(self.generations().items()):
            with open(os.path.join(self.path, "manifests", name),
                      "rb") as f:
                text = f.read()
            head, lines = {}, text.decode().splitlines()
            for i, line in enumerate(lines):
                key, _, value = line.partition(" ")
                head[key] = value
                if key == "lines":
                    lines = lines[i + 1:]
                    break
            if previous is not None:
                assert head["previous"] == previous, f"generation {g}"
            previous = hashlib.sha256(
                bytes.fromhex(head["previous"]) + text).hexdigest()
            assert name.split(".")[1] == previous
            assert int(head["lines"]) == len(lines)
            if head["kind"] == "full":
                tree = {}
            for line in lines:
                if head["kind"] == "full":
                    e = Entry(line)
                elif line[0] == "+":
                    e = Entry(line[1:])
                else:
                    del tree[unescape(line[1:].strip())]
                    continue
                tree[e.path] = e
            assert int(head["entries"]) == len(tree)
        return tree

    def content(self, entry):
        h = entry.content
        with open(os.path.join(self.path, "objects", h[:2], h), "rb") as f:
            data = f.read()
        assert hashlib.sha256(data).hexdigest() == h
        assert len(data) == entry.size
        return data


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.problems = {}
        for line in out.splitlines():
            w = line.split(" ")
            if w[0] == "problem":
                self.problems[(w[1], unescape(w[4]))] = (w[2], int(w[3]))

    def stat(self, word):
        last = [x for x in self.out.splitlines() if x.startswith("stats")]
        return int(re.search(rf"\b{word} (\d+)", last[-1])[1])


class Lab:
    """A base, a store, and the user _syncd between them."""

    def __init__(self, user=None):
        self.top = tempfile.mkdtemp(prefix="vipair-capture-")
        os.chmod(self.top, 0o711)
        self.base = os.path.join(self.top, "base")
        self.user = user
        os.mkdir(self.base)
        path = os.path.join(self.top, "store")
        os.mkdir(path)
        if user:
            u = pwd.getpwnam(user)
            os.chown(path, u.pw_uid, u.pw_gid)
        self.store = Store(path)
        self.watcher = None

    def close(self):
        if self.watcher:
            self.watcher.stop()
        subprocess.run(["umount", "-R", "-q", self.base], check=False,
                       stderr=subprocess.DEVNULL)
        shutil.rmtree(self.top)

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.close()

    def at(self, *names):
        """A path below the base, as bytes, its directory made."""
        path = os.path.join(os.fsencode(self.base),
                            *[os.fsencode(n) for n in names])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, data=b"x"):
        with open(self.at(name), "wb") as f:
            f.write(data)

    def argv(self, entries, options=()):
        argv = [CAPTURE, *options, self.store.path, self.base, *entries]
        if self.user:
            argv = ["setpriv", "--reuid", self.user, "--regid", self.user,
                    "--clear-groups", "--inh-caps", "+dac_read_search",
                    "--ambient-caps", "+dac_read_search", "--"] + argv
        return argv

    def run(self, *entries, options=(), preexec_fn=None):
        p = subprocess.run(self.argv(entries, options), input=b"",
                           capture_output=True, preexec_fn=preexec_fn,
                           env={**os.environ, **SANITIZER}, timeout=120)
        r = Result(p.returncode, p.stdout.decode(), p.stderr.decode())
        assert r.status in (0, 2), (r.status, r.out, r.err)
        assert "Sanitizer" not in r.err, r.err
        return r

    def watch(self, *entries, options=()):
        self.watcher = Watcher(self.argv(entries, ("-w", *options)))
        return self.watcher


class Watcher:
    """try-capture -w; answers come as blocks that end with `stats`."""

    def __init__(self, argv):
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE,
                                  env={**os.environ, **SANITIZER})
        self.rest = b""

    def block(self, timeout=20):
        """The next block as a Result; None when time is up."""
        until = time.monotonic() + timeout
        while not re.search(rb"^stats .*\n", self.rest, re.M):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.p.stdout], [], [],
                                              left)[0]:
                return None
            data = os.read(self.p.stdout.fileno(), 65536)
            if not data:
                raise AssertionError(f"ended: {self.rest}")
            self.rest += data
        end = re.search(rb"^stats .*\n", self.rest, re.M).end()
        text, self.rest = self.rest[:end], self.rest[end:]
        return Result(0, text.decode(), "")

    def until(self, condition, timeout=20):
        """Blocks until one satisfies the condition."""
        end = time.monotonic() + timeout
        while True:
            b = self.block(max(0.01, end - time.monotonic()))
            assert b is not None, "nothing came"
            if condition(b):
                return b

    def generation(self, timeout=20):
        """The next generation: (number, time when durable, block)."""
        b = self.until(lambda b: b.out.startswith("generation"), timeout)
        w = b.out.splitlines()[0].split(" ")
        return int(w[1]), float(w[3]), b

    def stop(self):
        if self.p.poll() is None:
            self.p.stdin.close()
            self.p.wait(20)
        self.p.stdout.close()
        assert self.p.returncode in (0, 2), self.p.returncode
