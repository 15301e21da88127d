# SPDX-License-Identifier: ISC
"""
Two whole nodes with data: vrrpd, sshd, keys and places as `vipctl pair` makes
them, a service that writes to a database all the time, a tree of files.

Everything lies below the node's private /var/lib (its disk, which survives a
power loss) and /run (its memory, which does not).
"""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile

import pair_writer
from lab import daemons
from lab.lab import VIP
from lab.netns import mono_ns
from ship_pair import Machine, comm, make_accounts

HERE = os.path.dirname(os.path.abspath(__file__))
LIBEXEC = os.path.join(daemons.PREFIX, "libexec", "vipair")
PYTHON = "/usr/bin/python3"
PAIR = "vpn"
STATE, RUN = "/var/lib/vipair", "/run/vipair"
STORE, SYNC = f"{STATE}/store/{PAIR}", f"{RUN}/sync"
KEYS = f"{STATE}/ssh/{PAIR}"
SSH = "/var/lib/lab"            # of sshd; root alone can write above it
BASE = "/var/lib/data"
DB = f"{BASE}/db/app.db"
PORT = 22
PARTNER = {"alpha": "beta", "beta": "alpha"}

SERVICE = f"""
service exec {{
	start "{PYTHON} {HERE}/pair_writer.py start {BASE}"
	stop "{PYTHON} {HERE}/pair_writer.py stop {BASE}"
	check "{PYTHON} {HERE}/pair_writer.py check {BASE}"
	start timeout 15s
	stop timeout 5s
	check every 1s, give up after 3
}}
"""
DATA = """
sync on change and every 10s {
	base "%s"
	tree "tree"
%s}
""" % (BASE, "%s")


def data_conf(more="", service=True, entries="", **kw):
    if service:
        more += SERVICE
        entries += '\tsqlite "db/app.db"\n'
    return daemons.conf(more=DATA % entries + more, **kw)


class DataNode(Machine):
    """One node; it can lose power and come back with its disk."""

    def __init__(self, pair, node, conf, secret):
        self.lab, self.node, self.pair, self.port = (pair.lab, node, pair,
                                                     PORT)
        self.vrrpd = daemons.Vrrpd(node, conf, secret, start=False,
                                   debug=False)
        self.sshd = None
        self.lib = node.lib
        self.away = {}          # inside path: mounted over it
        self._dirs()
        self._keys()

    @property
    def name(self):
        return self.node.name

    def disk(self, inside):
        """A path below /var/lib from here, also when the power is off."""
        assert inside.startswith("/var/lib/")
        for d in self.away:
            if inside.startswith(d):
                return self.node.path(inside)
        return os.path.join(self.lib, inside[len("/var/lib/"):])

    def store(self, *parts):
        return self.disk("/".join((STORE,) + parts))

    def head(self):
        """Up to HEAD, which is read first: what lies behind it belongs to a
        commit under way, or to one that died."""
        try:
            with open(self.store("HEAD")) as f:
                g = int(re.search(r"^generation (\d+)$", f.read(), re.M)[1])
        except FileNotFoundError:
            return []
        return [n for n in super().head() if int(n.split(".")[0]) <= g]

    def _dirs(self):
        self.node.sh(f"""
            install -d -m 755 {SSH}
            install -d -m 711 -o _vrrpd -g _vrrpd {STATE}
            install -d -m 755 {STATE}/store
            install -d -m 2770 -o _syncd -g _syncd {STORE}
            install -d -m 750 -g _syncd {STATE}/ssh {KEYS}
            install -d -m 755 -o daemon -g daemon {BASE} {BASE}/db \
                {BASE}/tree
        """)

    def _keys(self):
        self.node.sh(f"""
            ssh-keygen -q -t ed25519 -N '' -C '' -f {SSH}/host
            ssh-keygen -q -t ed25519 -N '' -C '' -f {KEYS}/id_ed25519
            chown _syncd:_syncd {KEYS}/id_ed25519
        """)
        self._read_keys()

    def _read_keys(self):
        self.key_pub = self.node.read(f"{KEYS}/id_ed25519.pub").strip()
        self.host_pub = self.node.read(f"{SSH}/host.pub").strip()

    def trust(self, other):
        self.node.write(f"{SSH}/authorized_keys",
                        f'restrict,from="{other.node.address}",'
                        f'command="{LIBEXEC}/receiver {PAIR} {STORE} {SYNC}" '
                        f"{other.key_pub}\n")
        self.node.write(f"{KEYS}/known_hosts",
                        f"{other.name} {other.host_pub}\n")
        # what somebody with the key would use, not what the mirror uses
        self.node.write(f"{SSH}/config", f"""
Host partner
    HostName {other.node.address}
    HostKeyAlias {other.name}
    Port {PORT}
    User _syncr
    IdentityFile {KEYS}/id_ed25519
    UserKnownHostsFile {KEYS}/known_hosts
""")

    def ssh(self, word, timeout=20, input=None, extra=()):
        """What somebody with the key can do: any command at all."""
        argv = ["/usr/bin/ssh", "-F", f"{SSH}/config", "-o", "BatchMode=yes",
                "-T", *extra, "partner"]
        argv += [word] if word is not None else []
        return subprocess.run(
            self.node.holder.nsenter() + [
                "setpriv", "--reuid", "_syncd", "--regid", "_syncd",
                "--clear-groups", "--"] + argv,
            input=input, capture_output=True, timeout=timeout)

    def start_sshd(self):
        self.node.sh("mkdir -p /run/sshd")
        self.node.write(f"{SSH}/sshd_config", f"""
ListenAddress {self.node.address}:{PORT}
HostKey {SSH}/host
AuthorizedKeysFile {SSH}/authorized_keys
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers _syncr
LogLevel ERROR
""")
        self.sshd = self.node.popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", f"{SSH}/sshd_config"],
            name="sshd-" + self.name)

        def listens():
            return self.node.sh(f"ss -Hltn sport = :{PORT}",
                                check=False).stdout.strip()
        self.lab.wait_for(listens, 10, f"sshd on {self.name}")

    def start(self):
        if self.sshd is None or not self.sshd.running:
            self.start_sshd()
        self.vrrpd.start()

    def power_off(self):
        self.away = {}
        return self.node.power_off()

    def power_on(self):
        self.node.power_on()
        self.sshd = None
        self.start()

    def small_disk(self, inside, size, owner, mode="2770"):
        """The directory is on a disk of its own, and that is small."""
        self.node.sh(f"mount -t tmpfs -o size={size},mode={mode},"
                     f"uid=$(id -u {owner}),gid=$(id -g {owner}) "
                     f"small {inside}")
        self.away[inside] = True

    # -- what it says

    def data(self):
        return self.vrrpd.pair().get("data") or {}

    def mirror(self):
        """What the mirror wrote down; {} when there is nothing."""
        try:
            with open(self.node.path(f"{SYNC}/{PAIR}.mirror"), "rb") as f:
                return mirror_state(f.read())
        except (OSError, struct.error):
            return {}

    def vipctl(self, *argv, **kw):
        return self.vrrpd.vipctl(*argv, **kw)

    def json(self, *argv):
        p = self.vrrpd.vipctl("-j", *argv)
        return json.loads(p.stdout) if p.stdout.strip() else {}

    def pids_of(self, *names):
        return [p for p in self.node.pids() if comm(p) in names]

    # -- its data

    def live(self, name):
        return self.disk(f"{BASE}/{name}")

    def fill(self, files=1000, size=200, seed=""):
        """The tree: files of that size in directories of a hundred."""
        for i in range(files):
            d = self.live(f"tree/d{i // 100}")
            if i % 100 == 0:
                os.makedirs(d, exist_ok=True)
            with open(f"{d}/f{i}", "w") as f:
                f.write((f"{seed}{i} " * size)[:size])
        self.own("tree")

    def own(self, *names):
        for n in names:
            self.node.run("chown", "-R", "daemon:daemon", f"{BASE}/{n}")

    def put(self, name, text):
        """One small change, as an editor makes it; when it was made."""
        path = self.live(name)
        with open(path + "~", "w") as f:
            f.write(text)
        os.chown(path + "~", 1, 1)
        t = mono_ns()
        os.rename(path + "~", path)
        return t

    def get(self, name):
        try:
            with open(self.live(name)) as f:
                return f.read()
        except OSError:
            return None

    def tree(self):
        """name -> bytes, of all files below the tree."""
        return read_tree(self.live("tree"))

    def writing(self):
        """The service is there."""
        return bool(self.pids_of("pair_writer"))

    def seq(self):
        """The last transaction the service committed; its own word."""
        return int(self.get("said") or 0)

    def branches(self):
        return self.json("diverged").get("branches", [])

    def holds(self, text):
        """A file of that content is in the store, wherever it belongs."""
        h = hashlib.sha256(text.encode()).hexdigest()
        try:
            with open(self.store("objects", h[:2], h)) as f:
                return f.read() == text
        except OSError:
            return False

    def committed(self, text, since=0):
        """The first generation after `since` that has a file of that
        content, or None."""
        h = hashlib.sha256(text.encode()).hexdigest()
        if not os.path.exists(self.store("objects", h[:2], h)):
            return None
        for name in self.head():
            g = int(name.split(".")[0])
            if g > since:
                with open(self.store("manifests", name), "rb") as f:
                    if h.encode() in f.read():
                        return g
        return None

    def judge(self):
        """(why it is broken or None, last transaction) of the database at
        rest, with its log; looked at in a copy."""
        with tempfile.TemporaryDirectory() as top:
            for suffix in ("", "-wal", "-journal"):
                try:
                    shutil.copyfile(self.live("db/app.db") + suffix,
                                    f"{top}/x.db{suffix}")
                except FileNotFoundError:
                    pass
            return pair_writer.judge(f"{top}/x.db")

    def judge_running(self):
        """The same beside the service, as its user."""
        out = self.node.run("setpriv", "--reuid=daemon", "--regid=daemon",
                            "--clear-groups", PYTHON,
                            f"{HERE}/pair_writer.py", "judge",
                            DB).stdout.split(" ", 1)
        return out[1].strip() or None, int(out[0])


# The end of struct sync_mirror_state (common/syncstate.h).
_MIRROR = struct.Struct("=qqqqQqQQQqQQQQQQqII")
_NAMES = ("since_ns heard_ns acked_ns rtt_ns generation made_ns bytes entries "
          "acked behind_since_ns run_total run_done rate free partner "
          "changes lag_ns data_state pad").split()


def mirror_state(data):
    if struct.unpack_from("=I", data, 12)[0] != len(data):
        return {}
    return dict(zip(_NAMES, _MIRROR.unpack_from(data,
                                                len(data) - _MIRROR.size)))


def read_tree(top):
    found = {}
    for d, _, names in os.walk(top):
        for n in names:
            path = os.path.join(d, n)
            try:
                with open(path, "rb") as f:
                    found[os.path.relpath(path, top)] = f.read()
            except FileNotFoundError:
                pass
    return found


class DataPair:
    """alpha is preferred and becomes active; nothing runs before start()."""

    def __init__(self, lab, files=1000, entries="", service=True, more="",
                 text=None, **kw):
        make_accounts()
        self.lab = lab
        secret = daemons.secret_text()
        text = text or data_conf(more, service, entries, **kw)
        self.a = DataNode(self, lab.alpha, text, secret)
        self.b = DataNode(self, lab.beta, text, secret)
        self.meet()
        self.service = service
        if files:
            self.a.fill(files)

    def meet(self):
        self.a.trust(self.b)
        self.b.trust(self.a)

    def of(self, name):
        return self.a if name == "alpha" else self.b

    def start(self, timeout=60):
        """Both from cold, until the standby has everything."""
        self.a.start()
        self.lab.wait_for(lambda: self.a.vrrpd.proc.said("pair vpn"), 10,
                          "alpha's elector runs")
        self.b.start()
        self.lab.wait_holder("alpha", 30)
        if self.service:
            self.lab.wait_for(self.a.writing, 20, "the service writes")
        self.level(self.a, timeout)
        return self

    def level(self, node=None, timeout=30):
        """Until what the active has now is acknowledged; the generation."""
        node = node or self.active()
        base = {}

        def there():
            m = node.mirror()
            if not m or not m["generation"]:
                return None
            first = base.setdefault("g", m["generation"])
            return m["acked"] if m["acked"] >= first and \
                self.ready(self.of(PARTNER[node.name])) else None
        try:
            return self.lab.wait_for(
                there, timeout, f"what {node.name} has is acknowledged")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.story()}") from None

    def story(self):
        """What both nodes say of themselves."""
        text = []
        for n in (self.a, self.b):
            for argv in (("status",), ("sync", "status")):
                try:
                    p = n.vipctl(*argv, timeout=5)
                    text.append(f"{n.name}: {p.stdout}{p.stderr}")
                except (RuntimeError, subprocess.SubprocessError) as e:
                    text.append(f"{n.name}: {e}")
            text.append(f"{n.mirror()}")
        return "\n".join(text)

    def ready(self, node):
        """May take over: its own word."""
        base = node.mirror()
        return base.get("data_state") in (0, 1, 4) and \
            base.get("generation", 0) > 0

    def active(self):
        held = self.lab.holders_of(VIP)
        assert len(held) == 1, held
        return self.of(held[0])

    def change(self, node, name, text, timeout=20):
        """One small change until it is acknowledged: seconds."""
        other = self.of(PARTNER[node.name])
        since = other.newest()[0]
        t = node.put(name, text)
        g = self.lab.wait_for(lambda: other.committed(text, since), timeout,
                              f"{name} is on {other.name}")
        self.lab.wait_for(lambda: node.mirror().get("acked", 0) >= g,
                          timeout, f"{node.name} knows of it")
        return (mono_ns() - t) / 1e9

    def takes_over(self, name, timeout=30):
        """Until that node holds the address and its service runs."""
        node = self.of(name)
        self.lab.wait_holder(name, timeout)
        if self.service:
            self.lab.wait_for(node.writing, timeout,
                              f"the service runs on {name}")
        return node

    def well(self, node, least):
        """Its database is sound and at least that new."""
        why, seq = node.judge_running() if node.writing() else node.judge()
        assert why is None, f"{node.name}: {why}"
        assert seq >= least, f"{node.name}: {seq}, acknowledged {least}"
        return seq
