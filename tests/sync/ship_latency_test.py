# SPDX-License-Identifier: ISC
"""
What one small change costs, from the first byte to the acknowledgement that
it is durable and verified on the partner, by the number of files in the tree.
Prints; asserts only what tells a design from a mistake.
"""

import pytest

LIMIT_MS = 60


@pytest.mark.parametrize("files", [10, 1000, 10000])
def test_small_change(sshpair, files):
    ship = sshpair.ship().active(1)
    ship.tell(f"many {files} 200")
    ship.publish(90)
    ship.tell("bench 100 1000")
    ship.wait("steps done", 60)
    us = sorted(int(t.split()[1]) for t in ship.lines("us "))[2:]
    median = us[len(us) // 2] / 1000
    sshpair.lab.measure(f"{files} files: one change, durable and acknowledged",
                     median)
    sshpair.lab.measure(f"{files} files: the slowest of 100", us[-1] / 1000)
    # those that nothing else on the machine got in the way of
    assert us[len(us) // 10] / 1000 < LIMIT_MS
