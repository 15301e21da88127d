# SPDX-License-Identifier: ISC
"""
Namespaces: a holder process for each, sockets made inside one, and the
bookkeeping to prove that none is left.

A holder is a small shell that is pid 1 of its own pid namespace and ends
when its standard input does: when the test run dies, however it dies, the
kernel closes the pipe, the shell leaves and everything in its namespaces
goes with it.
"""

import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
SOL_NETLINK = 270
NETLINK_LISTEN_ALL_NSID = 8
RTM_NEWNSID = 88
NLM_F_REQUEST = 1
NLM_F_ACK = 4
NLMSG_ERROR = 2

libc = ctypes.CDLL(None, use_errno=True)

HOLDER = r"""
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 run /run
[ -z "$LAB_LIB" ] || mount --bind "$LAB_LIB" /var/lib
mkdir -p /run/lock
mount -t tmpfs -o mode=1777 tmp /var/tmp
hostname "$LAB_NAME"
ip link set lo up
echo ready
while read -r line; do :; done
"""


def mono_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def wall_to_mono_ns():
    """What to add to a CLOCK_REALTIME stamp to make it a monotonic one."""
    best = None
    for _ in range(5):
        a = mono_ns()
        w = time.clock_gettime_ns(time.CLOCK_REALTIME)
        b = mono_ns()
        if best is None or b - a < best[0]:
            best = (b - a, (a + b) // 2 - w)
    return best[1]


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def first_child(pid, timeout=10.0):
    """The process that unshare or enter.py forked; there is one soon."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        kids = children(pid)
        if kids:
            return kids[0]
        if not os.path.exists(f"/proc/{pid}"):
            return None
        time.sleep(0.001)
    return None


def ns_inode(pid, kind):
    try:
        return os.stat(f"/proc/{pid}/ns/{kind}").st_ino
    except OSError:
        return None


def pids_in(kind, inode):
    """All processes of one namespace, as this namespace numbers them."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and ns_inode(int(entry), kind) == inode:
            found.append(int(entry))
    return sorted(found)


def in_netns(fd, make):
    """Calls make() in the network namespace of fd; sockets stay in there."""
    result = []

    def inside():
        try:
            if libc.setns(fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            result.append((True, make()))
        except BaseException as e:
            result.append((False, e))

    t = threading.Thread(target=inside)
    t.start()
    t.join()
    ok, value = result[0]
    if not ok:
        raise value
    return value


class Holder:
    """One set of namespaces, kept by one process."""

    def __init__(self, name, lib=None, marker=""):
        self.name = name
        env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LAB_NAME": name,
            "LAB_LIB": lib or "",
            "VIPAIR_LAB": marker,
        }
        self.outer = subprocess.Popen(
            ["/usr/bin/unshare", "--net", "--pid", "--mount", "--uts",
             "--ipc", "--fork", "--kill-child=KILL", "/bin/bash", "-c",
             HOLDER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=env)
        line = self.outer.stdout.readline()
        if line != b"ready\n":
            self.outer.kill()
            raise RuntimeError(f"namespace holder {name} did not come up: "
                               f"{line.decode().strip()}")
        self.pid = first_child(self.outer.pid)
        self.net = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        # held open, so that the numbers are not given to somebody else
        self.keep = os.open(f"/proc/{self.pid}/ns/pid", os.O_RDONLY)
        self.pid_inode = ns_inode(self.pid, "pid")
        self.net_inode = ns_inode(self.pid, "net")

    def nsenter(self):
        return ["/usr/bin/nsenter", "-t", str(self.pid), "-n", "-m", "-u",
                "-i", "-p", "--"]

    def run(self, *argv, check=True, input=None, timeout=30):
        p = subprocess.run(
            self.nsenter() + [str(a) for a in argv], input=input, text=True,
            capture_output=True, timeout=timeout)
        if check and p.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, argv))}: "
                               f"{p.stderr.strip() or p.returncode}")
        return p

    def sh(self, script, check=True):
        return self.run("/bin/sh", "-c", script, check=check)

    def socket(self, *args):
        return in_netns(self.net, lambda: socket.socket(*args))

    def pids(self):
        """Processes in here besides the holder."""
        return [p for p in pids_in("pid", self.pid_inode) if p != self.pid]

    def kill(self):
        """SIGKILL to pid 1: the kernel takes all the others with it."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.outer.wait(timeout=20)
        for f in (self.outer.stdin, self.outer.stdout):
            try:
                f.close()
            except OSError:
                pass

    def close(self):
        self.kill()
        if self.net >= 0:
            os.close(self.net)
            os.close(self.keep)
            self.net = self.keep = -1

    def leftovers(self, timeout=5.0):
        """Processes still in one of our namespaces; empty is right."""
        end = time.monotonic() + timeout
        while True:
            left = set(pids_in("pid", self.pid_inode))
            left |= set(pids_in("net", self.net_inode))
            if not left or time.monotonic() > end:
                return sorted(left)
            time.sleep(0.01)


def assign_nsid(sock, netns_fd, nsid):
    """Gives a namespace a number in the namespace of the netlink socket."""
    body = struct.pack("=Bxxx", socket.AF_UNSPEC)
    body += struct.pack("=HHi", 8, 1, nsid)           # NETNSA_NSID
    body += struct.pack("=HHI", 8, 3, netns_fd)       # NETNSA_FD
    head = struct.pack("=IHHII", 16 + len(body), RTM_NEWNSID,
                       NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    sock.send(head + body)
    if not select.select([sock], [], [], 5)[0]:
        raise RuntimeError("no answer to RTM_NEWNSID")
    answer = sock.recv(4096)
    kind = struct.unpack_from("=H", answer, 4)[0]
    err = struct.unpack_from("=i", answer, 16)[0]
    if kind == NLMSG_ERROR and err != 0:
        raise OSError(-err, "RTM_NEWNSID")
