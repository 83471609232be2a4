"""Ports and pod addresses that several control planes on one machine do not share.

In: nothing. Out: free ports, and a /16 of loopback addresses that stays ours until this process ends. Linux answers on
all of 127.0.0.0/8, so a pod address is one that a real HTTP client reaches.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

_FIRST, _LAST = 64, 126
_CLAIM_PORT = 59_999


@dataclass(frozen=True, slots=True)
class PodNetwork:
    """127.`block`.0.0/16, held by an open socket: the kernel gives it back however this process ends."""

    block: int
    claim: socket.socket

    @property
    def cidr(self) -> str:
        """The network in the form of KWOK's `--cidr`: the first address that a pod may get."""
        return f"127.{self.block}.0.1/16"

    def release(self) -> None:
        """Let another control plane have the network."""
        self.claim.close()


def claim_pod_network() -> PodNetwork:
    """Claim a network that no other control plane on this machine uses. Raises RuntimeError when all are taken."""
    for block in range(_FIRST, _LAST + 1):
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((f"127.{block}.255.254", _CLAIM_PORT))
        except OSError as error:
            # Other systems than Linux have only 127.0.0.1: pods get addresses there, but nothing can listen on them.
            if error.errno != errno.EADDRNOTAVAIL:
                claim.close()
                continue
        return PodNetwork(block, claim)
    raise RuntimeError(f"all pod networks 127.{_FIRST}.0.0/16 to 127.{_LAST}.0.0/16 are in use by control planes")


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 on which nothing listens now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
