"""An ACME server that takes an account and refuses every order: python3 refusing_acme.py PORT STATUS TYPE DETAIL."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, status, kind, detail = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
home = f"http://127.0.0.1:{port}"


class Handler(BaseHTTPRequestHandler):
    """RFC 8555: directory, nonce, account; and a problem document (RFC 7807) for an order."""

    def do_GET(self) -> None:
        self.answer(200, {name: f"{home}/{name}" for name in ("newNonce", "newAccount", "newOrder", "revokeCert")})

    def do_HEAD(self) -> None:
        self.answer(200, None)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/newOrder":
            self.answer(status, {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status})
        else:
            self.answer(201, {"status": "valid"})

    def answer(self, code: int, body: object) -> None:
        """With a fresh nonce, as every answer has."""
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/problem+json" if code >= 400 else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Replay-Nonce", "bm9uY2U")
        self.send_header("Location", f"{home}/account/1")
        self.end_headers()
        self.wfile.write(content)


ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
