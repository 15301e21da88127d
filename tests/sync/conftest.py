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


@pytest.fixture
def mirrors(request):
    """The same with a mirror on each, and its neighbours played."""
    from mirror_kit import MirrorPair
    pair = MirrorPair(make_lab(request, nodes=(), client=False))
    yield pair
    for m in pair.mirrors:
        m.quit()


@pytest.fixture
def data_lab(request):
    """Two machines for whole nodes; nobody asks the address."""
    return make_lab(request, client=False)


@pytest.fixture
def datapair(data_lab):
    """Two whole nodes with data; alpha is active, beta has it all."""
    from pair_kit import DataPair
    return DataPair(data_lab).start()
