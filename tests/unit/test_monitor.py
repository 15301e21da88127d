#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""vipctl monitor --read: argv[1] is vipctl, argv[2] the golden captures.

Each capture is read with a configuration made from its manifest and must
say what the manifest says; then the same frames behind other link headers,
with other stamps, cut short, replayed, forged; and files that are none.
"""
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

VIPCTL, CAPTURES = sys.argv.pop(1), sys.argv.pop(1)
DRAFT_KEY = bytes(range(32)).hex()
TIME = re.compile(r"^2026-11-23T\d\d:\d\d:\d\d\.\d+Z$")


def records(path):
    """Frames of a little-endian capture with their stamps."""
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at < len(data):
        s, frac, cap, _ = struct.unpack_from("<IIII", data, at)
        yield s, frac, data[at + 16:at + 16 + cap]
        at += 16 + cap


def pcap(frames, link=1, order="<", magic=0xa1b23c4d):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for s, frac, frame, whole in frames:
        out += struct.pack(order + "IIII", s, frac, len(frame), whole)
        out += frame
    return out


class Monitor(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.conf = None

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def write(self, name, data, mode=0o600):
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)
        return path

    def configure(self, vip, nodes, protocol, vhid, interval="1s",
                  secret=None, more=""):
        lines = ['pair "p" {', f"\tvirtual address {vip}",
                 f'\tnode "a" address {nodes[0]} prefer {more}',
                 f'\tnode "b" address {nodes[1]} {more}',
                 f"\tprotocol {protocol}", f"\tvhid {vhid}",
                 f"\tadvertise every {interval}"]
        if secret is not None:
            path = self.write("secret", secret)
            lines.append(f'\tsecret file "{path}"')
        self.conf = self.write("vipair.conf", "\n".join(lines + ["}", ""]))

    def vipctl(self, *args, conf=True):
        head = [VIPCTL] + (["-f", self.conf] if conf and self.conf else [])
        return subprocess.run(head + list(args), capture_output=True,
                              text=True, timeout=60)

    def read(self, path, *args, code=0):
        done = self.vipctl("-j", "monitor", "--read", path, *args)
        self.assertEqual(done.returncode, code, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def read_frames(self, frames, **kw):
        return self.read(self.write("made.pcap", pcap(frames, **kw)))

    def configure_ucarp(self):
        self.configure("10.94.100.1", ("10.94.0.1", "10.94.0.2"), "carp", 94,
                       secret='carp "OpenVPN-94"\n')
        return os.path.join(CAPTURES, "ucarp-94.pcap")

    def configure_draft(self, protocol, key=DRAFT_KEY):
        self.configure("192.168.70.222", ("192.168.70.1", "192.168.70.2"),
                       protocol, 94,
                       secret=f"key 1 hex:{key}\nactive 1\n")

    def check_capture(self, m):
        kind = {"ucarp": "carp", "keepalived_v2": "vrrp2",
                "frr:v2": "vrrp2"}
        kind = kind.get(m["peer"], kind.get(m["peer"].split(":")[0], "vrrp3"))
        protocol = {"carp": "carp", "vrrp2": "vrrp 2", "vrrp3": "vrrp 3"}
        host = "ll" if m["family"] == 6 else "ip"
        vip = "10.94.100.99" if m["family"] == 6 else m["vips"][0]
        self.configure(vip, (m["host1"]["ip"], m["host2"]["ip"]),
                       protocol[kind], m["vrid"],
                       f"{round(m['interval_s'] * 1000)}ms"
                       if m["interval_s"] % 1 else f"{m['interval_s']}s",
                       f'carp "{m["password"]}"\n' if kind == "carp"
                       else None)
        got = self.read(os.path.join(CAPTURES, m["file"]))
        self.assertIn(len(got) - m["frames"]["adverts"], (0, 1))
        want = "ok"
        if kind == "vrrp2" and m["password"]:
            want = "auth-type"
        for g in got:
            self.assertRegex(g["time"], TIME)
            self.assertEqual((g["kind"], g["vhid"], g["verdict"]),
                             (kind, m["vrid"], want))
            self.assertEqual(g["checksum"], "good")
            self.assertEqual(g["auth"],
                             "good" if kind == "carp" else "none")
            self.assertEqual(g["destination"],
                             "ff02::12" if m["family"] == 6
                             else "224.0.0.18")
            if kind == "carp":
                self.assertIn(g["skew"], m["advskew"])
                self.assertAlmostEqual(
                    g["interval_s"], m["advbase"] + g["skew"] / 256, 3)
            else:
                self.assertIn(g["priority"], m["priority"] + [0])
                self.assertEqual(g["interval_s"], m["interval_s"])
                self.assertEqual(g["addresses"][-len(m["vips"]):], m["vips"])
            if not m["peer"].startswith("frr:v6"):
                self.assertIn(g["source"],
                              (m["host1"][host], m["host2"][host]))
        if kind != "carp":
            self.assertEqual(sum(g["resigns"] for g in got),
                             m["frames"]["prio0"])

    def test_golden(self):
        with open(os.path.join(CAPTURES, "manifest.json"),
                  encoding="ascii") as f:
            for m in json.load(f):
                with self.subTest(m["file"]):
                    self.check_capture(m)

    def test_draft_trailer(self):
        for name, protocol in ("v2h", "vrrp 2"), ("v3h", "vrrp 3"), \
                              ("v6h", "vrrp 3"):
            path = os.path.join(CAPTURES, "auth-hmac", name + ".pcap")
            with self.subTest(name):
                self.configure_draft(protocol)
                got = self.read(path)
                self.assertTrue(got)
                for g in got:
                    self.assertEqual((g["auth"], g["verdict"], g["trailer"]),
                                     ("good", "ok", "draft"))
                self.configure_draft(protocol, "ff" * 32)
                self.assertEqual({(g["auth"], g["verdict"])
                                  for g in self.read(path)},
                                 {("bad", "auth")})

    def test_replay(self):
        self.configure_draft("vrrp 2")
        path = os.path.join(CAPTURES, "auth-hmac", "v2h.pcap")
        frames = [(s, n, f, len(f)) for s, n, f in records(path)]
        got = self.read_frames(frames[:3] + frames[1:4])
        self.assertEqual([g["verdict"] for g in got],
                         ["ok", "ok", "ok", "replay", "replay", "ok"])

    def test_links(self):
        path = self.configure_ucarp()
        want = self.read(path)
        plain = [(s, n, f) for s, n, f in records(path)
                 if f[12:14] == b"\x08\x00"]

        def wrap(change, **kw):
            return self.read_frames([(s, n, change(f), len(change(f)))
                                     for s, n, f in plain], **kw)

        vlan = b"\x81\x00\x00\x05"
        for name, got in {
                "vlan": wrap(lambda f: f[:12] + vlan + f[12:]),
                "qinq": wrap(lambda f: f[:12] + b"\x88\xa8\x00\x01" + vlan +
                             f[12:]),
                "cooked": wrap(lambda f: bytes(14) + f[12:], link=113),
                "cooked 2": wrap(lambda f: f[12:14] + bytes(18) + f[14:],
                                 link=276),
                "raw": wrap(lambda f: f[14:], link=101),
                "ipv4": wrap(lambda f: f[14:], link=228),
                "big-endian": wrap(lambda f: f, order=">"),
                "padded": wrap(lambda f: f + bytes(9))}.items():
            with self.subTest(name):
                self.assertEqual(got, want)

    def test_microseconds(self):
        self.configure_ucarp()
        frames = [(s, n // 1000, f, len(f)) for s, n, f in
                  records(os.path.join(CAPTURES, "ucarp-94.pcap"))]
        got = self.read_frames(frames, magic=0xa1b2c3d4)
        self.assertEqual(got, self.read(os.path.join(CAPTURES,
                                                     "ucarp-94.pcap")))

    def test_truncated_packets(self):
        path = self.configure_ucarp()
        s, n, frame = [r for r in records(path)
                       if r[2][12:14] == b"\x08\x00"][0]
        for cut in range(len(frame)):
            got = self.read_frames([(s, n, frame[:cut], len(frame))])
            self.assertEqual([g["verdict"] for g in got], ["length"], cut)
            self.assertIn("capture", got[0]["why"])

    def test_truncated_file(self):
        path = self.configure_ucarp()
        with open(path, "rb") as f:
            data = f.read()
        got = self.read(self.write("cut.pcap", data[:-1]), code=1)
        self.assertEqual(len(got), 10)

    def test_refused(self):
        path = self.configure_ucarp()
        s, n, frame = [r for r in records(path)
                       if r[2][12:14] == b"\x08\x00"][0]

        def verdict(at, value):
            bad = bytearray(frame)
            bad[at] = value
            g, = self.read_frames([(s, n, bytes(bad), len(bad))])
            return g["kind"], g["verdict"], g["checksum"]

        self.assertEqual(verdict(22, 254), ("carp", "ttl", "good"))
        self.assertEqual(verdict(36, 100), ("carp", "checksum", "bad"))
        self.assertEqual(verdict(34, 0x41), (None, "version", None))
        self.assertEqual(verdict(34, 0x22), (None, "type", None))
        self.configure("10.94.100.1", ("10.94.0.1", "10.94.0.2"), "carp", 94,
                       secret='carp "another"\n')
        self.assertEqual(self.read(path)[0]["auth"], "bad")
        self.configure("10.94.100.1", ("10.94.0.1", "10.94.0.2"), "vrrp 2",
                       94)
        self.assertEqual(self.read(path)[0]["verdict"], "other-protocol")
        self.configure("10.94.100.1", ("10.94.0.1", "10.94.0.2"), "carp", 95,
                       secret='carp "OpenVPN-94"\n')
        self.assertEqual(self.read(path)[0]["verdict"], "other-vhid")

    def test_forms(self):
        """RFC 9568's checksum is good too, and is named."""
        self.configure("192.168.70.222", ("192.168.70.1", "192.168.70.2"),
                       "vrrp 3", 94)
        ip = bytes.fromhex("45c000200000000" "0ff70" "0000" "c0a84601"
                           "e0000012".replace(" ", ""))
        for text, form in ("62b5", "good-9568"), ("7b7c", "good"), \
                          ("7b7d", "bad"):
            payload = bytes.fromhex("315e64010064" + text + "c0a846de")
            g, = self.read_frames([(1, 1, ip + payload, 32)], link=101)
            self.assertEqual(g["checksum"], form)

    def test_count(self):
        path = self.configure_ucarp()
        self.assertEqual(len(self.read(path, "--count", "3")), 3)
        done = self.vipctl("monitor", "--count", "0", "--read", path)
        self.assertEqual(done.returncode, 64)

    def test_files_that_are_none(self):
        self.configure_ucarp()
        for name, data in ("empty", b""), ("text", b"no capture at all, " * 9), \
                          ("link", pcap([], link=147)):
            done = self.vipctl("monitor", "--read", self.write(name, data))
            self.assertEqual((done.returncode, done.stdout), (1, ""), name)
            self.assertIn(name, done.stderr)
        done = self.vipctl("monitor", "--read", self.path("missing"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file", done.stderr)

    def test_without_configuration(self):
        path = self.configure_ucarp()
        self.conf = self.path("missing.conf")
        done = self.vipctl("monitor", "--read", path)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        if os.path.exists("/etc/vipair/vipair.conf"):
            self.skipTest("this host has a configuration")
        done = self.vipctl("-j", "monitor", "--read", path, conf=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual({json.loads(line)["verdict"]
                          for line in done.stdout.splitlines()}, {"unknown"})

    @unittest.skipIf(os.geteuid() != 0, "needs root to become another user")
    def test_as_any_user(self):
        """Secrets cannot be read: no authentication, and it says so."""
        path = self.configure_ucarp()
        os.chmod(self.dir.name, 0o755)
        os.chmod(self.conf, 0o644)
        with open(path, "rb") as f:
            made = self.write("made.pcap", f.read(), 0o644)
        # The build directory may be closed to others.
        vipctl = shutil.copy(VIPCTL, self.path("vipctl"))
        done = subprocess.run([vipctl, "-f", self.conf, "-j", "monitor",
                               "--read", made], capture_output=True,
                              text=True, timeout=60, user=65534,
                              group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("secrets", done.stderr)
        got = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({(g["auth"], g["verdict"]) for g in got},
                         {("none", "ok")})
        self.assertIn("secret", got[0]["why"])

    def test_output_that_breaks(self):
        path = self.configure_ucarp()
        with subprocess.Popen([VIPCTL, "-f", self.conf, "monitor", "--read",
                               path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as p:
            p.stdout.close()
            self.assertEqual(p.stderr.read(), b"")
            self.assertEqual(p.wait(timeout=60), 0)
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([VIPCTL, "-f", self.conf, "monitor",
                                   "--read", path], stdout=full,
                                  stderr=subprocess.PIPE, timeout=60,
                                  text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def serve(self, records_to_send, *args):
        """vipctl monitor against a daemon that sends these and leaves."""
        run = self.path("run")
        os.mkdir(run)
        with open(self.conf, encoding="ascii") as f:
            text = f.read()
        self.conf = self.write("live.conf", f'run directory "{run}"\n' + text)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(run, "status.sock"))
            listener.listen(1)
            listener.settimeout(30)
            with subprocess.Popen([VIPCTL, "-f", self.conf, "-j", "monitor",
                                   *args], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as p:
                peer, _ = listener.accept()
                magic, version, command = struct.unpack_from(
                    "=IIH", peer.recv(4096))
                self.assertEqual((magic, version, command),
                                 (0x76697063, 2, 5))
                for record in records_to_send:
                    peer.sendall(record)
                peer.close()
                out, err = p.communicate(timeout=60)
        return p.returncode, [json.loads(x) for x in out.splitlines()], err

    def test_live(self):
        """The daemon's verdict counts, not ours."""
        path = self.configure_ucarp()
        ips = [f[14:] for _, _, f in records(path) if f[12:14] == b"\x08\x00"]
        sent = [struct.pack("=HHIqIBBH404s4x", 8, 432, 0xffff,
                            1800000000500000000 + i, 3, verdict, auth,
                            len(ip), ip)
                for i, (ip, verdict, auth) in
                enumerate(zip(ips, (0, 10, 13), (1, 2, 0)))]
        code, got, err = self.serve(sent, "--count", "3")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([(g["verdict"], g["auth"], g["skew"]) for g in got],
                         [("ok", "good", 0), ("auth", "bad", 0),
                          ("replay", "none", 0)])
        self.assertEqual(got[0]["time"], "2027-01-15T08:00:00.500000Z")

    def test_daemon_leaves(self):
        self.configure_ucarp()
        code, got, err = self.serve([])
        self.assertEqual((code, got), (69, []))
        self.assertIn("daemon", err)

    def test_daemon_talks_nonsense(self):
        self.configure_ucarp()
        code, got, _ = self.serve([struct.pack("=HHI", 8, 431, 0)])
        self.assertEqual((code, got), (69, []))

    def test_text(self):
        path = self.configure_ucarp()
        done = self.vipctl("monitor", "--count", "1", "--read", path)
        self.assertEqual(done.stdout, "2026-11-23T14:49:49.539362Z "
                         "10.94.0.1 > 224.0.0.18 carp vhid 94 skew 0 base 1 "
                         "every 1.0s checksum good auth good ok\n")


unittest.main(verbosity=1)
