# SPDX-License-Identifier: ISC
"""
Runs a program in the namespaces of another process and hands on its exit
status.  Unlike nsenter it does not stop when the program is stopped: a frozen
program must not leave a parent behind that never reaps it.
argv: pid program argument ...
"""

import ctypes
import os
import signal
import sys


def main():
    pid, argv = sys.argv[1], sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    fds = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
           for kind in ("pid", "ipc", "uts", "net", "mnt")]
    for fd in fds:
        if libc.setns(fd, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)
    os.chdir("/")
    child = os.fork()
    if child == 0:
        os.setsid()
        for sig in (signal.SIGPIPE, signal.SIGINT):
            signal.signal(sig, signal.SIG_DFL)
        os.execvp(argv[0], argv)
    os.closerange(0, 3)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
