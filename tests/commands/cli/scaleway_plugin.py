"""Scaleway's real provider, asked what a change of a resource would do.

For an Instance the provider asks Scaleway which disk and which state there is: a stand-in on loopback tells.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import grpc
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from tests.support.tools import tools

SEED = b"seed" * 8
ACCOUNT = {
    "accessKey": "SCWABCDEFGHJKLMNPQRS",
    "secretKey": "5f1c7b0e-7d53-4a0b-9a35-0c6f8b1f2d11",
    "projectId": "11111111-2222-4333-8444-555555555555",
    "region": "fr-par",
    "zone": "fr-par-1",
}
SERVER = {"id": "an-id", "state": "running", "commercial_type": "PLAY2-MICRO", "zone": "fr-par-1"}
Inputs = Mapping[str, Any]


class ScalewayPlugin:
    """The provider, asked the way the engine asks."""

    def __init__(self, channel: grpc.Channel, api_url: str) -> None:
        # The generated stub says no types.
        self._ask: Any = ResourceProviderStub(channel)
        self._ask.Configure(pb.ConfigureRequest(args=_struct({**ACCOUNT, "apiUrl": api_url}), acceptSecrets=True))

    def replaced_by(self, token: str, before: Inputs, after: Inputs) -> frozenset[str]:
        """The inputs whose change replaces the resource, by the provider's own words."""
        urn = f"urn:pulumi:dev::shambhala::{token}::resource"
        olds = self._ask.Check(pb.CheckRequest(urn=urn, news=_struct(before), randomSeed=SEED)).inputs
        news = self._ask.Check(pb.CheckRequest(urn=urn, olds=olds, news=_struct(after), randomSeed=SEED)).inputs
        request = pb.DiffRequest(id="fr-par-1/an-id", urn=urn, olds=olds, old_inputs=olds, news=news)
        return frozenset(cast("list[str]", list(self._ask.Diff(request).replaces)))


class _Instances(BaseHTTPRequestHandler):
    """Stand-in of Scaleway's API that knows one Instance, with a disk of the hypervisor."""

    def do_GET(self) -> None:
        volume = {"id": "a-volume", "volume_type": "l_ssd", "size": 20_000_000_000}
        body = json.dumps({"server": {**SERVER, "volumes": {"0": volume}}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        del code, size


@contextmanager
def scaleway_plugin() -> Generator[ScalewayPlugin]:
    """The provider's process for a while."""
    [program] = [tool.path for tool in tools().plugins if tool.name == "scaleway plugin"]
    command = [program, "127.0.0.1:1"]
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), _Instances) as api,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run,
    ):
        threading.Thread(target=api.serve_forever, daemon=True).start()
        try:
            assert run.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{run.stdout.readline().strip()}") as channel:
                yield ScalewayPlugin(channel, f"http://127.0.0.1:{api.server_port}")
        finally:
            run.kill()
            api.shutdown()


def _struct(values: Inputs) -> Struct:
    return json_format.ParseDict(dict(values), Struct())
