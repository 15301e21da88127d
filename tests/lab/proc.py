# SPDX-License-Identifier: ISC
"""A process inside a node: its output as it comes, its pid as we see it."""

import os
from signal import SIGKILL, SIGTERM
import subprocess
import threading

from .netns import first_child, mono_ns

ENTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "enter.py")


class Proc:
    def __init__(self, lab, holder, argv, name=None, env=None, stdin=None):
        self.lab = lab
        self.argv = [str(a) for a in argv]
        self.name = name or os.path.basename(self.argv[0])
        self.lines = []          # (monotonic ns, text)
        full = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
                "VIPAIR_LAB": lab.marker}
        full.update(env or {})
        self.outer = subprocess.Popen(
            ["/usr/bin/python3", "-IS", ENTER, str(holder.pid)] + self.argv,
            env=full, text=True, errors="replace", bufsize=1,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.pid = first_child(self.outer.pid)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        lab.procs.append(self)

    def _read(self):
        try:
            for line in self.outer.stdout:
                self.lines.append((mono_ns(), line.rstrip("\n")))
                self.lab.notify()
        except ValueError:
            pass
        self.lab.notify()

    @property
    def text(self):
        return "\n".join(t for _, t in list(self.lines))

    def said(self, word, since=0):
        return any(word in t for ns, t in list(self.lines) if ns >= since)

    @property
    def running(self):
        return self.outer.poll() is None

    def signal(self, sig):
        if self.pid is not None:
            try:
                os.kill(self.pid, sig)
            except ProcessLookupError:
                pass

    def wait(self, timeout=20):
        """Exit status; 128 and the signal when one ended it."""
        code = self.outer.wait(timeout=timeout)
        self.reader.join(timeout=5)
        return code

    def stop(self, sig=SIGTERM, timeout=10):
        if self.running:
            self.signal(sig)
            try:
                return self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.signal(SIGKILL)
                return self.wait(timeout)
        return self.outer.returncode
