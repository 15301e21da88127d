# SPDX-License-Identifier: ISC
"""
Two machines of the laboratory with an sshd each, and what the sync tests do
with them: a store, a key, a pinned host key, the receiver as forced command.

Everything is below the node's private /run and /var/lib; only the accounts
_syncd and _syncr are the machine's own, and made when they are missing.
"""

import fcntl
import hashlib
import os
import pwd
import re
import struct
import subprocess

from lab.proc import Proc

PAIR = "vpn"
STORE = f"/var/lib/vipair/store/{PAIR}"
RUN = "/run/vipair"
SSH = "/run/lab/ssh"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def find(name):
    """A program of the build: installed, or as meson left it."""
    build = os.environ.get("VIPAIR_BUILD", os.path.join(TOP, "build", "ci"))
    prefix = os.environ.get("VIPAIR_PREFIX", os.path.join(build, "prefix"))
    for p in (os.environ.get("VIPAIR_SYNC_BIN"),
              os.path.join(prefix, "libexec", "vipair"),
              os.path.join(build, "syncd", "receiver"),
              os.path.join(build, "syncd", "mirror"),
              os.path.join(build, "tests", "sync")):
        if p and os.path.exists(os.path.join(p, name)):
            return os.path.join(p, name)
    raise RuntimeError(f"{name} is not built: ninja -C {build} install")


def make_accounts():
    """_syncr runs sshd's forced command, so it has a shell and a home that is
    there; neither has a password, and '*' is not the mark of a locked
    account."""
    lock = open("/run/lock/vipair-tests-accounts", "w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, group, shell in (("_syncd", None, "/usr/sbin/nologin"),
                                   ("_syncr", "_syncd", "/bin/sh")):
            want = ["--home-dir", "/", "--shell", shell, "--password", "*"]
            try:
                have = pwd.getpwnam(name)
            except KeyError:
                argv = ["useradd", "--system", "--no-create-home", *want]
                argv += ["--gid", group] if group else ["--user-group"]
                subprocess.run(argv + [name], check=True)
                continue
            if (have.pw_dir, have.pw_shell) != ("/", shell):
                want[0] = "--home"
                subprocess.run(["usermod", *want, name], check=True)


class Machine:
    """One node: sshd, store, run directory, key."""

    def __init__(self, lab, node, port=22):
        self.lab, self.node, self.port = lab, node, port
        self.sshd = None
        self.key_pub = self.host_pub = None
        self._dirs()
        self._keys()

    def _dirs(self):
        # sshd insists that root alone can write above what it reads
        self.node.sh(f"""
            mkdir -p {SSH} /run/sshd {RUN} {STORE}
            chmod 755 /run /run/lab {SSH} /run/sshd /var/lib
            chown -R _syncd:_syncd {RUN} /var/lib/vipair
            chmod 2770 {RUN} {STORE}
            chmod 755 /var/lib/vipair /var/lib/vipair/store
        """)
        self.say()

    def say(self, role=1, may=1):
        """The word of a node whose mirror is not there: a receiver may
        write."""
        with open(self.node.path(f"{RUN}/{PAIR}.word"), "wb") as f:
            f.write(struct.pack("!QQQ", 0, 0, may) + b"vS"
                    + struct.pack("!BBIIBBH", 14, 0, 68, 0, role, 0, 0)
                    + bytes(60))
            os.fchmod(f.fileno(), 0o644)

    def _keys(self):
        self.node.sh(f"""
            ssh-keygen -q -t ed25519 -N '' -C '' -f {SSH}/host
            ssh-keygen -q -t ed25519 -N '' -C '' -f {SSH}/id
            chown _syncd {SSH}/id
        """)
        self.key_pub = self.node.read(f"{SSH}/id.pub").strip()
        self.host_pub = self.node.read(f"{SSH}/host.pub").strip()

    def trust(self, other, receiver):
        """The partner's key may run the receiver here; its host key is the
        one we expect there."""
        self.node.write(f"{SSH}/authorized_keys",
                        f'restrict,from="{other.node.address}",'
                        f'command="{receiver} {PAIR} {STORE} {RUN}" '
                        f"{other.key_pub}\n")
        self.node.write(f"{SSH}/known_hosts",
                        f"partner {other.host_pub}\n")
        self.node.write(f"{SSH}/config", f"""
Host partner
    HostName {other.node.address}
    HostKeyAlias partner
    Port {other.port}
    User _syncr
    IdentityFile {SSH}/id
    UserKnownHostsFile {SSH}/known_hosts
""")

    def start_sshd(self):
        self.node.write(f"{SSH}/sshd_config", f"""
ListenAddress {self.node.address}:{self.port}
HostKey {SSH}/host
AuthorizedKeysFile {SSH}/authorized_keys
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers _syncr
LogLevel VERBOSE
""")
        self.sshd = self.node.popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", f"{SSH}/sshd_config"],
            name="sshd")
        self.lab.wait_for(lambda: self.sshd.said("Server listening"), 10,
                          f"sshd on {self.node.name}")

    def ssh(self, word, who=None, timeout=20, input=None, extra=()):
        """What somebody with the key can do: any command at all."""
        argv = ["/usr/bin/ssh", "-F", f"{SSH}/config", "-o", "BatchMode=yes",
                "-T", *extra, "partner"]
        if word is not None:
            argv.append(word)
        return subprocess.run(
            self.node.holder.nsenter() + ["setpriv", "--reuid", "_syncd",
                                          "--regid", "_syncd",
                                          "--clear-groups", "--"] + argv,
            input=input, capture_output=True, timeout=timeout)

    def store(self, *parts):
        return self.node.path("/".join((STORE,) + parts))

    def head(self):
        """The names of the newest manifests, as the disk has them."""
        try:
            return sorted(os.listdir(self.store("manifests")))
        except OSError:
            return []

    def newest(self):
        """(generation, head) of HEAD, the commit point, or (0, None)."""
        try:
            with open(self.store("HEAD")) as f:
                text = f.read()
        except OSError:
            return 0, None
        return (int(re.search(r"^generation (\d+)$", text, re.M)[1]),
                re.search(r"^head ([0-9a-f]{64})$", text, re.M)[1])

    def verify(self):
        """I1, from the bytes on disk: every manifest is its head, each
        follows the one before, every object is its name, and what the one
        of HEAD needs is there.  Manifests above it were never committed; of
        several that came at once the last one's objects are here only."""
        heads, need = {}, {}
        newest, head = self.newest()
        for name in self.head():
            g, h = name.split(".")
            with open(self.store("manifests", name), "rb") as f:
                text = f.read()
            prev = re.search(rb"^previous ([0-9a-f]{64})$", text, re.M)[1]
            sum_ = hashlib.sha256(bytes.fromhex(prev.decode()) + text)
            assert sum_.hexdigest() == h, name
            if int(g) - 1 in heads:
                assert heads[int(g) - 1] == prev.decode(), name
            heads[int(g)] = h
            if int(g) > newest:
                continue
            if b"\nkind full\n" in text:
                need = {}
            for ln in text.split(b"\n")[11:-1]:
                f = ln.lstrip(b"+").split(b" ")
                if ln[:1] == b"-":
                    need.pop(ln[1:], None)
                elif f[0] in (b"f", b"q"):
                    need[f[11]] = f[8].decode()
        here = set()
        for path in self.objects():
            with open(path, "rb") as f:
                assert hashlib.sha256(f.read()).hexdigest() == \
                    os.path.basename(path)
            here.add(os.path.basename(path))
        assert not newest or heads[newest] == head
        assert not set(need.values()) - here
        return heads

    def objects(self):
        found = []
        for d, _, names in os.walk(self.store("objects")):
            found += [os.path.join(d, n) for n in names]
        return found


class Ship:
    """mirror-ship on a machine."""

    def __init__(self, machine, bandwidth=0, env=None, caps=()):
        self.machine, self.lab = machine, machine.lab
        argv = ["/usr/bin/setpriv", "--reuid", "_syncd", "--regid", "_syncd",
                "--clear-groups", *caps, "--", find("mirror-ship"), PAIR, STORE, RUN,
                f"{SSH}/config", find("bulkssh"), str(bandwidth)]
        self.proc = Proc(self.lab, machine.node.holder, argv,
                         f"ship-{machine.node.name}", env=env, stdin=True)
        self.acked_from = 0

    def tell(self, *lines):
        for ln in lines:
            self.proc.outer.stdin.write(ln + "\n")
        self.proc.outer.stdin.flush()

    def lines(self, word):
        return [t for _, t in list(self.proc.lines) if t.startswith(word)]

    def wait(self, word, timeout=20, count=1):
        """The count-th line that starts with the word."""
        def there():
            got = self.lines(word)
            if self.lines("failed"):
                raise AssertionError("\n".join(self.lines("failed")))
            if len(got) < count and not self.proc.running:
                raise AssertionError(f"ship ended: {self.proc.text}")
            return len(got) >= count and got[count - 1]
        return self.lab.wait_for(there, timeout, f"ship says: {word}")

    def publish(self, timeout=30):
        """A generation, acknowledged; its number."""
        n = len(self.lines("published"))
        self.tell("publish")
        g = self.wait("published", timeout, n + 1).split()
        self.wait(f"acked {g[1]} {g[2]}", timeout)
        return int(g[1])

    def active(self, term, node=0):
        self.tell(f"active {term} {node}", "word 2 1 1")
        return self

    def acked(self):
        """The highest generation it was told is durable over there."""
        return max([int(t.split()[1]) for t in self.lines("acked")],
                   default=0)

    def quit(self):
        if self.proc.running:
            try:
                self.tell("quit")
                self.proc.wait(10)
            except (BrokenPipeError, subprocess.TimeoutExpired):
                self.kill()

    def kill(self):
        self.proc.stop(9)


class SshPair:
    machine = Machine

    def __init__(self, lab):
        make_accounts()
        self.lab = lab
        self.receiver = find("receiver")
        for name in ("alpha", "beta"):
            lab.add_node(name, echo=False)
        self.alpha = self.machine(lab, lab.alpha)
        self.beta = self.machine(lab, lab.beta)
        for a, b in ((self.alpha, self.beta), (self.beta, self.alpha)):
            a.trust(b, self.receiver)
            a.start_sshd()
        self.ships = []

    def ship(self, machine=None, **kw):
        s = Ship(machine or self.alpha, **kw)
        self.ships.append(s)
        return s

    def named(self, machine, name):
        """pids of that name there, as we number them."""
        return [p for p in machine.node.pids() if comm(p) == name]

    def kill(self, machine, name):
        """SIGKILL to all processes of that name there; how many."""
        n = 0
        for p in self.named(machine, name):
            try:
                os.kill(p, 9)
                n += 1
            except ProcessLookupError:
                pass
        return n


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""
