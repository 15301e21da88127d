# SPDX-License-Identifier: ISC
"""vrrpd and the programs it has to get along with, as Debian has them."""

import hashlib
import json
import os
import signal

from .lab import VHID, VIP, _comm, _kill

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PREFIX = os.environ.get("VIPAIR_PREFIX",
                        os.path.join(TOP, "build", "ci", "prefix"))
KEY = hashlib.sha256(b"the pair of the laboratory").digest()
CONF = "/run/lab/vipair.conf"
SECRET = "/run/lab/vpn.secret"
ROOMS = ("vrrpd", "elector", "actuator", "keeper", "mirror", "capture")


def conf(protocol="carp", interval="1s", more="", nodes=None, vhid=VHID,
         secret=True, foreign=None, prefer="alpha", vips=(VIP,)):
    """The text of a configuration; `more` is put inside the pair."""
    lines = ['pair "vpn" {']
    lines += [f"\tvirtual address {v}" for v in vips]
    for name, addr in (nodes or {"alpha": "192.168.70.1",
                                 "beta": "192.168.70.2"}).items():
        lines.append(f'\tnode "{name}" address {addr}'
                     + (" prefer" if name == prefer else "")
                     + (" foreign" if name == foreign else ""))
    lines += [f"\tprotocol {protocol}", f"\tvhid {vhid}",
              f"\tadvertise every {interval}"]
    if secret:
        lines.append(f'\tsecret file "{SECRET}"')
    lines += ["\t" + ln for ln in more.strip().splitlines()]
    return "\n".join(lines) + "\n}\n"


def secret_text(carp=None, keys=((1, KEY),), active=1):
    out = ""
    if carp is not None:
        out += f'carp "{carp}"\n'
    for number, key in keys:
        out += f"key {number} hex:{key.hex()}\n"
    if keys:
        out += f"active {active}\n"
    return out


class Daemon:
    """What all of them can: start, be killed, be stopped and thawed."""

    def __init__(self, node):
        self.node, self.lab = node, node.lab
        self.proc = None

    @property
    def name(self):
        return self.node.name

    def stop(self, timeout=20):
        self.lab.mark(f"SIGTERM to {self.proc.name}")
        return self.proc.stop(signal.SIGTERM, timeout)

    def pids(self):
        raise NotImplementedError

    def kill(self):
        """SIGKILL to all of its processes, in one go."""
        self.lab.mark(f"kill -9 {self.proc.name}")
        for p in self.pids():
            _kill(p, signal.SIGKILL)

    def freeze(self):
        self.lab.mark(f"SIGSTOP {self.proc.name}")
        for p in self.pids():
            _kill(p, signal.SIGSTOP)

    def thaw(self):
        self.lab.mark(f"SIGCONT {self.proc.name}")
        for p in self.pids():
            _kill(p, signal.SIGCONT)


class Vrrpd(Daemon):
    def __init__(self, node, text=None, secret=None, start=True, debug=True,
                 **kw):
        super().__init__(node)
        self.text = text if text is not None else conf(**kw)
        self.secret = secret if secret is not None else secret_text()
        self.debug = debug
        if start:
            self.start()

    def configure(self, text=None, secret=None):
        self.text = text if text is not None else self.text
        self.secret = secret if secret is not None else self.secret
        self.node.write(CONF, self.text)
        self.node.write(SECRET, self.secret, 0o600)

    def start(self):
        self.configure()
        flags = "-dv" if self.debug else "-d"
        self.proc = self.node.popen(
            [os.path.join(PREFIX, "sbin", "vrrpd"), flags, "-f", CONF],
            name="vrrpd@" + self.name)
        return self

    @property
    def log(self):
        return self.proc.text

    def rooms(self):
        """Name of the room -> pid."""
        return {_comm(p): p for p in self.node.pids() if _comm(p) in ROOMS}

    def pids(self):
        return [p for p in self.node.pids() if _comm(p) in ROOMS]

    def kill(self):
        """All at the same moment: stopped first, so that none of them sees
        another one die."""
        self.lab.mark(f"kill -9 {self.proc.name}")
        pids = self.pids()
        for sig in (signal.SIGSTOP, signal.SIGKILL):
            for p in pids:
                _kill(p, sig)

    def room(self, name, timeout=10, but=None):
        """The pid of a room, other than `but`, as soon as it runs."""
        def there():
            pid = self.rooms().get(name)
            return pid if pid != but else None
        return self.lab.wait_for(there, timeout,
                                 f"{name} runs on {self.name}")

    def kill_room(self, name, sig=signal.SIGKILL):
        pid = self.room(name)
        self.lab.mark(f"signal {int(sig)} to {name} of {self.name}")
        _kill(pid, sig)
        return pid

    def vipctl(self, *argv, check=False, timeout=20, user=None):
        cmd = [os.path.join(PREFIX, "bin", "vipctl"), "-f", CONF, *argv]
        if user:
            cmd = ["setpriv", f"--reuid={user}", "--clear-groups",
                   "--no-new-privs", *cmd]
        return self.node.run(*cmd, check=check, timeout=timeout)

    def status(self):
        """The whole answer; {} while the daemon cannot be asked."""
        out = self.vipctl("-j", "status").stdout
        try:
            return json.loads(out)
        except ValueError:
            return {}

    def pair(self):
        pairs = self.status().get("pairs") or [{}]
        return pairs[0]

    def role(self):
        return self.pair().get("role")

    def problems(self):
        return [p["id"] for p in self.pair().get("problems", [])]

    def wait_role(self, role, timeout=20):
        return self.lab.wait_for(lambda: self.role() == role, timeout,
                                 f"{self.name} is {role}")

    def wait_problem(self, ident, timeout=10):
        def there():
            for p in self.pair().get("problems", []):
                if p["id"] == ident:
                    return p
            return None
        return self.lab.wait_for(there, timeout,
                                 f"{self.name} names problem {ident}")

    def wait_no_problem(self, ident, timeout=15):
        def gone():
            p = self.pair()
            return p and ident not in [x["id"] for x in p["problems"]]
        return self.lab.wait_for(gone, timeout,
                                 f"problem {ident} of {self.name} ends")


class Ucarp(Daemon):
    """ucarp with scripts that put the address on and off."""

    def __init__(self, node, password="secret", vhid=VHID, base=1, skew=0,
                 preempt=False, start=True):
        super().__init__(node)
        self.argv = ["/usr/sbin/ucarp", "-i", "eth0", "-s", node.address,
                     "-v", str(vhid), "-p", password, "-a", VIP, "-b",
                     str(base), "-k", str(skew), "-z",
                     "-u", "/run/lab/up", "-d", "/run/lab/down"]
        if preempt:
            self.argv.append("-P")
        if start:
            self.start()

    def start(self):
        self.node.write("/run/lab/up", "#!/bin/sh\n/usr/sbin/ip addr add "
                        f"{VIP}/32 dev \"$1\"\n", 0o755)
        self.node.write("/run/lab/down", "#!/bin/sh\n/usr/sbin/ip addr del "
                        f"{VIP}/32 dev \"$1\"\n", 0o755)
        self.proc = self.node.popen(self.argv, name="ucarp@" + self.name)
        return self

    def pids(self):
        return [p for p in self.node.pids() if _comm(p) == "ucarp"]


class Keepalived(Daemon):
    def __init__(self, node, version=2, priority=100, interval=1,
                 preempt=False, password=None, vhid=VHID, start=True,
                 more=""):
        super().__init__(node)
        auth = ""
        if password:
            auth = ("    authentication {\n      auth_type PASS\n"
                    f"      auth_pass {password}\n    }}\n")
        self.text = f"""global_defs {{
  vrrp_version {version}
}}
vrrp_instance vpn {{
    state BACKUP
    interface eth0
    virtual_router_id {vhid}
    priority {priority}
    advert_int {interval}
    {'' if preempt else 'nopreempt'}
{auth}{more}    virtual_ipaddress {{
      {VIP}/32 dev eth0
    }}
}}
"""
        if start:
            self.start()

    def start(self):
        self.node.write("/run/lab/keepalived.conf", self.text)
        self.proc = self.node.popen(
            ["/usr/sbin/keepalived", "--dont-fork", "--log-console",
             "--log-detail", "--vrrp", "--use-file",
             "/run/lab/keepalived.conf", "--pid", "/run/lab/ka.pid",
             "--vrrp_pid", "/run/lab/ka_vrrp.pid"],
            name="keepalived@" + self.name)
        return self

    def pids(self):
        return [p for p in self.node.pids()
                if _comm(p).startswith("keepalived")]


class Frr(Daemon):
    """zebra and FRR's vrrpd; the address sits on a macvlan that zebra takes
    up and down, so who holds it is told by who answers, not by who has it."""

    MACVLAN = "vrrp4-2-94"

    def __init__(self, node, version=3, priority=100, interval=1,
                 preempt=False, vhid=VHID, start=True):
        super().__init__(node)
        self.version, self.priority, self.vhid = version, priority, vhid
        self.interval_ms = int(interval * 1000)
        self.preempt = preempt
        self.zebra = None
        if start:
            self.start()

    def start(self):
        n = self.node
        n.write("/run/lab/vrrpd.conf", f"""interface eth0
 vrrp {self.vhid} version {self.version}
 vrrp {self.vhid} priority {self.priority}
 vrrp {self.vhid} advertisement-interval {self.interval_ms}
 {'' if self.preempt else 'no '}vrrp {self.vhid} preempt
 vrrp {self.vhid} ip {VIP}
""")
        n.write("/run/lab/zebra.conf", "log stdout\n")
        n.run("/bin/sh", "-c", "install -d -o frr -g frr /run/frr; "
              "chown frr:frr /run/lab/vrrpd.conf /run/lab/zebra.conf")
        n.ip("link", "add", "name", self.MACVLAN, "link", "eth0",
             "type", "macvlan", "mode", "bridge")
        n.ip("link", "set", self.MACVLAN, "address",
             f"00:00:5e:00:01:{self.vhid:02x}")
        n.ip("addr", "add", f"{VIP}/32", "dev", self.MACVLAN)
        n.ip("link", "set", self.MACVLAN, "up")
        self.zebra = n.popen(
            ["/usr/lib/frr/zebra", "-f", "/run/lab/zebra.conf", "-i",
             "/run/frr/zebra.pid", "--log", "stdout"],
            name="zebra@" + self.name)
        self.lab.wait_for(lambda: os.path.exists(
            n.path("/run/frr/zserv.api")), 15, "zebra listens")
        self.proc = n.popen(
            ["/usr/lib/frr/vrrpd", "-f", "/run/lab/vrrpd.conf", "-i",
             "/run/frr/vrrpd.pid", "--log", "stdout", "--log-level",
             "info"], name="frr@" + self.name)
        return self

    def pids(self):
        return [p for p in (self.proc.pid, ) if p]

    def stop(self, timeout=20):
        return super().stop(timeout)
