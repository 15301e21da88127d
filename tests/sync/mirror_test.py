# SPDX-License-Identifier: ISC
"""The mirror between its neighbours and a partner over real ssh."""

import os
import time

from mirror_kit import (
    BEGIN, END, NO_WORD, WRITE)
from ship_pair import PAIR, STORE


def partner(line):
    """role, epoch, age of a line."""
    f = line.split()
    return int(f[4]), f[12], int(f[14])


# -- words

def test_words_go_both_ways(mirrors):
    a, b = mirrors.mirror(mirrors.alpha), mirrors.mirror(mirrors.beta)
    a.tell("word 2 3 0 1 1 1")
    b.tell("word 1 3 0 1 0 0")
    a.wait("partner node 1 role 1 healthy 1 ready 0 present 0 epoch 3.0")
    b.wait("partner node 0 role 2 healthy 1 ready 1 present 1 epoch 3.0")
    # a change is with the partner within a second, and so is an advert
    since = time.monotonic()
    b.tell("word 4 3 0 0 0 0")
    a.wait("partner node 1 role 4 healthy 0", 0.9)
    assert time.monotonic() - since < 1
    for _ in range(3):
        n = b.count("partner")
        a.tell("word 2 3 0 1 1 1")
        line = b.wait("partner", 1.5, n + 2)
        assert partner(line)[2] < 1500


def test_silence_is_told(mirrors):
    a, b = mirrors.mirror(mirrors.alpha), mirrors.mirror(mirrors.beta)
    a.standby()
    b.standby()
    a.wait("partner node 1 role 1")
    mirrors.lab.cut(mirrors.beta.node)
    last = time.monotonic()
    a.wait(f"partner node 1 role {NO_WORD}", 6)
    assert 2 < time.monotonic() - last < 5
    time.sleep(1.5)
    assert a.count(f"partner node 1 role {NO_WORD}") == 1
    # a new elector hears of it at once
    a.expect("elector", f"partner node 1 role {NO_WORD}", 2)
    n = a.count("partner node 1 role 1")
    mirrors.lab.heal()
    a.wait("partner node 1 role 1", 40, n + 1)


def test_capture_hears_changes_only(mirrors):
    a = mirrors.mirror(mirrors.alpha)
    for _ in range(5):
        a.tell("word 1 1 0 1 1 0")
    a.tell("word 2 2 0 1 1 1", "word 2 2 0 1 1 1")
    a.wait("capture word 2 term 2.0 self 0")
    a.expect("ping", "supervisor PONG")
    assert a.count("capture word") == 2
    # a new one hears all that it may have missed
    a.expect("capture", "capture word 2 term 2.0 self 0")


# -- data

def test_what_the_store_holds(mirrors):
    a = mirrors.mirror(mirrors.alpha)
    a.wait("data none ready 1 generation 0")
    a.expect("epoch 5 1", "data filling ready 0 generation 0 partner 0 "
             "term 5.1", 2)
    a.expect("ask 6", "data allowed ready 1", 2)
    a.tell("word 2 6 0 1 1 1")
    a.expect("job begin 6", f"done {BEGIN} result 0")
    a.wait("data none ready 1 generation 0 partner 0 term 6.0")
    a.expect("job write 6", f"done {WRITE} result 0")
    # nobody tells the mirror: it sees the commit itself
    a.tell("file a 1 10")
    a.expect("silent", "data ready ready 1 generation 1", 2)
    assert a.shows("the head", generation=1, data="ready").entries == 1
    # the permission was for what was there then
    with open(mirrors.alpha.store("HEAD.new"), "w") as f:
        f.write("garbage\n")
    os.rename(mirrors.alpha.store("HEAD.new"), mirrors.alpha.store("HEAD"))
    # the capture, which is none here, has three seconds to repair it
    a.wait("data damaged ready 0", 8)
    # and it is told again each second, whatever has changed
    n = a.count("data damaged")
    a.wait("data damaged", 3, n + 2)


# -- takeover, end, handover

def test_takeover_and_end(mirrors):
    a, b = mirrors.both()
    assert b.open() is True and a.open() is False
    a.tell("file etc/a 1 100")
    assert a.publish() == 1
    assert mirrors.beta.newest() == mirrors.alpha.newest()
    b.wait("data ready ready 1 generation 1 partner 0 term 1.0", 2)
    a.wait("data ready ready 1 generation 1 partner 1 term 1.0", 2)
    # the last one is not acknowledged before END is, and END waits for it
    a.tell("auto 0")
    a.expect("job end 1", f"capture job {END} term 1")
    a.tell("file etc/b 2 100000", "file big 3 3000000", "silent",
           "captured 0 1")
    time.sleep(0.5)
    assert not a.count(f"done {END}")
    a.tell("auto 1")
    done = a.expect("job end 1", f"done {END}", 12)
    assert done.split()[3:6] == ["0", "check", "1"], done
    assert mirrors.beta.newest() == mirrors.alpha.newest()
    assert mirrors.beta.newest()[0] == 2
    a.standby()
    a.shows("it only talks", writes=0)
    # the roles change, the chain goes on
    b.active(2)
    assert b.open() is False
    b.tell("file etc/a 4 100")
    assert b.publish() == 3
    assert mirrors.alpha.newest() == mirrors.beta.newest()
    assert os.listdir(mirrors.alpha.store("diverged")) == []
    mirrors.alpha.verify()


def test_end_without_a_channel_waits_for_nothing(mirrors):
    mirrors.beta.sshd.stop()
    a = mirrors.mirror(mirrors.alpha).active(1)
    a.shows("no channel", ship="down")
    a.tell("file a 1 1", "publish")
    since = time.monotonic()
    done = a.expect("job end 1", f"done {END}", 5)
    assert done.split()[3:6] == ["0", "check", "0"], done
    assert time.monotonic() - since < 1


def test_receivers_are_shut_before_begin_goes_on(mirrors):
    b = mirrors.mirror(mirrors.beta).standby()
    mirrors.lab.wait_for(b.open, 5, "open")
    # the elector has not even said that we are active
    b.tell("auto 0")
    b.expect("job begin 2", f"capture job {BEGIN} term 2")
    assert b.open() is False
    b.tell("captured 0 1", "word 1 1 0 1 1 0")
    b.expect("ping", "supervisor PONG")
    assert b.open() is False
    # the end of it opens them, if nothing is uncaptured
    b.tell("auto 1")
    b.expect("job end 2", f"done {END}")
    mirrors.lab.wait_for(b.open, 5, "open")
    b.tell("captured 0 0")
    mirrors.lab.wait_for(lambda: b.open() is False, 5, "shut")


def test_receivers_take_nothing_while_shut(mirrors):
    a, b = mirrors.both()
    a.tell("file a 1 1")
    a.publish()
    b.tell("captured 0 0")
    a.tell("file a 2 1", "publish")
    a.shows("refused", ship="held", id="partner-busy")
    assert mirrors.beta.newest()[0] == 1
    b.tell("captured 0 1")
    a.shows("taken", acked=2)


# -- the capture dies

def test_no_capture(mirrors):
    a = mirrors.mirror(mirrors.alpha).standby()
    a.tell("gone")
    since = time.monotonic()
    a.expect("job begin 2", f"done {BEGIN} result 1 check 0 term 2", 5)
    assert 1.5 < time.monotonic() - since < 4
    mirrors.lab.wait_for(lambda: a.open() is False, 2, "shut")


def test_capture_dies_in_a_job(mirrors):
    a = mirrors.mirror(mirrors.alpha)
    a.tell("word 2 2 0 1 1 1", "auto 0")
    a.expect("job begin 2", f"capture job {BEGIN} term 2")
    a.tell("gone", "auto 1", "capture")
    a.wait(f"capture job {BEGIN} term 2", 5, 2)
    a.wait(f"done {BEGIN} result 0", 5)
    # the last WRITE is told again to whoever comes
    a.expect("job write 2", f"done {WRITE} result 0")
    n = a.count(f"capture job {WRITE} term 2")
    a.tell("gone", "capture")
    a.wait(f"capture job {WRITE} term 2", 5, n + 1)
    a.expect("ping", "supervisor PONG")
    assert a.count(f"done {WRITE}") == 1


def test_a_later_job_takes_its_place(mirrors):
    a = mirrors.mirror(mirrors.alpha).standby()
    a.tell("auto 0")
    a.expect("job begin 2", f"capture job {BEGIN} term 2")
    a.expect("job end 2", f"done {BEGIN} result 3")
    a.tell("auto 1")
    a.expect("job end 2", f"done {END} result 0")


# -- fencing

def test_stale_is_told(mirrors):
    a, b = mirrors.both()
    a.tell("file a 1 10")
    a.publish()
    b.active(2)
    b.tell("file b 2 10", "publish")
    a.tell("file a 3 10", "publish")
    # each is told of the other, with the epoch it has seen
    b.wait("partner node 0 role 2", 20)
    a.wait("partner node 1 role 2 healthy 1 ready 1 present", 20)
    mirrors.lab.wait_for(
        lambda: [t for t in a.lines("partner node 1 role 2")
                 if " epoch 2.1 age -1 " in t], 20, "fenced")
    # alpha gives in, its branch is parked, beta's data is everywhere
    a.expect("job end 1", f"done {END}")
    a.standby(2, 1)
    b.shows("level", ship="level", timeout=30)
    assert mirrors.alpha.newest()[1] == mirrors.beta.newest()[1]


def test_stale_standby_knows_no_active(mirrors):
    """Both are standbys; what alpha has not shipped is of an old term."""
    a, b = mirrors.both()
    a.tell("file a 1 10")
    a.publish()
    a.expect("job end 1", f"done {END}")
    a.tell("word 1 1 0 1 1 0", "captured 0 0")
    b.tell("epoch 2 1")
    # after its restart alpha captures what it had written
    a.tell("captured 1 0", "file a 2 10", "publish")
    a.shows("refused", ship="held", id="stale")
    a.expect("elector", "partner node 1 role 1", 5)
    assert not a.count("partner node 1 role 2")


def test_nobody_speaks_for_a_node_without_mirror(mirrors):
    """Its sshd and its receiver still answer."""
    a, b = mirrors.both()
    a.wait("partner node 1 role 1")
    b.expect("leave", "ended 0")
    a.wait(f"partner node 1 role {NO_WORD}", 6)
    assert a.state().ship == "level"
    n = a.count("partner node 1 role 1")
    b.start()
    b.expect("ping", "supervisor PONG")
    assert not a.count("partner node 1 role 0")
    b.standby()
    a.wait("partner node 1 role 1", 5, n + 1)


def test_handover_is_asked(mirrors):
    a, b = mirrors.both()
    b.shows("a channel", ship="watching")
    b.tell("ask 1")
    a.wait("asked 1", 2)
    # at a limited rate
    for _ in range(20):
        b.tell("ask 1")
    time.sleep(1)
    assert a.count("asked") <= 3
    # without a channel nothing comes of it
    mirrors.alpha.sshd.stop()
    mirrors.kill(mirrors.alpha, "sshd")
    b.shows("down", ship="down")
    b.expect("ask 1", "log 1", 3)


# -- the mirror dies

def test_killed_and_restarted(mirrors):
    a, b = mirrors.both()
    a.tell("file a 1 10")
    a.publish()
    pids = mirrors.alpha.children(a.pid)
    assert pids
    a.expect("kill", "ended")
    mirrors.lab.wait_for(
        lambda: not [p for p in pids if os.path.exists(f"/proc/{p}")], 3,
        "ssh ends with the mirror")
    a.start().tell("word 2 1 0 1 1 1")
    # the capture says that it may write: nobody has to ask for it again
    a.tell("file b 2 10")
    a.publish()
    mirrors.beta.verify()
    assert a.open() is False and b.open() is True


def test_ships_whoever_spoke_first(mirrors):
    """The capture may say that it writes before the elector says who we
    are."""
    a, b = mirrors.both()
    a.tell("file a 1 10")
    a.publish()
    a.expect("kill", "ended")
    a.tell("file a 2 10", "silent")
    a.start()
    a.expect("ping", "supervisor PONG")
    a.tell("word 2 1 0 1 1 1")
    a.shows("there", acked=2)


def test_killed_in_a_large_copy(mirrors):
    a, b = mirrors.both()
    a.tell("many 300 20000", "file big 1 60000000", "publish")
    mirrors.lab.wait_for(lambda: mirrors.named(mirrors.alpha, "rsync"), 30,
                         "rsync runs")
    pids = mirrors.alpha.children(a.pid)
    a.expect("kill", "ended")
    mirrors.lab.wait_for(
        lambda: not [p for p in pids if os.path.exists(f"/proc/{p}")], 5,
        "rsync and its ssh end with the mirror")
    a.start().tell("word 2 1 0 1 1 1")
    a.shows("there", acked=1, timeout=60)
    mirrors.beta.verify()


def test_leaves(mirrors):
    a = mirrors.mirror(mirrors.alpha).standby()
    mirrors.lab.wait_for(a.open, 5, "open")
    a.expect("leave", "ended 0")
    assert a.open() is None


# -- what people see

def test_host_key_changed(mirrors):
    mirrors.alpha.know(mirrors.alpha)
    mirrors.alpha.node.sh(f"sed -i s/^alpha/beta/ "
                          f"/var/lib/vipair/ssh/{PAIR}/known_hosts")
    a = mirrors.mirror(mirrors.alpha).standby()
    s = a.shows("the id", id="host-key-changed", ship="down")
    assert s.partner == "beta" and s.text
    a.wait("log 2 vpn: partner: host-key-changed", 5)


def test_partner_reinstalled(mirrors):
    a, b = mirrors.both()
    a.tell("many 50 100")
    a.publish()
    a.tell("file x 1 300000")
    a.publish()
    b.expect("kill", "ended")
    b.quit()
    mirrors.kill(mirrors.beta, "receiver")
    mirrors.beta.node.sh(f"rm -rf {STORE}/*")
    b = mirrors.mirror(mirrors.beta)
    b.wait("data none ready 1 generation 0")
    b.standby()
    b.wait("data ready ready 1 generation 2", 40)
    # it was not taken for one that has it all
    a.shows("all", acked=2, ship="level", behind=0, changes=3)
    mirrors.beta.verify()


def test_partner_disk_full(mirrors):
    mirrors.beta.node.sh(
        f"mount -t tmpfs -o size=26m,mode=2770 tmpfs {STORE} && "
        f"chown _syncd:_syncd {STORE} && chmod 2770 {STORE}")
    a, b = mirrors.both()
    a.tell("file a 1 10")
    a.publish()
    a.tell("file big 1 12000000", "publish")
    s = a.shows("no space", ship="held", id="partner-space", timeout=40)
    assert s.behind != 0 and s.acked == 1
    # the active goes on, and its word too
    n = b.count("partner node 0 role 2")
    a.tell("file big 2 11000000", "publish")
    b.wait("partner node 0 role 2", 5, n + 2)
    mirrors.beta.node.sh(f"mount -o remount,size=100m {STORE}")
    a.shows("taken", acked=3, timeout=60)
    mirrors.beta.verify()


def test_behind_since_the_first(mirrors):
    """It has nothing at all of ours: what we make since is no news."""
    mirrors.beta.node.sh(
        f"mount -t tmpfs -o size=26m,mode=2770 tmpfs {STORE} && "
        f"chown _syncd:_syncd {STORE} && chmod 2770 {STORE}")
    a, b = mirrors.both()
    a.tell("file big 1 30000000", "publish")
    s = a.shows("no space", ship="held", id="partner-space", timeout=40)
    was = s.behind
    assert was != 0 and s.acked == 0
    mirrors.lab.elapse(2)
    a.tell("file a 1 10", "publish")
    s = a.shows("the next", generation=2)
    assert s.acked == 0 and abs(s.behind - was) < 1e9, s


def test_state_file(mirrors):
    a, b = mirrors.both()
    a.tell("file a 1 10")
    a.publish()
    s = a.shows("level", ship="level", behind=0, acked=1, changes=1)
    assert s.partner == "beta" and s.writes == 1 and s.id == ""
    assert 0 < s.lag < 5e9 and s.round_trip > 0 and s.heard > 0
    assert s.partner_free > 0
    was = os.stat(mirrors.alpha.node.path(
        f"/run/vipair/sync/{PAIR}.mirror")).st_mtime_ns
    mirrors.lab.wait_for(lambda: os.stat(mirrors.alpha.node.path(
        f"/run/vipair/sync/{PAIR}.mirror")).st_mtime_ns != was, 2,
        "written each second")
    s = b.shows("words only", writes=0, ship="watching")
    assert s.partner == "alpha"
