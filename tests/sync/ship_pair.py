# SPDX-License-Identifier: ISC
"""
Two machines of the laboratory with an sshd each, and what the sync tests do
with them: a store, a key, a pinned host key, the receiver as forced command.

Everything is below the node's private /run and /var/lib; only the accounts
_syncd and _syncr are the machine's own, and made when they are missing.
"""

import os
import pwd
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
              os.path.join(build, "tests", "sync")):
        if p and os.path.exists(os.path.join(p, name)):
            return os.path.join(p, name)
    raise RuntimeError(f"{name} is not built: ninja -C {build} install")


def make_accounts():
    """_syncr runs sshd's forced command, so it has a shell; neither has a
    password, and '*' is not the mark of a locked account."""
    for name, group, shell in (("_syncd", None, "/usr/sbin/nologin"),
                               ("_syncr", "_syncd", "/bin/sh")):
        try:
            pwd.getpwnam(name)
        except KeyError:
            argv = ["useradd", "--system", "--no-create-home",
                    "--home-dir", "/nonexistent", "--shell", shell,
                    "--password", "*"]
            argv += ["--gid", group] if group else ["--user-group"]
            subprocess.run(argv + [name], check=False, capture_output=True)
        if pwd.getpwnam(name).pw_shell != shell:
            subprocess.run(["usermod", "--shell", shell, "--password", "*",
                            name], check=True)


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

    def objects(self):
        found = []
        for d, _, names in os.walk(self.store("objects")):
            found += [os.path.join(d, n) for n in names]
        return found


class Ship:
    """mirror-ship on a machine."""

    def __init__(self, machine, bandwidth=0, env=None):
        self.machine, self.lab = machine, machine.lab
        argv = ["/usr/bin/setpriv", "--reuid", "_syncd", "--regid", "_syncd",
                "--clear-groups", "--", find("mirror-ship"), PAIR, STORE, RUN,
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

    def quit(self):
        if self.proc.running:
            self.tell("quit")
            self.proc.wait(10)

    def kill(self):
        self.proc.signal(9)
        self.proc.wait(10)


class SshPair:
    def __init__(self, lab):
        make_accounts()
        self.lab = lab
        self.receiver = find("receiver")
        for name in ("alpha", "beta"):
            lab.add_node(name, echo=False)
        self.alpha = Machine(lab, lab.alpha)
        self.beta = Machine(lab, lab.beta)
        for a, b in ((self.alpha, self.beta), (self.beta, self.alpha)):
            a.trust(b, self.receiver)
            a.start_sshd()
        self.ships = []

    def ship(self, machine=None, **kw):
        s = Ship(machine or self.alpha, **kw)
        self.ships.append(s)
        return s

    def receivers(self, machine):
        """pids of the receivers on a machine, as we number them."""
        return [p for p in machine.node.pids() if comm(p) == "receiver"]

    def kill(self, machine, name):
        """SIGKILL to all processes of that name there; how many."""
        n = 0
        for p in machine.node.pids():
            if comm(p) == name:
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
