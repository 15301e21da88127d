# SPDX-License-Identifier: ISC
"""
`vipctl support-bundle`: secrets are planted wherever a bundle looks, and
looked for in what comes out.
"""

import io
import os
import stat
import tarfile

import pytest
from lab import daemons
from lab.fixtures import make_lab
from pair_kit import KEYS, DataPair, data_conf

PASS = "carpPassphrase9"
PLANTED = {
    "password": "hunter2hunter",
    "token": "tok-0815-geheim",
    "url": "joe:s3cr3tURL",
    "auth_pass": "kaPass77",
    "hex": "00112233445566778899aabbccddeeff" * 2,
    "pem": "MIIEvQIBADANBgkqhkiG9w0",
}
LOG = f"""Nov 24 03:00:00 alpha vrrpd[1]: pair vpn: standby -> active, term 7
Nov 24 03:00:01 alpha vrrpd[1]: hook said password={PLANTED['password']}
Nov 24 03:00:02 alpha vrrpd[1]: hook: "token": "{PLANTED['token']}", more
Nov 24 03:00:03 alpha vrrpd[1]: GET http://{PLANTED['url']}@10.0.0.1/x
Nov 24 03:00:04 alpha vrrpd[1]: the key is {daemons.KEY.hex()} indeed
Nov 24 03:00:05 alpha vrrpd[1]: and the word is {PASS}, in the clear
Nov 24 03:00:06 alpha vipair-x: hash {PLANTED['hex']} of something
Nov 24 03:00:07 alpha other[1]: nobody's business
"""
PEM = f"""# vrrpd -----BEGIN OPENSSH PRIVATE KEY-----
# {PLANTED['pem']}
# -----END OPENSSH PRIVATE KEY-----
# service {{ }} after it
# auth_pass {PLANTED['auth_pass']}
"""


@pytest.fixture
def bundle(request, users):
    lab = make_lab(request, client=False)
    both = DataPair(lab, files=3, service=False)
    secret = daemons.secret_text(carp=PASS)
    for n in (both.a, both.b):
        n.vrrpd.configure(PEM + data_conf(service=False), secret)
    both.start()
    both.a.node.sh("mount -t tmpfs -o mode=755 tmpfs /var/log")
    both.a.node.write("/var/log/syslog", LOG)
    both.a.node.sh("nft add table inet f; nft add chain inet f c;"
                   f"nft add rule inet f c counter comment "
                   f"\\\"password={PLANTED['password']}\\\"")
    p = both.a.vipctl("support-bundle", "--output", "/run/lab/b.tar",
                      check=True, timeout=60)
    assert p.stdout.startswith("/run/lab/b.tar\nnext: ")
    path = both.a.node.path("/run/lab/b.tar")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, "rb") as f:
        return both, f.read()


def test_holds_no_secret(bundle):
    both, raw = bundle
    private = both.a.node.read(f"{KEYS}/id_ed25519")
    lines = [ln for ln in private.splitlines() if "PRIVATE" not in ln]
    hidden = list(PLANTED.values()) + [PASS, daemons.KEY.hex(),
                                       daemons.KEY.hex().upper()] + lines
    hidden += [both.a.live("tree/d0/f0") and "0 0 0 0 0 0"]
    for word in hidden:
        assert word.encode() not in raw, word
    assert daemons.KEY not in raw


def test_holds_what_helps(bundle):
    _, raw = bundle
    with tarfile.open(fileobj=io.BytesIO(raw)) as t:
        names = t.getnames()
        text = {n: t.extractfile(n).read().decode("utf-8", "replace")
                for n in names}
        assert all(m.isfile() and m.mode == 0o600 for m in t.getmembers())
    for name in ("README", "version.txt", "status.txt", "status.json",
                 "doctor.txt", "metrics.txt", "pair0/history.txt",
                 "pair0/why.txt", "vipair.conf", "effective.conf",
                 "places.txt", "log/syslog.txt", "host/address.txt",
                 "host/nft.txt", "host/sockets.txt"):
        assert text[name].strip(), name
    assert "HEALTHY" in text["status.txt"]
    assert '"schema":1' in text["status.json"]
    assert "192.168.70.222" in text["host/address.txt"]
    assert 'secret file "/run/lab/vpn.secret"' in text["vipair.conf"]
    assert "service { } after it" in text["vipair.conf"]
    assert "id_ed25519" in text["places.txt"]       # its name, that is all
    log = text["log/syslog.txt"]
    assert "standby -> active, term 7" in log and "nobody's" not in log
    assert "password=(left out)" in log
    assert "http://(left out)@10.0.0.1/x" in log
    assert "the key is (left out) indeed" in log
    assert "hash 00112233... of" in log


def test_refuses(bundle):
    both, raw = bundle
    again = both.a.vipctl("support-bundle", "--output", "/run/lab/b.tar")
    assert again.returncode == 1 and "File exists" in again.stderr
    p = both.a.vrrpd.vipctl("support-bundle", user="nobody")
    assert p.returncode == 77
    # a node in trouble still tells what it can
    both.a.vrrpd.stop()
    both.a.node.write(daemons.CONF, PEM + 'pair "vpn" { vhid 940\n'
                      f'password {PLANTED["password"]}')
    p = both.a.vipctl("support-bundle", "--output", "/run/lab/c.tar",
                      timeout=60)
    assert p.returncode == 0, p.stderr
    with open(both.a.node.path("/run/lab/c.tar"), "rb") as f:
        raw = f.read()
    assert b"not reachable" in raw and b"vhid 940" in raw
    assert PLANTED["password"].encode() not in raw
    # no room: nothing is left behind
    both.a.node.sh("mkdir /run/lab/s; mount -t tmpfs -o size=8k s /run/lab/s")
    p = both.a.vipctl("support-bundle", "--output", "/run/lab/s/d.tar",
                      timeout=60)
    assert p.returncode == 1 and "No space" in p.stderr
    assert both.a.node.sh("ls /run/lab/s").stdout == ""
