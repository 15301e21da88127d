# SPDX-License-Identifier: ISC
"""
What goes wrong around two whole nodes is named in status with an id and
something to do; the active service never suffers.
"""

import os
import shutil

import pytest

from lab import daemons
from lab.lab import VIP
from lab.netns import mono_ns
from pair_kit import (BASE, DataPair, KEYS, SSH, STATE, STORE)


def named(node, *idents, timeout=30):
    """One of the problems is told, with what to do about it."""
    def there():
        for p in node.vrrpd.pair().get("problems", []):
            if p["id"] in idents:
                return p
        return None
    p = node.lab.wait_for(there, timeout,
                          f"{node.name} names {' or '.join(idents)}")
    assert p["text"] and p["fix"], p
    return p


class Unharmed:
    """The service goes on and the address stays, whatever happens inside."""

    def __init__(self, pair):
        self.pair, self.node = pair, pair.a

    def __enter__(self):
        self.t, self.was = mono_ns(), self.node.seq()

    def __exit__(self, kind, *_):
        if kind is None:
            lab, was = self.pair.lab, self.node.seq()
            assert was > self.was, "the service stood still"
            lab.wait_for(lambda: self.node.seq() > was + 10, 5,
                         "the service writes")
            assert not lab.kernel.changes(VIP, self.t)
            assert self.node.data().get("ready") is not None


def noise(node, name, size):
    with open(node.live(name), "wb") as f:
        f.write(os.urandom(size))


def test_partners_disk_is_full(data_lab):
    p = DataPair(data_lab, files=50)
    p.b.small_disk(STORE, "120m", "_syncd")
    p.start()
    with Unharmed(p):
        noise(p.a, "tree/d0/big", 110 << 20)
        named(p.a, "W57")
        p.b.verify()
        os.unlink(p.a.live("tree/d0/big"))
    # room again: it goes on by itself
    p.b.node.sh(f"mount -o remount,size=500m {STORE}")
    p.change(p.a, "tree/d0/f25", "after the disk was full\n", 60)
    p.a.vrrpd.wait_no_problem("W57", 20)
    p.b.verify()


def test_own_disk_is_full(data_lab):
    p = DataPair(data_lab, files=50)
    p.a.small_disk(STORE, "120m", "_syncd")
    p.start()
    with Unharmed(p):
        noise(p.a, "tree/d0/big", 110 << 20)
        named(p.a, "W56")
        p.a.verify()
        os.unlink(p.a.live("tree/d0/big"))
    p.a.node.sh(f"mount -o remount,size=500m {STORE}")
    p.change(p.a, "tree/d0/f25", "after the disk was full\n", 60)
    p.a.vrrpd.wait_no_problem("W56", 20)


def test_unreadable(datapair, data_lab):
    """A path that cannot be taken: told by name, the rest goes on or is
    held back; nothing torn."""
    p = datapair
    with Unharmed(p):
        d = p.a.live("tree/d7/mounted")
        os.mkdir(d)
        p.a.node.sh(f"mount -t tmpfs none {BASE}/tree/d7/mounted")
        got = named(p.a, "W54", "W55")
        assert "mounted" in p.a.vipctl("sync", "status").stdout, got
        p.a.node.sh(f"umount {BASE}/tree/d7/mounted")
        os.rmdir(d)
    p.change(p.a, "tree/d7/f700", "readable\n", 40)


def test_host_key_changed(datapair, data_lab):
    p = datapair
    with Unharmed(p):
        p.b.sshd.stop(9)
        for pid in p.b.pids_of("sshd"):
            os.kill(pid, 9)
        p.b.node.sh(f"rm {SSH}/host {SSH}/host.pub; "
                    f"ssh-keygen -q -t ed25519 -N '' -C '' -f {SSH}/host")
        p.b.start_sshd()
        named(p.a, "W52", timeout=40)
        # beta says the same of nobody: alpha's key is the old one
        assert "W52" not in p.b.vrrpd.problems()
    p.b._read_keys()
    p.a.trust(p.b)
    p.a.vrrpd.wait_no_problem("W52", 60)
    p.change(p.a, "tree/d7/f701", "pinned anew\n", 40)


def test_partner_cannot_be_reached_by_ssh(datapair, data_lab):
    p = datapair
    with Unharmed(p):
        rule = data_lab.lose(match="tcp dport 22")
        named(p.a, "W51", timeout=40)
        named(p.b, "W51", timeout=40)
        rule.heal()
    p.a.vrrpd.wait_no_problem("W51", 60)
    p.change(p.a, "tree/d7/f702", "reached again\n", 40)


def test_partner_reinstalled(datapair, data_lab):
    """It comes back with an empty disk: filled anew, and ready only then."""
    p = datapair
    with Unharmed(p):
        p.b.power_off()
        for name in os.listdir(p.b.lib):
            shutil.rmtree(os.path.join(p.b.lib, name))
        p.b.node.power_on()
        p.b._dirs()
        p.b._keys()
        p.meet()
        p.b.sshd = None
        p.b.start()
        p.level(p.a, 60)
    assert p.b.newest()[0] >= 1
    p.b.verify()
    data_lab.wait_for(lambda: p.b.data().get("ready"), 20)
    seq = p.a.seq()
    assert p.a.vipctl("sync", "now", timeout=40).returncode == 0
    p.a.power_off()
    p.takes_over("beta")
    p.well(p.b, seq)


def test_empty_partner_does_not_take_over(data_lab):
    """F7: a node that heard of the data, and never got them, stays standby
    and says so."""
    p = DataPair(data_lab, files=20)
    p.b.small_disk(STORE, "20m", "_syncd")
    noise(p.a, "tree/big", 30 << 20)
    p.a.start()
    data_lab.wait_holder("alpha", 30)
    data_lab.wait_for(p.a.writing, 20)
    p.b.start()
    p.b.vrrpd.wait_role("standby", 20)
    named(p.a, "W57")
    named(p.b, "C11")
    data = p.b.data()
    assert data["generation"] in (0, None) and data["ready"] is False, data
    t = mono_ns()
    p.a.power_off()
    data_lab.elapse(8)
    assert not [e for e in data_lab.kernel.changes(VIP, t) if e.present]
    assert p.b.vrrpd.pair()["role"] == "standby"
    named(p.b, "C11")


def test_clock_jump(data_lab):
    """The standby's clock is a day off either way: words, ages and order do
    not depend on it."""
    p = DataPair(data_lab, files=20).start()
    assert p.a.data()["made_s"] is not None
    # clocks are the machine's: what is left to us is a store from the future
    for n in (p.a, p.b):
        for d, _, names in os.walk(n.disk(STATE)):
            for f in names:
                os.utime(os.path.join(d, f), (4e9, 4e9))
    with Unharmed(p):
        p.change(p.a, "tree/d0/f15", "from the future\n", 30)
        for f in ("tree/d0/f16", "tree/d0/f17"):
            os.utime(p.a.live(f), (-1, 5e9))
        p.change(p.a, "tree/d0/f18", "after it\n", 30)
    p.b.verify()


@pytest.mark.parametrize("what", ["key gone", "key open"])
def test_keys_are_wrong(datapair, data_lab, what):
    p = datapair
    with Unharmed(p):
        if what == "key gone":
            os.rename(p.a.disk(f"{KEYS}/id_ed25519"),
                      p.a.disk(f"{KEYS}/away"))
        else:
            os.chmod(p.a.disk(f"{KEYS}/id_ed25519"), 0o644)
        for pid in p.a.pids_of("ssh"):
            os.kill(pid, 9)
        named(p.a, "W51", "W63", timeout=40)


def test_restore_of_what_cannot_be_captured(data_lab):
    """Live data that are in no generation are not loaded over, and who
    asked is told; what he wished is not granted later either."""
    p = DataPair(data_lab, files=50, entries='\tfile "must"\n')
    p.a.put("must", "here\n")
    p.start()
    p.change(p.a, "tree/d0/f25", "old\n")
    g = p.b.committed("old\n")
    p.change(p.a, "tree/d0/f25", "new\n")
    os.unlink(p.a.live("must"))
    named(p.a, "W54")
    r = p.a.node.run(os.path.join(daemons.PREFIX, "bin", "vipctl"), "-f",
                     daemons.CONF, "restore", "--live", str(g),
                     input="RESTORE\n", check=False, timeout=60)
    assert r.returncode == 1, r.stdout + r.stderr
    assert "not be captured" in r.stderr and "withdrawn" in r.stderr, r.stderr
    assert p.a.get("tree/d0/f25") == "new\n"
    data_lab.wait_for(p.a.writing, 20, "the service runs again")
    p.a.put("must", "again\n")
    p.a.vrrpd.wait_no_problem("W54", 20)
    seq = p.a.seq()
    r = p.a.vipctl("handover", timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
    p.takes_over("beta")
    p.well(p.b, seq)
    assert p.b.get("tree/d0/f25") == "new\n"


def test_takeovers_with_full_disks(data_lab):
    """Neither node has room for a byte in its store: each can still take
    over, and what could not be copied is there when there is room."""
    p = DataPair(data_lab, files=50)
    for n in (p.a, p.b):
        n.small_disk(STORE, "120m", "_syncd")
    p.start()
    p.change(p.a, "tree/d0/f25", "before\n")
    for n in (p.a, p.b):
        n.node.sh(f"dd if=/dev/zero of={STORE}/junk bs=4k", check=False)
    p.a.put("tree/d0/f26", "no room\n")
    named(p.a, "W56", "W57")
    for node, other in ((p.a, p.b), (p.b, p.a)):
        r = node.vipctl("handover", timeout=60)
        assert r.returncode == 0, r.stdout + r.stderr
        p.takes_over(other.name)
        assert other.get("tree/d0/f25") == "before\n"
        data_lab.wait_for(lambda: node.vrrpd.pair()["role"] == "standby", 20,
                          f"{node.name} is standby")
    for n in (p.a, p.b):
        os.unlink(n.store("junk"))
    p.level(p.a, 60)
    p.change(p.a, "tree/d0/f27", "room\n", 60)
    assert p.a.get("tree/d0/f26") == "no room\n"
    p.a.verify()
    p.b.verify()
