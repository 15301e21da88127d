# SPDX-License-Identifier: ISC
"""What `vipctl doctor` says of a node, and the node's own /etc."""

import json
import time

PROMISED_S = 10


class Patient:
    def __init__(self, vrrpd):
        self.vrrpd, self.node = vrrpd, vrrpd.node
        self.code = None

    def own(self, path):
        """A directory of the host becomes this node's, and empty."""
        self.node.sh(f"mount -t tmpfs -o mode=755 tmpfs {path}")

    def doctor(self, *argv):
        began = time.monotonic()
        p = self.vrrpd.vipctl("-j", "doctor", *argv, timeout=30)
        took = time.monotonic() - began
        assert took < PROMISED_S, f"{took:.1f} s"
        self.code = p.returncode
        out = json.loads(p.stdout)
        assert out["schema"] == 1
        assert not out["skipped"], out["skipped"]
        return out

    def ids(self, *argv):
        return [x["id"] for x in self.doctor(*argv)["problems"]]

    def names(self, ident, *argv):
        """The only finding of that id, with all that belongs to one."""
        found = [x for x in self.doctor(*argv)["problems"]
                 if x["id"] == ident]
        assert len(found) == 1, (ident, found)
        f = found[0]
        assert f["text"] and f["fix"]
        assert f["severity"] == ("critical" if ident[0] == "C"
                                 else "warning")
        assert self.code in (1, 2) or f["fixed"] or \
            ident in ("W26", "W29", "W32")
        return f

    def well(self):
        """Nothing but what follows from the configuration."""
        assert self.ids() == [] and self.code == 0
