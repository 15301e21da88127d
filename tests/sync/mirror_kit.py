# SPDX-License-Identifier: ISC
"""
Two machines with a real mirror each; supervisor, elector and capture are
played by mirror-driver, one line for each thing said and heard.
"""

import os
import struct

from lab.proc import Proc
from ship_pair import PAIR, SSH, STORE, Machine, SshPair, comm, find

SYNC = "/run/vipair/sync"
STATE = "/var/lib/vipair"
(STARTING, STANDBY, ACTIVE, FAULTED, MAINTENANCE, NO_WORD) = range(6)
BEGIN, WRITE, END = 6, 8, 9		# enum job_kind
OK, FAILED, TIMEOUT, SUPERSEDED = range(4)
SHIP = ("down", "connecting", "watching", "copying", "level", "held")
DATA = ("none", "ready", "filling", "damaged", "allowed")


class State:
    """PAIR.mirror, read as common/syncstate.h describes it."""

    HEAD = struct.Struct("8sIIqII")
    BODY = struct.Struct("32sII32s200sqqqqQqQQQqQQQQQQqII")
    NAMES = ("partner ship writes id text since heard acked_at round_trip "
             "generation made bytes entries acked behind total done rate "
             "partner_free partner_generation changes lag data pad").split()

    def __init__(self, raw):
        head = self.HEAD.unpack_from(raw)
        assert head[0] == b"vipsync\0" and head[2] == len(raw), head
        self.pid = head[4]
        for k, v in zip(self.NAMES, self.BODY.unpack_from(raw,
                                                          self.HEAD.size)):
            if isinstance(v, bytes):
                v = v.split(b"\0")[0].decode()
            setattr(self, k, v)
        self.ship, self.data = SHIP[self.ship], DATA[self.data]


class MirrorMachine(Machine):
    def _dirs(self):
        super()._dirs()
        self.node.sh(f"""
            chown root:root {STATE} {STATE}/store
            chmod 711 {STATE}
            mkdir -p {SYNC} {STATE}/ssh/{PAIR}
            chown _syncd:_syncd {SYNC} && chmod 2771 {SYNC}
            chown root:_syncd {STATE}/ssh {STATE}/ssh/{PAIR}
            chmod 750 {STATE}/ssh {STATE}/ssh/{PAIR}
        """)

    def trust(self, other, receiver):
        super().trust(other, receiver)
        self.node.write(f"{SSH}/authorized_keys",
                        f'restrict,from="{other.node.address}",'
                        f'command="{receiver} {PAIR} {STORE} {SYNC}" '
                        f"{other.key_pub}\n")
        self.node.sh(f"""
            cp -p {SSH}/id {STATE}/ssh/{PAIR}/id_ed25519
            chown _syncd {STATE}/ssh/{PAIR}/id_ed25519
        """)
        self.know(other)

    def know(self, other):
        """other's host key is the one to be expected there."""
        self.node.write(f"{STATE}/ssh/{PAIR}/known_hosts",
                        f"{other.node.name} {other.host_pub}\n")

    def children(self, pid):
        """pids below that one, as we number them."""
        found, todo = [], [pid]
        while todo:
            try:
                p = todo.pop()
                with open(f"/proc/{p}/task/{p}/children") as f:
                    kids = [int(x) for x in f.read().split()]
            except OSError:
                continue
            found += kids
            todo += kids
        return found


class Mirror:
    """mirror-driver and its mirror on a machine."""

    def __init__(self, machine, start=True):
        self.machine, self.lab = machine, machine.lab
        self.index = 0 if machine.node.name == "alpha" else 1
        self.proc = Proc(self.lab, machine.node.holder,
                         [find("mirror-driver"), find("mirror"),
                          str(self.index)],
                         f"mirror-{machine.node.name}", stdin=True)
        if start:
            self.start()

    def tell(self, *lines):
        for ln in lines:
            self.proc.outer.stdin.write(ln + "\n")
        self.proc.outer.stdin.flush()
        return self

    def lines(self, word):
        return [t for _, t in list(self.proc.lines) if t.startswith(word)]

    def count(self, word):
        return len(self.lines(word))

    def wait(self, word, timeout=20, count=1):
        """The count-th line that starts with the word."""
        def there():
            got = self.lines(word)
            if self.lines("failed"):
                raise AssertionError("\n".join(self.lines("failed")))
            if len(got) < count and not self.proc.running:
                raise AssertionError(f"driver ended: {self.proc.text}")
            return len(got) >= count and got[count - 1]
        return self.lab.wait_for(there, timeout,
                                 f"{self.proc.name} says: {word}")

    def expect(self, command, word, timeout=20):
        """The first line of that kind that comes after the command."""
        n = self.count(word)
        self.tell(command)
        return self.wait(word, timeout, n + 1)

    def start(self):
        self.expect("start", "started")
        return self

    @property
    def pid(self):
        """Of the mirror, as we number it."""
        kids = [p for p in self.machine.children(self.proc.pid)
                if comm(p) == "mirror"]
        return kids[0]

    def state(self):
        try:
            with open(self.machine.node.path(f"{SYNC}/{PAIR}.mirror"),
                      "rb") as f:
                return State(f.read())
        except FileNotFoundError:
            return None

    def shows(self, what, timeout=20, **want):
        """The state file comes to say so."""
        def there():
            s = self.state()
            return s and all(getattr(s, k) == v for k, v in want.items()) \
                and s
        return self.lab.wait_for(there, timeout, what)

    def open(self):
        """Do the receivers here take anything?  None: no word at all."""
        try:
            with open(self.machine.node.path(f"{SYNC}/{PAIR}.word"),
                      "rb") as f:
                return bool(struct.unpack("!QQQ", f.read()[:24])[2])
        except FileNotFoundError:
            return None

    # -- roles, as elector and capture would have it

    def standby(self, term=1, node=0, settled=1):
        self.tell(f"captured 0 {settled}",
                  f"word {STANDBY} {term} {node} 1 1 0")
        return self

    def active(self, term):
        """The data steps of a takeover."""
        self.tell(f"word {ACTIVE} {term} {self.index} 1 1 1")
        for name, kind in (("begin", BEGIN), ("write", WRITE)):
            done = self.expect(f"job {name} {term}", f"done {kind} ")
            assert done.split()[3] == "0", done
        return self

    def publish(self, timeout=30):
        """A generation, acknowledged; its number."""
        g = int(self.expect("publish", "published").split()[1])
        self.lab.wait_for(lambda: self.state().acked >= g, timeout,
                          f"generation {g} is acknowledged")
        return g

    def quit(self):
        if self.proc.running:
            try:
                self.tell("quit")
                self.proc.wait(10)
            except Exception:
                self.proc.stop(9)


class MirrorPair(SshPair):
    machine = MirrorMachine

    def __init__(self, lab):
        super().__init__(lab)
        self.mirrors = []

    def mirror(self, machine, **kw):
        m = Mirror(machine, **kw)
        self.mirrors.append(m)
        return m

    def both(self):
        """alpha active in term 1, beta a standby that takes it."""
        a, b = self.mirror(self.alpha), self.mirror(self.beta)
        b.standby()
        a.active(1)
        self.lab.wait_for(lambda: a.state() and a.state().ship == "level"
                          or a.state().ship == "watching", 20, "channel")
        return a, b
