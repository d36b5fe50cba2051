"""Runs inside a machine: sends back what it is sent, over TCP and UDP, on the ports given."""

import socketserver
import sys
import threading


class Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Answer once the caller has ended its side, so that half-closed connections are seen to work."""
        self.wfile.write(self.rfile.read())


class Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        datagram, out = self.request
        out.sendto(datagram, self.client_address)


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


class UdpServer(socketserver.ThreadingUDPServer):
    max_packet_size = 65535


for port in map(int, sys.argv[1:]):
    for server in (TcpServer(("", port), Tcp), UdpServer(("", port), Udp)):
        threading.Thread(target=server.serve_forever).start()
