"""Player: asks nginx by a load balancer that hands on the player's own address, or past the load balancer."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.localcloud.ingress.network import Network
from tests.localcloud.ingress.pods import Told
from tests.support.waiting import LONGEST_WAIT

LOAD_BALANCER = "100.64.0.9"
"""Address of Scaleway's load balancers (RFC 6598), which nginx believes."""
STRANGER = "198.51.100.66"
"""Address from which nginx believes nothing."""
PLAYER = "203.0.113.7"


@dataclass(frozen=True)
class Answer:
    """What nginx answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> Told:
        """What the pod says that reached it."""
        return Told(**json.loads(self.body))


@dataclass
class Player:
    """Somebody who trusts the certificates that the tests sign.

    address: the player's own, as the load balancer says it; None for no proxy protocol. via: from where the connection
    comes.
    """

    network: Network
    nginx: str
    address: str | None = PLAYER
    via: str = LOAD_BALANCER
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def connect(self, port: int, host: str | None = None) -> socket.socket:
        """A connection to nginx, with TLS for a host on port 443. Raises ssl.SSLError."""
        connection = self.network.socket()
        connection.settimeout(LONGEST_WAIT)
        connection.bind((self.via, 0))
        connection.connect((self.nginx, port))
        if self.address is not None:
            connection.sendall(proxy_header(self.address, self.nginx, port))
        return self.trust.wrap_socket(connection, server_hostname=host) if port == 443 else connection

    def ask(
        self,
        host: str,
        path: str = "/",
        *,
        method: str = "GET",
        port: int = 443,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """What nginx answers to one request."""
        asking = http.client.HTTPConnection(host)
        asking.sock = self.connect(port, host)
        try:
            asking.request(method, path, body, dict(headers or {}))
            answer = asking.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            asking.close()


def proxy_header(player: str, server: str, port: int) -> bytes:
    """Header of the proxy protocol, version 2, for TCP over IPv4."""
    ends = ipaddress.IPv4Address(player).packed + ipaddress.IPv4Address(server).packed + struct.pack("!HH", 40000, port)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11]) + struct.pack("!H", len(ends)) + ends
