# SPDX-License-Identifier: ISC
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.fixtures import make_lab  # noqa: E402


@pytest.fixture
def sshpair(request):
    """Two machines with sshd, stores and keys, one pair."""
    from ship_pair import SshPair
    pair = SshPair(make_lab(request, nodes=(), client=False))
    yield pair
    for ship in pair.ships:
        ship.quit()
