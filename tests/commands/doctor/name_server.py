"""A DNS server on loopback: what a resolver would answer, from a table."""

from __future__ import annotations

import socket
import threading
from typing import Final

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Table = dict[tuple[str, str], list[str]]
BROKEN: Final = "broken"
"""Type of a row for a name of which no server tells anything."""


class NameServer:
    """Answers from `table`, which a test may change: (name, type) to the data in zone-file notation."""

    def __init__(self) -> None:
        self.table: Table = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.silent = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(4096)
            if not data:
                return
            if not self.silent:
                self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(), sender)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        data = self.table.get((name, kind))
        if (name, BROKEN) in self.table:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif data:
            answer.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *data))
        elif not any(owner == name or owner.endswith(f".{name}") for owner, _ in self.table):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
