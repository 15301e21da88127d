# SPDX-License-Identifier: ISC
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.fixtures import *  # noqa: E402,F401,F403
from lab.fixtures import make_lab  # noqa: E402
from ship_pair import SshPair  # noqa: E402


@pytest.fixture
def pair(request):
    """Two machines with sshd, stores and keys, one pair."""
    lab = make_lab(request, nodes=(), client=False)
    pair = SshPair(lab)
    yield pair
    for ship in pair.ships:
        ship.quit()
