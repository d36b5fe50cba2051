"""Addresses of Services without pods behind them: forwarded to the rehearsal's stand-ins, as kube-proxy would."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import socketserver
import subprocess
import threading
import urllib.request
from typing import Any

from rehearsal.k3s.stand_in.archive import about
from rehearsal.k3s.stand_in.control_plane import ControlPlane
from rehearsal.k3s.stand_in.waiting import wait


class Forward(socketserver.ThreadingTCPServer):
    """Passes connections on to what a pod would answer."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, at: tuple[str, int], to: tuple[str, int]) -> None:
        self.to = to
        super().__init__(at, _Passing)


class _Passing(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        with contextlib.suppress(OSError), socket.create_connection(server.to, 5) as far:
            far.settimeout(None)
            back = threading.Thread(target=_copy, args=(far, self.request), daemon=True)
            back.start()
            _copy(self.request, far)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def forward() -> None:
    """Answer at Services' addresses, as kube-proxy and the pods behind them would."""
    wait(lambda: shutil.which("nft") is not None, lambda: True, "nftables, which the host's own role installs,")
    rules = ["table ip stand-in", "delete table ip stand-in"]
    rules += ["add table ip stand-in", "add chain ip stand-in out { type nat hook output priority dstnat; }"]
    for each in about()["forwards"]:
        address, port = each["address"], each["port"]
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
        server = Forward((address, 0), (each["to"][0], each["to"][1]))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # By a rule, as kube-proxy does: the port itself stays free for the host's own programs.
        behind = server.server_address[1]
        rules.append(f"add rule ip stand-in out ip daddr {address} tcp dport {port} dnat to {address}:{behind}")
    subprocess.run(["nft", "--file", "-"], input="\n".join(rules) + "\n", text=True, check=True)


def tell_datastore(control_plane: ControlPlane) -> None:
    """What stands in for a pod keeps its data elsewhere: it is told which data it would have here."""
    uid = control_plane.kubectl("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}").stdout.decode()

    def told(host: str, port: int) -> bool:
        request = urllib.request.Request(
            f"http://{host}:{port}/rehearsal/datastore", json.dumps({"id": uid}).encode(), method="PUT"
        )
        try:
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310
                return True
        except OSError:
            return False

    for each in about()["forwards"]:
        host, port = each["to"]
        wait(lambda host=host, port=port: told(host, port), lambda: True, f"what answers for pods at {host}:{port}")
