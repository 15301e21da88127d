# SPDX-License-Identifier: ISC
"""
A laboratory of Linux machines for the tests: nodes in namespaces of their
own on one bridge, an observer that belongs to none of them, and wrappers for
vrrpd and for the programs it has to get along with.

Nothing here shares code with the C sources: what goes over the wire is taken
apart by wire.py, which was written from the protocol documents alone.
"""

from .lab import Lab, Node
from .proc import Proc
from .daemons import Frr, Keepalived, Ucarp, Vrrpd

__all__ = ["Lab", "Node", "Proc", "Vrrpd", "Ucarp", "Keepalived", "Frr"]
