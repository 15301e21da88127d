# SPDX-License-Identifier: ISC
"""Those who bring a tree from alpha to beta, each in a laboratory of its
own."""

import ctypes
import os
import select
import subprocess
import time

from lab.lab import Lab
from pair_kit import BASE, SYNC, DataPair, make_accounts

FREE_PORT = 2222
OWN = "/var/lib/own"            # of the sshd that runs anything
TICK = os.sysconf("SC_CLK_TCK")
libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Waits for a condition that can only change when a directory does."""

    EVENTS = 0x2 | 0x8 | 0x80 | 0x100

    def __init__(self, *dirs):
        self.fd = libc.inotify_init1(os.O_NONBLOCK)
        for d in dirs:
            if libc.inotify_add_watch(self.fd, os.fsencode(d),
                                      self.EVENTS) < 0:
                raise OSError(ctypes.get_errno(), d)

    def until(self, condition, timeout, what):
        end = time.monotonic() + timeout
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not within {timeout} s: {what}")
            # now and then without an event: nothing may hang here
            if select.select([self.fd], [], [], min(left, 0.25))[0]:
                os.read(self.fd, 65536)

    def close(self):
        os.close(self.fd)


def count(top):
    """Of the files below a directory."""
    return sum(len(names) for _, _, names in os.walk(top))


def cpu_s(holder):
    """Of all processes of a machine, with those that ended."""
    total = 0
    for pid in holder.pids() + [holder.pid]:
        try:
            with open(f"/proc/{pid}/stat") as f:
                w = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(x) for x in w[11:15])
    return total / TICK


class Subject:
    fills, most, delay_s = False, 1000, 0.3

    def __init__(self):
        self.lab = Lab(client=False)
        self.pair = None

    def live(self, name):
        return os.path.join(self.lab.alpha.lib, BASE[len("/var/lib/"):],
                            name)

    def copy(self, name):
        return os.path.join(self.lab.beta.lib, "copy", name)

    def make_tree(self, files, size=200):
        """Files of that size, a hundred in a directory."""
        for i in range(files):
            d = self.live(f"tree/d{i // 100}")
            if i % 100 == 0:
                os.makedirs(d, exist_ok=True)
            with open(f"{d}/f{i}", "wb") as f:
                f.write(os.urandom(size) if size > 4096 else
                        (b"%d " % i * size)[:size])

    def put(self, name, text):
        """One event, so that nobody starts for a temporary name."""
        new = self.live("new")
        with open(new, "w") as f:
            f.write(text)
        t = time.monotonic()
        os.rename(new, self.live(name))
        return t

    def cpu(self):
        return sum(cpu_s(n.holder) for n in (self.lab.alpha, self.lab.beta))

    def close(self):
        left = self.lab.close()
        assert not left, left

    # what each of them has to say

    def start(self):
        """Until the tree is over there."""
        raise NotImplementedError

    def change(self, name, text):
        """Seconds until it counts."""
        raise NotImplementedError


class Vipair(Subject):
    fills = True

    def __init__(self, service=False, more=""):
        super().__init__()
        self.pair = DataPair(self.lab, files=0, service=service, more=more)
        self.watch = None

    def start(self, timeout=900):
        self.pair.start(timeout)
        self.settled()
        self.watch = Watch(self.lab.alpha.path(SYNC))
        return self

    def settled(self, timeout=300):
        """Until the standby has prepared the first tree and laid it out,
        as the others have by then."""
        b, ours = self.pair.b, count(self.live("tree"))
        since = [time.monotonic()]

        def done():
            if b.pids_of("loader"):
                since[0] = time.monotonic()
            return time.monotonic() - since[0] > 3 and \
                count(b.disk(f"{BASE}/tree")) >= ours
        self.lab.wait_for(done, timeout, "the standby has settled")

    def acked(self):
        return self.pair.a.mirror().get("acked", 0)

    def change(self, name, text):
        before = self.acked()
        t = self.put(name, text)
        self.watch.until(lambda: self.acked() > before, 30, "acknowledged")
        t = time.monotonic() - t
        assert self.pair.b.committed(text, before), "another change"
        return t


class Ssh(Subject):
    """A sshd that lets root do anything, and a held connection to it."""

    def __init__(self):
        super().__init__()
        make_accounts()
        a, b = self.lab.alpha, self.lab.beta
        for n in (a, b):
            n.sh(f"mkdir -p {OWN} /run/sshd {BASE}/tree /var/lib/copy && "
                 f"chmod 755 {OWN}")
        a.sh(f"ssh-keygen -q -t ed25519 -N '' -C '' -f {OWN}/id")
        b.sh(f"ssh-keygen -q -t ed25519 -N '' -C '' -f {OWN}/host")
        b.write(f"{OWN}/keys", a.read(f"{OWN}/id.pub"))
        # sshd's shell reads what is in root's home, and that may take long
        b.sh("mount -t tmpfs none /root")
        b.write(f"{OWN}/sshd", f"""
ListenAddress {b.address}:{FREE_PORT}
HostKey {OWN}/host
AuthorizedKeysFile {OWN}/keys
PidFile none
PermitRootLogin yes
UsePAM no
LogLevel ERROR
""")
        a.write(f"{OWN}/known", f"partner {b.read(OWN + '/host.pub')}\n")
        base = f"""
Host partner
    HostName {b.address}
    HostKeyAlias partner
    Port {FREE_PORT}
    User root
    IdentityFile {OWN}/id
    UserKnownHostsFile {OWN}/known
    BatchMode yes
"""
        a.write(f"{OWN}/plain", base)
        a.write(f"{OWN}/held", base + f"    ControlPath {OWN}/ctl\n"
                "    ControlMaster no\n")
        b.popen(["/usr/sbin/sshd", "-D", "-e", "-f", f"{OWN}/sshd"],
                name="sshd")
        self.lab.wait_for(lambda: b.sh(
            f"ss -Hltn sport = :{FREE_PORT}").stdout.strip(), 10, "sshd")

    def hold(self):
        a = self.lab.alpha
        a.popen(["/usr/bin/ssh", "-F", f"{OWN}/held", "-o",
                 "ControlMaster=yes", "-N", "partner"], name="master")
        self.lab.wait_for(lambda: os.path.exists(a.path(f"{OWN}/ctl")), 15,
                          "ssh master")


class Rsync(Ssh):
    """Somebody who runs rsync right after the change."""

    fills, options = True, ()

    def rsync(self):
        p = subprocess.run(
            self.lab.alpha.holder.nsenter() +
            ["/usr/bin/rsync", "-a", "--delete", *self.options, "-e",
             f"/usr/bin/ssh -F {OWN}/held", f"{BASE}/tree/",
             "partner:/var/lib/copy/"], capture_output=True, text=True)
        assert p.returncode == 0, p.stderr

    def start(self):
        self.hold()
        self.rsync()
        return self

    def change(self, name, text):
        t = self.put(name, text)
        self.rsync()
        t = time.monotonic() - t
        with open(self.copy(name[len("tree/"):])) as f:
            assert f.read() == text
        return t

    def cpu(self):
        c = os.times()
        return super().cpu() + c.children_user + c.children_system


class RsyncFsync(Rsync):
    fills, options = False, ("--fsync",)


class Lsyncd(Ssh):
    """With the delay that its default.rsync has."""

    most, delay, conf = 3, None, "plain"

    def start(self):
        if self.conf == "held":
            self.hold()
        delay = "" if self.delay is None else f"    delay = {self.delay},\n"
        self.lab.alpha.write(f"{OWN}/lsyncd.lua", f"""
settings {{ nodaemon = true, inotifyMode = "CloseWrite or Modify" }}
sync {{
    default.rsync,
    source = "{BASE}/tree/",
    target = "partner:/var/lib/copy/",
{delay}    rsync = {{
        archive = true,
        rsh = "/usr/bin/ssh -F {OWN}/{self.conf}"
    }}
}}
""")
        self.proc = self.lab.alpha.popen(
            ["/usr/bin/lsyncd", f"{OWN}/lsyncd.lua"], name="lsyncd")
        n = count(self.live("tree"))

        def there():
            assert self.proc.running, self.proc.text
            return count(self.copy("")) >= n
        self.lab.wait_for(there, 300, "lsyncd has copied the tree")
        self.lab.wait_for(lambda: not [
            p for p in self.lab.alpha.pids() if _is_rsync(p)], 60)
        return self

    def change(self, name, text):
        there = self.copy(name[len("tree/"):])
        w = Watch(os.path.dirname(there))

        def arrived():
            with open(there) as f:
                return f.read() == text
        try:
            t = self.put(name, text)
            w.until(arrived, 60, "readable over there")
            t = time.monotonic() - t
        finally:
            w.close()
        return t


class LsyncdBest(Lsyncd):
    most, delay, conf = 1000, 0, "held"


def _is_rsync(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip() == "rsync"
    except OSError:
        return False


SUBJECTS = {"vipair": Vipair, "lsyncd": Lsyncd, "lsyncd-best": LsyncdBest,
            "rsync": Rsync, "rsync-fsync": RsyncFsync}
