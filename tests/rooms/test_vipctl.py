# SPDX-License-Identifier: ISC
"""vipctl as people and scripts call it: words, exit codes, terminals, and a
real pair behind it."""

import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from lab.daemons import CONF, PREFIX
from lab.pair import Pair

VIPCTL = os.path.join(PREFIX, "bin", "vipctl")
RESULT, END = 9, 10
BUSY, NOT_PERMITTED = 6, 5


def run(*argv, **env):
    return subprocess.run([VIPCTL, *argv], text=True, capture_output=True,
                          timeout=10, env={**os.environ, **env})


@pytest.fixture
def conf(tmp_path):
    """A configuration whose daemon is not there."""
    (tmp_path / "run").mkdir()
    f = tmp_path / "vipair.conf"
    f.write_text(f'''run directory "{tmp_path}/run"
pair "vpn" {{
	virtual address 192.168.70.222
	node "alpha" address 192.168.70.1 prefer
	node "beta" address 192.168.70.2
}}
''')
    return f


class Fake:
    """A daemon that answers every client with the same bytes."""

    def __init__(self, conf, name, answer):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.bind(str(conf.parent / "run" / name))
        self.s.listen(8)
        self.answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            with c:
                c.recv(4096)
                c.sendall(self.answer)


def result(code):
    return struct.pack("=HHIIBxxx", RESULT, 16, 0, code, 0)


def test_usage():
    p = run()
    assert p.returncode == 64 and "which command" in p.stderr
    p = run("statsu")
    assert p.returncode == 64 and "'status'" in p.stderr
    assert run("-x").returncode == 64
    assert run("--nothing").returncode == 64
    assert run("status", "--nothing").returncode == 64
    assert run("h").returncode == 64
    assert run("wait").returncode == 64
    assert run("wait", "--for", "master").returncode == 64
    assert run("maintenance", "maybe").returncode == 64
    assert run("maintenance", "on", "--for", "0s").returncode == 64
    assert run("maintenance", "off", "--for", "0s").returncode == 64
    assert run("-f").returncode == 64
    assert run("sync").returncode == 64
    assert run("sync", "then").returncode == 64
    assert run("sync", "now", "--yes").returncode == 64
    assert run("diff", "1").returncode == 64
    assert run("restore", "1").returncode == 64
    assert run("restore", "1", "--live", "--yes").returncode == 64
    assert run("diverged", "adopt").returncode == 64
    assert run("check", "--sync-warn", "soon").returncode == 64


def test_no_data(conf):
    """A pair without a sync block has no generations."""
    for words in (["generations"], ["generations", "vpn"], ["diff", "1", "2"],
                  ["diverged"], ["restore", "1", "--live"]):
        p = run("-f", conf, *words)
        assert p.returncode == 1 and "sync block" in p.stderr, words


def test_data_of_others(conf, tmp_path):
    """The store is root's and _syncd's to read: 77, and how."""
    text = conf.read_text()
    conf.write_text(f'state directory "{tmp_path}/state"\n' +
                    text.rstrip().rstrip("}") +
                    '\tsync on change and every 60s {\n\t\tbase "/srv/x"\n'
                    '\t\ttree "d"\n\t}\n}\n')
    store = tmp_path / "state" / "store" / "vpn"
    store.mkdir(parents=True)
    for d in [tmp_path, *tmp_path.parents][:-1]:
        os.chmod(d, os.stat(d).st_mode | 0o055)
    os.chmod(store, 0o770)
    assert run("-f", conf, "generations").returncode == 0
    p = subprocess.run([VIPCTL, "-f", conf, "generations"], user=65534,
                       group=65534, extra_groups=[], text=True,
                       capture_output=True, timeout=10)
    assert p.returncode == 77 and "_syncd" in p.stderr, p
    p = subprocess.run([VIPCTL, "-f", conf, "restore", "1", "--to", "/tmp/x"],
                       user=65534, group=65534, extra_groups=[], text=True,
                       capture_output=True, timeout=10)
    assert p.returncode == 77 and "sudo" in p.stderr, p


def test_help_and_version():
    p = run("help")
    assert p.returncode == 0 and "handover" in p.stdout
    assert run("-h").stdout == p.stdout == run("--help").stdout
    assert "--timeout" in run("help", "handover").stdout
    assert run("handover", "-h").stdout == run("help", "hand").stdout
    assert run("version").stdout.startswith("vipctl ")
    assert json.loads(run("-j", "version").stdout)["version"]


@pytest.mark.parametrize("word", ["init", "apply", "drill", "undo-wipe"])
def test_words_of_other_versions(word):
    p = run(word, "--whatever")
    assert p.returncode == 1
    assert p.stderr == f"vipctl: {word}: not available in this version\n"


def test_no_daemon(conf):
    for cmd, code in (("status", 3), ("is-active", 3), ("check", 3),
                      ("role", 69), ("why", 69), ("history", 69),
                      ("handover", 69), ("metrics", 69), ("monitor", 69),
                      ("sync now", 69), ("sync status", 69),
                      ("sync allow --yes", 69)):
        p = run("-f", conf, *cmd.split())
        assert p.returncode == code, cmd
        assert "not reachable" in p.stdout + p.stderr, cmd
        assert "active" not in p.stdout
    out = json.loads(run("-f", conf, "-j", "status").stdout)
    assert out["pairs"] == [] and out["node"] is None
    assert "not reachable" in out["error"]


def test_quiet(conf):
    p = run("-f", conf, "-q", "status")
    assert (p.returncode, p.stdout, p.stderr) == (3, "", "")
    p = run("-f", conf, "is-active", "-q")
    assert (p.returncode, p.stdout, p.stderr) == (3, "", "")


def test_broken_configuration_blocks_nothing(conf):
    with open(conf, "a") as f:
        f.write('pair "x" { nonsense }}}\n')
    Fake(conf, "status.sock", result(BUSY))
    p = run("-f", conf, "role")
    assert p.returncode == 75 and "try again" in p.stderr


@pytest.mark.parametrize("answer,code", [
    (result(BUSY), 75), (result(NOT_PERMITTED), 77), (b"", 69),
    (b"\xff" * 4096, 69), (struct.pack("=HHI", END, 8, 0), 69)])
def test_strange_daemons(conf, answer, code):
    Fake(conf, "status.sock", answer)
    p = run("-f", conf, "role")
    assert p.returncode == code and p.stderr and not p.stdout


def test_no_right_to_change(conf):
    s = socket.socket(socket.AF_UNIX)
    path = str(conf.parent / "run" / "control.sock")
    s.bind(path)
    os.chmod(path, 0o600)
    for d in conf.parents:
        if "pytest" in str(d):
            os.chmod(d, 0o755)
    p = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", VIPCTL,
                        "-f", conf, "maintenance", "off"],
                       text=True, capture_output=True, timeout=10)
    assert p.returncode == 77 and "_vrrpd" in p.stderr


def test_validate_offline(conf):
    p = run("validate", "--offline", conf)
    assert p.returncode in (0, 1) and "GOOD" in p.stdout
    conf.write_text('pair "vpn" {\n\tvirtual adress 1.2.3.4\n}\n')
    p = run("validate", "--offline", conf)
    assert p.returncode == 2 and "BAD" in p.stdout and "2:" in p.stdout
    out = json.loads(run("-j", "validate", "--offline", conf).stdout)
    assert out["verdict"] == "bad" and out["problems"][0]["line"] == 2
    assert run("validate", "--offline", "/nonexistent").returncode == 3
    p = run("validate")
    assert p.returncode == 1 and "not available" in p.stderr


def test_explain():
    ids = [ln.split()[0] for ln in run("explain").stdout.splitlines()]
    assert "W21" in ids and "C01" in ids
    assert [e["id"] for e in json.loads(run("-j", "explain").stdout)] == ids
    for i in ids:
        assert run("explain", i.lower()).stdout.startswith(i)
    assert run("explain", "W99").returncode == 1


def test_completion(tmp_path):
    f = tmp_path / "vipctl.bash"
    f.write_text(run("completion", "bash").stdout)
    script = (f". {f}; COMP_WORDS=(vipctl %s); COMP_CWORD=%d; _vipctl; "
              "echo ${COMPREPLY[*]}")

    def complete(words, n):
        return subprocess.run(["bash", "-c", script % (words, n)], text=True,
                              capture_output=True, check=True).stdout.split()
    assert complete("hand", 1) == ["handover"]
    assert complete("wait --for st", 3) == ["standby", "starting"]
    assert complete("maintenance o", 2) == ["on", "off"]
    assert "--count" in complete("monitor --", 2)
    assert run("completion", "zsh").stdout.startswith("#compdef vipctl")
    assert run("completion", "fish").returncode == 64


class Terminal:
    """vipctl on a terminal of its own."""

    def __init__(self, argv, rows=24, columns=80, **env):
        self.m, self.s = pty.openpty()
        self.size(rows, columns)
        self.before = termios.tcgetattr(self.s)
        self.out = b""
        self.p = subprocess.Popen(
            argv, stdin=self.s, stdout=self.s, stderr=self.s,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **env})

    def size(self, rows, columns):
        fcntl.ioctl(self.m, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.m], [], [], 0.05)[0]:
                self.out += os.read(self.m, 65536)

    def until(self, text, seconds=10):
        end = time.monotonic() + seconds
        while text.encode() not in self.out:
            assert time.monotonic() < end, (text, self.out[-2000:])
            self.read(0.05)

    def frame(self):
        """The lines of the last whole frame."""
        f = self.out.decode().split("\033[H")[-2]
        return [ln.replace("\033[K", "").rstrip("\r")
                for ln in f.split("\n")]

    def end(self):
        """Its exit code; the terminal must be as it was."""
        code = self.p.wait(10)
        self.read(0.2)
        assert termios.tcgetattr(self.s) == self.before
        assert self.out.endswith(b"\033[?25h\033[?1049l")
        os.close(self.m)
        os.close(self.s)
        return code


@pytest.mark.parametrize("sig,code", [
    (None, 0), (signal.SIGINT, 0), (signal.SIGTERM, 143),
    (signal.SIGHUP, 129)])
def test_watch_restores_the_terminal(conf, sig, code):
    t = Terminal([VIPCTL, "-f", conf, "watch"])
    t.until("not reachable")
    if sig is None:
        os.write(t.m, b"q")
    else:
        t.p.send_signal(sig)
    assert t.end() == code


def test_colour_only_where_wanted(conf):
    assert "\033" not in run("-f", conf, "status").stdout
    t = Terminal([VIPCTL, "help"])
    t.until("handover")
    assert b"\033" not in t.out


@pytest.fixture
def pair(lab, users):
    return Pair(lab)


def test_status_of_a_pair(pair):
    p = pair.a.vipctl("status")
    assert p.returncode == 0, p.stdout
    assert "HEALTHY" in p.stdout and "If alpha dies now: beta" in p.stdout
    p = pair.b.vipctl("status", "-b")
    assert p.stdout.count("\n") == 1 and "STANDBY" in p.stdout
    s = pair.b.status()
    assert s["schema"] == 1 and s["node"] == "beta"
    one = s["pairs"][0]
    assert one["verdict"] == "healthy"
    assert one["partner"]["name"] == "alpha"
    assert one["partner"]["role"] == "active"
    assert one["partner"]["heard_s"] < 1.5
    assert one["addresses"][0]["present"] is False
    assert set(one["data"].values()) == {None}
    assert one["interface"] == "eth0"
    assert 2 <= one["takeover_s"][0] < one["takeover_s"][1] < 4
    assert json.loads(pair.a.vipctl("-j", "why").stdout)["role"] == "active"
    assert json.loads(pair.a.vipctl("-j", "history").stdout)[0]["term"] == 1


def test_a_frozen_daemon_is_not_active(pair):
    pair.a.freeze()
    p = pair.a.vipctl("status")
    assert p.returncode == 3 and "ACTIVE" not in p.stdout
    assert pair.a.vipctl("is-active").returncode == 3
    pair.a.thaw()


def test_failback(pair):
    p = pair.a.vipctl("failback")
    assert p.returncode == 0 and "nothing to do" in p.stdout
    assert pair.a.vipctl("handover").returncode == 0
    p = pair.a.vipctl("failback")
    assert p.returncode == 1 and "beta" in p.stderr
    p = pair.b.vipctl("-j", "failback")
    out = json.loads(p.stdout)
    assert out["active"] == "alpha" and out["outage_s"] < 0.5


def test_handover_to_nobody(pair):
    pair.b.stop()
    p = pair.a.vipctl("handover", timeout=30)
    assert p.returncode == 1 and "nobody took over" in p.stderr
    assert pair.a.vipctl("is-active").returncode == 0


def test_only_root_changes(pair):
    assert pair.a.vipctl("status", user="nobody").returncode == 0
    p = pair.a.vipctl("handover", user="nobody")
    assert p.returncode == 77 and "_vrrpd" in p.stderr


def test_check_and_metrics(pair):
    p = pair.a.vipctl("check")
    assert p.returncode == 0 and p.stdout.startswith("VIPAIR OK - vpn")
    assert " | " in p.stdout and p.stdout.count("\n") == 1
    text = pair.a.vipctl("metrics").stdout
    assert 'vipair_active{pair="vpn"} 1\n' in text
    assert "vipair_up 1\n" in text


def test_watch_lines(pair):
    p = pair.lab.alpha.popen([VIPCTL, "-f", CONF, "watch"])
    pair.lab.wait_for(lambda: "alpha is active" in p.text, 10, "first line")
    assert pair.a.vipctl("handover").returncode == 0
    pair.lab.wait_for(lambda: "active -> standby" in p.text, 10, "the event")
    assert "an operator asked for a handover" in p.text
    pair.a.stop()
    pair.lab.wait_for(lambda: "not reachable" in p.text, 10, "it is gone")
    pair.a.start()
    pair.lab.wait_for(lambda: "alpha is st" in p.text, 20, "it is back")
    p.stop(signal.SIGTERM)


def test_watch_screen(pair):
    t = Terminal([*pair.lab.alpha.holder.nsenter(), VIPCTL, "-f", CONF,
                  "watch"])
    t.until("ACTIVE for")
    assert pair.a.vipctl("handover").returncode == 0
    t.until("STANDBY for")
    t.until("active -> standby")
    t.out = b""
    t.size(20, 40)
    t.read(2)
    plain = [ln for ln in t.frame() if "\033" not in ln]
    assert plain and all(len(ln) <= 40 for ln in plain), plain
    assert len(t.frame()) <= 20
    os.write(t.m, b"q")
    assert t.end() == 0
