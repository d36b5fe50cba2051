"""Network of its own, with the addresses of players, load balancers and pods, in which nginx has ports 80 and 443.

An endpoint of Kubernetes may have no loopback address, so these addresses are those of documentation, on an interface
that nobody else sees and that goes with the network.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Sequence

_CLONE_NEWNET = 0x40000000
"""setns(2)."""


class Network:
    """Network namespace, until `close`."""

    def __init__(self, addresses: Sequence[str]) -> None:
        steps = ["ip link set lo up", *(f"ip address add {address}/32 dev lo" for address in addresses)]
        script = " && ".join([*steps, "echo there", "exec sleep infinity"])
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", script], stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"there\n"
        self.path = f"/proc/{self._holder.pid}/ns/net"

    def socket(self) -> socket.socket:
        """A TCP socket that listens or connects in the network, whoever uses it."""
        made: list[socket.socket] = []

        def enter_and_make() -> None:
            # A thread of its own, for what enters a network stays there.
            descriptor = os.open(self.path, os.O_RDONLY)
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) == 0:
                made.append(socket.socket())
            os.close(descriptor)

        thread = threading.Thread(target=enter_and_make)
        thread.start()
        thread.join()
        assert made, "only root may enter a network"
        made[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return made[0]

    def listener(self, address: str, port: int) -> socket.socket:
        """A socket that listens in the network."""
        bound = self.socket()
        bound.bind((address, port))
        bound.listen(128)
        return bound

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()
