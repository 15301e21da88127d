# SPDX-License-Identifier: ISC
"""Generations over real ssh and rsync, and what can go wrong with them."""

import os
import re


def test_one(sshpair):
    ship = sshpair.ship().active(1)
    ship.tell("file etc/a 1 100")
    assert ship.publish() == 1
    assert len(sshpair.beta.head()) == 1
    ship.tell("file etc/b 2 5000", "file c 3 0")
    assert ship.publish() == 2
    assert sshpair.beta.head() == sshpair.alpha.head()
    sshpair.beta.verify()


def test_large_and_many_go_by_rsync(sshpair):
    ship = sshpair.ship().active(1)
    ship.tell("many 600 1000", "file big 7 3000000")
    assert ship.publish() == 1
    assert len(sshpair.beta.objects()) == 601
    assert sorted(map(os.path.basename, sshpair.beta.objects())) == \
        sorted(map(os.path.basename, sshpair.alpha.objects()))
    assert os.listdir(sshpair.beta.store("objects.in")) == []
    sshpair.beta.verify()


def test_a_thousand_generations(sshpair):
    ship = sshpair.ship().active(1)
    ship.tell("steps 1000 500")
    ship.wait("steps done", 100)
    assert ship.acked() == 1000
    assert sshpair.beta.newest() == sshpair.alpha.newest()
    sshpair.beta.verify()


def test_catches_up(sshpair):
    """What was published without a partner goes in one go, as steps."""
    beta_sshd = sshpair.beta.sshd
    beta_sshd.stop()
    ship = sshpair.ship().active(1)
    for i in range(40):
        ship.tell(f"file f{i % 7} {i} 100", "publish")
    ship.wait("published 40")
    ship.wait("state down refused", 10)
    sshpair.beta.start_sshd()
    ship.wait("acked 40", 40)
    assert len(sshpair.beta.head()) == 40
    sshpair.beta.verify()


def test_nothing_left_after_quit(sshpair):
    ship = sshpair.ship().active(1)
    ship.tell("file a 1 1")
    ship.publish()
    ship.quit()
    lab = sshpair.lab
    lab.wait_for(lambda: not sshpair.named(sshpair.alpha, "ssh"), 5,
                 "ssh ends")
    lab.wait_for(lambda: not sshpair.named(sshpair.beta, "receiver"), 5,
                 "the receiver ends")


def test_capabilities_stay_behind(sshpair):
    """The mirror may read all; ssh and rsync get nothing of that."""
    caps = ["--inh-caps", "+dac_read_search", "--ambient-caps",
            "+dac_read_search"]
    ship = sshpair.ship(bandwidth=1 << 20, caps=caps).active(1)
    ship.tell("file big 1 8000000", "publish")
    lab = sshpair.lab
    found = lab.wait_for(
        lambda: sshpair.named(sshpair.alpha, "rsync") and
        len(sshpair.named(sshpair.alpha, "ssh")) > 1, 20, "rsync runs")
    assert found
    seen = 0
    for name in ("ssh", "rsync", "mirror-ship"):
        for pid in sshpair.named(sshpair.alpha, name):
            with open(f"/proc/{pid}/status") as f:
                s = dict(ln.strip().split(":\t") for ln in f
                         if ":\t" in ln.strip())
            caps = {int(s[k], 16) for k in ("CapEff", "CapPrm", "CapAmb",
                                            "CapInh")}
            if name == "mirror-ship":
                assert caps != {0}
                continue
            assert caps == {0}, (name, s)
            assert s["NoNewPrivs"] == "1"
            assert len(os.listdir(f"/proc/{pid}/fd")) < 16
            seen += 1
    assert seen >= 3
    ship.tell("progress")
    p = ship.wait("progress", 10).split()
    assert int(p[2]) == 8000000
    ship.wait("acked 1", 60)


def test_bandwidth_and_progress(sshpair):
    ship = sshpair.ship(bandwidth=2 << 20).active(1)
    ship.tell("file big 1 8000000", "publish")
    lab = sshpair.lab
    rows = []

    def grows():
        ship.tell("progress")
        rows[:] = [list(map(int, re.findall(r"\d+", t)))
                   for t in ship.lines("progress")]
        done = {r[1] for r in rows if 0 < r[1] < 8000000}
        return len(done) >= 3
    lab.wait_for(grows, 30, "progress is shown")
    rates = [r[2] for r in rows if r[2]]
    assert not rates or max(rates) < 4 << 20
    ship.wait("acked 1", 60)
    sshpair.beta.verify()


# -- words

def test_words_go_both_ways(sshpair):
    a, b = sshpair.ship(sshpair.alpha), sshpair.ship(sshpair.beta)
    a.tell("active 3 0", "word 2 1 1")
    b.tell("word 1 1 0")
    b.wait("state watching")
    a.wait("word role 1 healthy 1 ready 0")
    b.wait("word role 2 healthy 1 ready 1 epoch 3.0")
    # a change is told at once, not with the next second's ping
    n = len(b.lines("word role 3"))
    a.tell("word 3 0 1")
    b.wait("word role 3", 0.7, n + 1)


def test_the_age_is_of_the_advert(sshpair):
    """A mirror that hangs does not look alive by its receiver's answers."""
    a, b = sshpair.ship(sshpair.alpha), sshpair.ship(sshpair.beta)
    b.tell("word 2 1 1")
    a.tell("word 1 1 1")
    a.wait("word role 2")
    b.proc.signal(19)
    try:
        def old():
            ages = [int(re.search(r"age (-?\d+)", t)[1])
                    for t in a.lines("word role 2")]
            return max(ages) > 2500
        sshpair.lab.wait_for(old, 10, "the age grows")
    finally:
        b.proc.signal(18)


# -- fencing

def test_stale_is_told(sshpair):
    a, b = sshpair.ship(sshpair.alpha), sshpair.ship(sshpair.beta)
    a.active(1)
    a.tell("file a 1 10")
    a.publish()
    b.active(2, 1)
    b.tell("file b 2 10", "publish")
    # alpha still thinks it is active: each hears it
    b.wait("fenced DUAL", 20)
    a.tell("file a 3 10", "publish")
    a.wait("fenced STALE 2.1", 20)
    # alpha gives in, its branch is parked, beta's data is everywhere
    a.tell("standby", "word 1 1 1")
    g = b.wait("acked", 20).split()
    assert sshpair.alpha.newest()[1] == sshpair.beta.newest()[1] == g[2]
    assert os.listdir(sshpair.alpha.store("diverged"))
    sshpair.alpha.verify()


def test_takeover_and_back(sshpair):
    """The roles change, the chain goes on."""
    a, b = sshpair.ship(sshpair.alpha), sshpair.ship(sshpair.beta)
    a.active(1)
    a.tell("file a 1 10")
    a.publish()
    a.tell("standby", "word 1 1 1")
    b.active(2, 1)
    b.tell("file a 2 10", "refresh")
    assert b.publish() == 2
    b.tell("standby", "word 1 1 1")
    a.tell("refresh")
    a.active(3, 0)
    a.tell("file a 3 10")
    assert a.publish() == 3
    assert sshpair.alpha.head() == sshpair.beta.head()
    assert os.listdir(sshpair.alpha.store("diverged")) == []
    assert os.listdir(sshpair.beta.store("diverged")) == []


# -- the key and the host

def test_key_holder_has_nothing_but_the_receiver(sshpair):
    m = sshpair.alpha
    before = sorted(os.listdir(sshpair.beta.node.path("/run/lab")))
    for word in ("id", "cat /etc/passwd", "sh -c id", "rsync --server . /",
                 "/bin/sh", "channel; id", "scp -f /etc/passwd", None):
        p = m.ssh(word)
        assert p.returncode == 1, (word, p)
        assert p.stdout == b"" and b"for vipair only" in p.stderr
    assert m.ssh("sftp", extra=["-s"]).returncode != 0
    for extra in (["-N", "-o", "ExitOnForwardFailure=yes",
                   "-R", "7777:127.0.0.1:22"],
                  ["-W", "127.0.0.1:22"]):
        p = m.ssh(None, extra=extra, timeout=30)
        assert p.returncode != 0 and b"SSH-2.0" not in p.stdout
    assert sorted(os.listdir(sshpair.beta.node.path("/run/lab"))) == before
    # from another address the same key is nothing at all
    sshpair.beta.node.write(
        "/run/lab/ssh/authorized_keys", sshpair.beta.node.read(
            "/run/lab/ssh/authorized_keys").replace(m.node.address,
                                                    "192.168.70.77"))
    p = m.ssh("channel")
    assert p.returncode == 255 and b"Permission denied" in p.stderr


def test_changed_host_key(sshpair):
    other = sshpair.alpha.host_pub
    sshpair.alpha.node.write("/run/lab/ssh/known_hosts", f"partner {other}\n")
    ship = sshpair.ship()
    ship.wait("state down host-key-changed", 20)


def test_missing_key(sshpair):
    sshpair.beta.node.write("/run/lab/ssh/authorized_keys", "")
    ship = sshpair.ship()
    ship.wait("state down key-refused", 20)


def test_silent_partner(sshpair):
    """A machine that takes the connection and says nothing."""
    sshpair.beta.sshd.stop()
    sshpair.beta.node.popen(
        ["/usr/bin/socat", f"TCP-LISTEN:22,bind={sshpair.beta.node.address},"
         "fork,reuseaddr", "EXEC:/usr/bin/sleep 100"], name="silent")
    ship = sshpair.ship()
    ship.wait("state down", 30)


def test_cut_and_heal(sshpair):
    ship = sshpair.ship().active(1)
    ship.tell("file a 1 10")
    ship.publish()
    sshpair.lab.cut(sshpair.beta.node)
    ship.tell("file a 2 10", "publish")
    ship.wait("state down", 30)
    sshpair.lab.heal()
    ship.wait("acked 2", 60)


# -- disk full

def test_disk_full(sshpair):
    store = "/var/lib/vipair/store/vpn"
    sshpair.beta.node.sh(
        f"mount -t tmpfs -o size=26m,mode=2770 tmpfs {store} && "
        f"chown _syncd:_syncd {store} && chmod 2770 {store}")
    ship = sshpair.ship().active(1)
    ship.tell("file a 1 10")
    ship.publish()
    for n, size in enumerate((3000000, 9000000)):
        ship.tell(f"file big{n} {n} {size}")
    ship.tell("publish")
    ship.wait("state held partner-space", 60)
    assert sshpair.beta.newest()[0] == 1
    sshpair.beta.verify()
    sshpair.beta.node.sh(f"mount -o remount,size=100m {store}")
    ship.wait("acked 2", 60)
    sshpair.beta.verify()
