"""A bucket's server that takes every upload and writes down how each was signed: python3 bucket.py PORT FILE."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """S3's PUT of an object."""

    def do_PUT(self) -> None:
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        Path(sys.argv[2]).write_text(json.dumps({"path": self.path, "size": size, **dict(self.headers)}))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
