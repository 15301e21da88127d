# SPDX-License-Identifier: ISC
"""
Nodes, their switch, what can be done to them and what was seen.

    alpha 192.168.70.1   beta 192.168.70.2   client .9   attacker .66
    virtual address 192.168.70.222, vhid 94
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from . import watch
from .netns import Holder, mono_ns
from .proc import Proc

VIP = "192.168.70.222"
VHID = 94
ECHO_PORT = 7007
HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
ADDRESSES = {"alpha": 1, "beta": 2, "gamma": 3, "client": 9, "attacker": 66}

_count = 0


class Rule:
    """Frames the switch loses, until heal()."""

    def __init__(self, lab, text):
        self.lab, self.text = lab, text

    def heal(self):
        if self in self.lab.rules:
            self.lab.rules.remove(self)
            self.lab.load_rules()


class Node:
    def __init__(self, lab, name, echo=True):
        self.lab, self.name = lab, name
        n = ADDRESSES[name]
        self.address = f"192.168.70.{n}"
        self.mac = f"02:70:00:00:00:{n:02x}"
        self.port = name
        self.wants_echo = echo
        self.lib = os.path.join(lab.dir, name, "lib")
        os.makedirs(self.lib, mode=0o755)
        self.holder = None
        self.echo = None
        self.nsid = None

    # -- the machine

    def boot(self, link=True, address=True):
        self.holder = Holder(self.name, self.lib, self.lab.marker)
        self.lab.holders.append(self.holder)
        self.nsid = self.lab.kernel.add_node(self.name, self.holder.net)
        os.makedirs(self.path("/run/lab"), mode=0o755)
        if link:
            self.plug(address)
        if self.wants_echo:
            self.echo = self.popen(
                [PYTHON, os.path.join(HERE, "echo.py"), self.name,
                 str(ECHO_PORT)], name="echo")
        return self

    def plug(self, address=True, dev="eth0"):
        """A new network card, a new cable."""
        sw = self.lab.switch_run
        sw("ip", "link", "add", "name", self.port, "type", "veth", "peer",
           "name", dev, "netns", str(self.holder.pid))
        self.ip("link", "set", dev, "address", self.mac)
        if address:
            self.ip("addr", "add", self.address + "/24", "brd", "+",
                    "dev", dev)
        self.ip("link", "set", dev, "up")
        sw("ip", "link", "set", self.port, "master", "br0", "up")
        self.lab.capture.add_port(self.port)

    def unplug(self):
        """The card is taken out of the running machine."""
        for s in self.lab.capture.drop_port(self.port):
            s.close()
        self.lab.switch_run("ip", "link", "del", self.port)

    def cable(self, up):
        """The cable, seen from the switch; the node loses its carrier."""
        self.lab.mark(f"cable of {self.name} {'in' if up else 'pulled'}")
        self.lab.switch_run("ip", "link", "set", self.port,
                            "up" if up else "down")

    def power_off(self):
        """No farewell of any kind: port down, pid 1 killed."""
        self.lab.mark(f"{self.name} loses power")
        self.lab.switch_run("ip", "link", "set", self.port, "down")
        at = mono_ns()
        self.holder.kill()
        self.lab.kernel.power_off(self.name)
        self.unplug()
        return at

    def power_on(self):
        self.lab.mark(f"{self.name} boots")
        return self.boot()

    def pids(self):
        return self.holder.pids()

    def freeze(self, but=("echo",)):
        """SIGSTOP to all processes of the node, as often as it takes."""
        keep = {p.pid for p in self.lab.procs if p.name in but}
        self.lab.mark(f"all processes of {self.name} frozen")
        stopped = set()
        while True:
            todo = set(self.pids()) - keep - stopped
            if not todo:
                return mono_ns()
            for p in todo:
                _kill(p, signal.SIGSTOP)
            stopped |= todo

    def thaw(self):
        self.lab.mark(f"{self.name} thaws")
        for p in self.pids():
            _kill(p, signal.SIGCONT)
        return mono_ns()

    # -- work in it

    def path(self, inside):
        """A file of the node as we can open it from here."""
        return f"/proc/{self.holder.pid}/root{inside}"

    def write(self, inside, text, mode=0o644):
        real = self.path(inside)
        os.makedirs(os.path.dirname(real), mode=0o755, exist_ok=True)
        fd = os.open(real, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(fd, "w") as f:
            f.write(text)
        os.chmod(real, mode)
        return inside

    def read(self, inside):
        try:
            with open(self.path(inside)) as f:
                return f.read()
        except OSError:
            return ""

    def run(self, *argv, **kw):
        return self.holder.run(*argv, **kw)

    def sh(self, script, **kw):
        return self.holder.sh(script, **kw)

    def ip(self, *argv, **kw):
        return self.holder.run("/usr/sbin/ip", *argv, **kw)

    def popen(self, argv, name=None, **kw):
        return Proc(self.lab, self.holder, argv, name, **kw)

    def has(self, address):
        """The kernel, asked now."""
        out = self.ip("-o", "-4", "addr", "show").stdout
        return f" {address}/" in out

    def inject(self, frame, dev="eth0"):
        """One raw frame from this node's card."""
        s = self.holder.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            s.bind((dev, 0))
            s.send(frame)
        finally:
            s.close()

    def injector(self, dev="eth0"):
        s = self.holder.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.bind((dev, 0))
        self.lab.closers.append(s.close)
        return s

    def flood(self, frames, rate, seconds, dev="eth0"):
        """A Proc that sends the frames at a rate, bounded in time."""
        path = os.path.join(self.lab.dir, f"flood-{mono_ns()}")
        with open(path, "wb") as f:
            for frame in frames:
                f.write(struct.pack("!H", len(frame)) + frame)
        return self.popen([PYTHON, os.path.join(HERE, "flood.py"), dev, path,
                           str(rate), str(seconds)], name="flood")


class Probe:
    """The client that asks the virtual address all the time."""

    def __init__(self, lab, node, vip=VIP, period_ms=5, arp_ms=20):
        self.lab = lab
        self.proc = node.popen(
            [PYTHON, os.path.join(HERE, "probe.py"), vip, node.address,
             "eth0", str(ECHO_PORT), str(period_ms), str(arp_ms)],
            name="probe")
        lab.wait_for(lambda: self.proc.said("ready"), 10, "prober starts")

    def _rows(self, kind, since=0):
        for _, text in list(self.proc.lines):
            f = text.split()
            if len(f) == 3 and f[0] == kind and int(f[1]) >= since:
                yield int(f[1]), f[2]

    def answers(self, since=0):
        """(ns, node name) of each UDP answer."""
        return sorted(self._rows("U", since))

    def macs(self, since=0):
        """(ns, node name) of each ARP answer."""
        by_mac = {n.mac: n.name for n in self.lab.nodes.values()}
        return sorted((ns, by_mac.get(mac, mac))
                      for ns, mac in self._rows("A", since))

    def last(self):
        rows = self.answers()
        return rows[-1][1] if rows else None

    def wait_answer(self, name, timeout=15, since=0):
        """Until that node answers after `since`; its first answer."""
        def first():
            return next((r for r in self.answers(since) if r[1] == name),
                        None)
        return self.lab.wait_for(first, timeout, f"{name} answers clients")

    def gap(self, since=0, until=None):
        """(longest silence in ms, when it began) between two answers."""
        rows = [r for r in self.answers(since)
                if until is None or r[0] <= until]
        worst = (0.0, None)
        for a, b in zip(rows, rows[1:]):
            if (b[0] - a[0]) / 1e6 > worst[0]:
                worst = ((b[0] - a[0]) / 1e6, a[0])
        return worst

    def arp_doubles(self, since=0, window_ms=15):
        """ARP answers of two nodes to what must be one question."""
        rows = self.macs(since)
        return [(a, b) for a, b in zip(rows, rows[1:])
                if a[1] != b[1] and (b[0] - a[0]) / 1e6 < window_ms]

    def stop(self):
        self.proc.stop(signal.SIGKILL)


class Lab:
    def __init__(self, nodes=("alpha", "beta"), client=True):
        global _count
        _count += 1
        self.marker = f"vipair-lab-{os.getpid()}-{_count}"
        self.dir = tempfile.mkdtemp(prefix=self.marker + "-")
        os.chmod(self.dir, 0o755)
        self.cond = threading.Condition()
        self.began = mono_ns()
        self.marks, self.procs, self.rules, self.closers = [], [], [], []
        self.holders = []
        self.nodes = {}
        self.may_double = False
        self.capture = self.kernel = self.switch = None
        self.measured = []
        try:
            self.switch = Holder("switch", marker=self.marker)
            self.holders.append(self.switch)
            self.switch_run("ip", "link", "add", "name", "br0", "type",
                            "bridge", "stp_state", "0", "forward_delay",
                            "0", "mcast_snooping", "0")
            self.switch_run("ip", "link", "set", "br0", "up")
            self.kernel = watch.AddressWatch(self)
            self.capture = watch.Capture(self)
            for n in nodes:
                self.add_node(n)
            if client:
                self.client = self.add_node("client", echo=False)
        except BaseException:
            self.close()
            raise

    def add_node(self, name, echo=True, **boot):
        node = Node(self, name, echo)
        self.nodes[name] = node
        node.boot(**boot)
        setattr(self, name, node)
        return node

    def stranger(self):
        """A machine on the LAN that belongs to nobody."""
        return self.nodes.get("attacker") or self.add_node("attacker",
                                                           echo=False)

    def switch_run(self, *argv, input=None):
        p = subprocess.run(
            ["/usr/bin/nsenter", "-t", str(self.switch.pid), "-n", "--",
             *argv], text=True, input=input, capture_output=True, timeout=30)
        if p.returncode != 0:
            raise RuntimeError(f"switch: {' '.join(argv)}: {p.stderr}")
        return p.stdout

    # -- faults of the wire

    def load_rules(self):
        body = "\n".join("    " + r.text for r in self.rules)
        self.switch_run("nft", "-f", "-", input=f"""
table bridge lab
delete table bridge lab
table bridge lab {{
  chain forward {{
    type filter hook forward priority 0;
{body}
  }}
}}
""")

    def lose(self, src=None, dst=None, percent=None, match=""):
        """Frames from src to dst are lost; None is anybody."""
        text = ""
        if src:
            text += f'iifname "{src.port}" '
        if dst:
            text += f'oifname "{dst.port}" '
        if match:
            text += match + " "
        if percent is not None:
            text += f"numgen random mod 1000 < {int(percent * 10)} "
        rule = Rule(self, text + "drop")
        self.mark("lose: " + rule.text)
        self.rules.append(rule)
        self.load_rules()
        return rule

    def cut(self, node):
        """The node is alone, and its carrier does not tell."""
        rules = [Rule(self, f'iifname "{node.port}" drop'),
                 Rule(self, f'oifname "{node.port}" drop')]
        self.mark(f"{node.name} silently cut off")
        self.rules += rules
        self.load_rules()
        return rules

    def heal(self):
        self.mark("healed")
        self.rules.clear()
        self.load_rules()
        return mono_ns()

    # -- what was seen

    def mark(self, text):
        self.marks.append((mono_ns(), text))

    def notify(self):
        with self.cond:
            self.cond.notify_all()

    def wait_for(self, predicate, timeout=10.0, what="event"):
        """The predicate's value as soon as it is true; each event asks it
        again, and so does every 50th millisecond."""
        end = time.monotonic() + timeout
        while True:
            value = predicate()
            if value:
                return value
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not within {timeout:g} s: {what}")
            with self.cond:
                self.cond.wait(min(0.05, left))

    def adverts(self, node=None, since=0, kind=None, until=None):
        return [a for a in list(self.capture.adverts)
                if a.ns >= since and (node is None or a.node == node)
                and (until is None or a.ns <= until)
                and (kind is None or a.kind == kind)]

    def last_words(self, node, since):
        """The first resignation of a node, as soon as it was heard."""
        return self.wait_for(
            lambda: [a for a in self.adverts(node, since) if a.resigns], 5,
            f"{node} resigns")[0]

    def arps(self, node=None, since=0, address=VIP):
        return [a for a in list(self.capture.arps)
                if a.ns >= since and (node is None or a.node == node)
                and a.spa == address]

    def announcements(self, node=None, since=0):
        return [a for a in self.arps(node, since) if a.gratuitous]

    def holders_of(self, address=VIP):
        return self.kernel.holders(address)

    def wait_holder(self, name, timeout=15, address=VIP):
        """Until exactly this node's kernel has the address; when it got
        it."""
        self.wait_for(lambda: self.holders_of(address) == [name], timeout,
                      f"{name} alone holds {address}")
        return self.kernel.changes(address)[-1].ns

    def wait_nobody(self, timeout=15, address=VIP):
        self.wait_for(lambda: not self.holders_of(address), timeout,
                      f"nobody holds {address}")
        return mono_ns()

    def stays(self, name, seconds, address=VIP):
        """The address does not move for so long; ends early when it does."""
        since = mono_ns()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            moved = [e for e in self.kernel.changes(address, since)]
            assert not moved, f"the address moved: {moved}"
            with self.cond:
                self.cond.wait(min(0.1, max(0.001, end - time.monotonic())))
        assert self.holders_of(address) == [name]

    def elapse(self, seconds):
        """Time passes; for faults whose length is the point."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.cond:
                self.cond.wait(max(0.001, end - time.monotonic()))

    def measure(self, what, value, unit="ms"):
        line = f"{what}: {value:.1f} {unit}"
        self.measured.append(line)
        print("MEASURED " + line, file=sys.stderr)
        return value

    def story(self):
        """All that happened, in order; for the report of a failed test."""
        rows = [(ns, "**", t) for ns, t in self.marks]
        for e in self.kernel.events if self.kernel else []:
            if e.changed and e.address == VIP:
                rows.append((e.ns, e.node,
                             ("+ " if e.present else "- ") + e.address))
        for a in self.capture.adverts if self.capture else []:
            t = a.trailer
            rank = f"skew {a.base}/{a.skew}" if a.kind == "carp" \
                else f"prio {a.priority}"
            more = f" term {t.term} flags {t.flags:x} seq {t.seq:x}" \
                if t else ""
            rows.append((a.ns, a.node, f"advert {a.kind} {a.vhid} {rank}"
                         f" {a.checksum} from {a.src}{more}"))
        for a in self.capture.arps if self.capture else []:
            if a.spa == VIP and a.gratuitous:
                rows.append((a.ns, a.node, f"arp op {a.op} {a.spa} is at "
                             f"{a.sha}"))
        for p in self.procs:
            if p.name not in ("probe", "echo", "flood"):
                rows += [(ns, p.name, t) for ns, t in list(p.lines)]
        rows.sort(key=lambda r: r[0])
        # what a node repeats is told once
        text, skipped, last = [], 0, {}
        for ns, who, what in rows:
            key = what.split(" seq ")[0]
            if last.get(who) == key:
                skipped += 1
                continue
            if skipped:
                text.append(f"            ... {skipped} more")
                skipped = 0
            last[who] = key
            text.append(f"{(ns - self.began) / 1e9:9.4f} {who:10} {what}")
        return "\n".join(text[-400:])

    # -- the end

    def close(self):
        """Takes all down and says what was left; nothing is right."""
        for c in self.closers:
            c()
        for h in self.holders:
            try:
                h.kill()
            except (OSError, subprocess.SubprocessError):
                pass
        for p in self.procs:
            try:
                p.outer.wait(timeout=10)
            except subprocess.TimeoutExpired:
                p.outer.kill()
                p.outer.wait()
            p.reader.join(timeout=5)
            p.outer.stdout.close()
        if self.capture:
            self.capture.close()
        if self.kernel:
            self.kernel.close()
        left = []
        for h in self.holders:
            left += [f"process {p}" for p in h.leftovers()]
            h.close()
        with open("/proc/self/mountinfo") as f:
            left += ["mount " + ln for ln in f if self.marker in ln]
        shutil.rmtree(self.dir, ignore_errors=True)
        if os.path.exists(self.dir):
            left.append(self.dir)
        return left


def _comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def _kill(pid, sig):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass
