# SPDX-License-Identifier: ISC
"""
`vipctl pair`: two bare machines with sshd and the same configuration; what
they have of each other afterwards, and what the key can do.
"""

import os
import re
import shlex
import stat
import subprocess

import pytest
from lab.fixtures import make_lab
from ship_pair import find, make_accounts

CONF = "/run/lab/vipair.conf"
HOME = "/var/lib/vipair/receiver"
SSHD = "/run/lab/sshd"
TEXT = """pair "vpn" {
	virtual address 192.168.70.222
	node "alpha" address 192.168.70.1 prefer
	node "beta" address 192.168.70.2
	secret file "/run/lab/vpn.secret"
}
"""


def vipctl():
    return os.path.join(os.path.dirname(find("receiver")), "..", "..", "bin",
                        "vipctl")


class Machine:
    def __init__(self, lab, node):
        self.lab, self.node = lab, node
        node.sh("mkdir -p /run/sshd /run/lab; chmod 755 /run /run/lab"
                " /run/sshd; mount -t tmpfs -o mode=700 tmpfs /root")
        self.own_accounts()
        node.write(CONF, TEXT)
        self.start_sshd()

    def own_accounts(self):
        """_syncr with a home of its own, in this mount namespace only."""
        with open("/etc/passwd", encoding="utf-8") as f:
            text = re.sub(r"^(_syncr:.*?:.*?:.*?:.*?):.*:(.*)$",
                          rf"\1:{HOME}:/bin/sh", f.read(), flags=re.M)
        self.node.write("/run/lab/passwd", text)
        self.node.sh("chmod 644 /run/lab/passwd;"
                     " mount --bind /run/lab/passwd /etc/passwd")

    def start_sshd(self):
        self.node.sh(f"ssh-keygen -q -t ed25519 -N '' -C '' -f {SSHD}.host")
        self.node.write(f"{SSHD}.conf", f"""
ListenAddress {self.node.address}
HostKey {SSHD}.host
PidFile none
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
LogLevel VERBOSE
""")
        self.sshd = self.node.popen(["/usr/sbin/sshd", "-D", "-e", "-f",
                                     f"{SSHD}.conf"], name="sshd")
        self.lab.wait_for(lambda: self.sshd.said("Server listening"), 10,
                          f"sshd on {self.node.name}")

    def let_in(self, other):
        """root of the other machine may log in here: the administrator."""
        other.node.sh("mkdir -m 700 -p /root/.ssh; test -f /root/.ssh/id || "
                      "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id")
        other.node.write("/root/.ssh/config",
                         "IdentityFile /root/.ssh/id\n"
                         "StrictHostKeyChecking accept-new\n")
        self.node.sh("mkdir -m 700 -p /root/.ssh")
        self.node.write("/root/.ssh/authorized_keys",
                        other.node.read("/root/.ssh/id.pub"))

    def vipctl(self, *args, input=None):
        return subprocess.run(
            self.node.holder.nsenter() + [vipctl(), "-f", CONF, *args],
            input=input, capture_output=True, timeout=60, text=True)

    def as_sync(self, *words, known=True):
        """What somebody with the node's private key can do."""
        d = "/var/lib/vipair/ssh/vpn"
        argv = ["setpriv", "--reuid", "_syncd", "--regid", "_syncd",
                "--clear-groups", "ssh", "-F", "none", "-i",
                f"{d}/id_ed25519", "-o", f"UserKnownHostsFile={d}/known_hosts",
                "-o", "HostKeyAlias=" + ("beta" if self.node.name == "alpha"
                                         else "alpha"),
                "-o", "BatchMode=yes", "-T",
                "_syncr@192.168.70." + ("2" if self.node.name == "alpha"
                                        else "1"), *words]
        return subprocess.run(self.node.holder.nsenter() + argv,
                              capture_output=True, timeout=30, text=True,
                              stdin=subprocess.DEVNULL)

    def mode(self, path):
        st = os.stat(self.node.path(path))
        return stat.S_IMODE(st.st_mode), st.st_uid


@pytest.fixture
def bare(request):
    make_accounts()
    lab = make_lab(request, nodes=(), client=False)
    both = []
    for name in ("alpha", "beta"):
        lab.add_node(name, echo=False)
        both.append(Machine(lab, getattr(lab, name)))
    return both


def check_paired(alpha, beta):
    for a, b in ((alpha, beta), (beta, alpha)):
        done = a.vipctl("pair", "--prove")
        assert done.returncode == 0, done.stderr
        assert f"{a.node.name} reaches {b.node.name}" in done.stdout
        assert a.mode("/var/lib/vipair/ssh/vpn/id_ed25519")[0] == 0o600
        assert a.mode(f"{HOME}/.ssh/authorized_keys") == (0o644, 0)
        assert a.mode("/run/lab/vpn.secret") == (0o600, 0)
        line = a.node.read(f"{HOME}/.ssh/authorized_keys").splitlines()
        assert len(line) == 1
        assert line[0].startswith(f'restrict,from="{b.node.address}",'
                                  f'command="')
    assert alpha.node.read("/run/lab/vpn.secret") == \
        beta.node.read("/run/lab/vpn.secret")


def test_by_login(bare):
    alpha, beta = bare
    beta.let_in(alpha)
    # a login shell finds vipctl by the directory it was installed in
    done = alpha.vipctl("pair", "192.168.70.2")
    assert done.returncode == 0, done.stderr
    check_paired(alpha, beta)
    # nothing of the login is kept
    assert alpha.node.sh("ls -d /tmp/vipair-pair.* 2>/dev/null || true"
                         ).stdout.strip() == ""
    # again: nothing is made anew
    key = alpha.node.read("/var/lib/vipair/ssh/vpn/id_ed25519")
    assert alpha.vipctl("pair", "192.168.70.2").returncode == 0
    assert alpha.node.read("/var/lib/vipair/ssh/vpn/id_ed25519") == key
    check_paired(alpha, beta)


def test_by_hand(bare):
    alpha, beta = bare
    card = alpha.vipctl("pair", "--print")
    assert card.returncode == 0, card.stderr
    assert beta.vipctl("pair", "--accept", "-",
                       input=card.stdout).returncode == 0
    back = beta.vipctl("pair", "--print")
    assert alpha.vipctl("pair", "--accept", "-",
                        input=back.stdout).returncode == 0
    check_paired(alpha, beta)
    # the forced command and nothing else
    for words in (["id"], ["sh", "-c", "id"], ["rsync", "--server", "/"], []):
        done = alpha.as_sync(*words)
        assert done.returncode != 0
        assert "for vipair only" in done.stderr
        assert done.stdout == ""
    assert alpha.vipctl("unpair").returncode == 0
    assert alpha.vipctl("pair", "--prove").returncode == 1
    assert beta.vipctl("pair", "--prove").returncode == 1
    assert alpha.node.read(f"{HOME}/.ssh/authorized_keys") == ""


def test_refused(bare):
    alpha, beta = bare
    for words, code, why in (
            (["192.168.70.3"], 1, "has address 192.168.70.2"),
            ([], 64, "partner's address"),
            (["--print", "--prove"], 64, "one of"),
            (["--accept", "/nonexistent"], 1, "No such file"),
            (["192.168.70.2", "dmz"], 1, "no pair 'dmz'")):
        done = alpha.vipctl("pair", *words)
        assert done.returncode == code, (words, done.stderr)
        assert why in done.stderr
    # no login there: told what to do instead
    alpha.node.sh("mkdir -m 700 -p /root/.ssh")
    alpha.node.write("/root/.ssh/config",
                     "BatchMode yes\nStrictHostKeyChecking accept-new\n")
    done = alpha.vipctl("pair", "192.168.70.2")
    assert done.returncode == 1
    assert "--print" in done.stderr
    # a card of another node, our own, and two different secrets
    mine = alpha.vipctl("pair", "--print").stdout
    done = alpha.vipctl("pair", "--accept", "-", input=mine)
    assert done.returncode == 1 and "expected beta" in done.stderr
    card = beta.vipctl("pair", "--print").stdout
    done = alpha.vipctl("pair", "--accept", "-", input=card)
    assert done.returncode == 1 and "another secret" in done.stderr
    assert shlex.quote(card) and not os.path.exists(
        alpha.node.path("/var/lib/vipair/ssh/vpn/known_hosts"))
