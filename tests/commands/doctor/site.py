"""An environment before its first update: its settings, Scaleway's stand-in, and a program in the engine's place."""

from __future__ import annotations

import asyncio
import json
import stat
import threading
from collections.abc import Coroutine, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest
from dns.resolver import Resolver
from scaleway import Client

from cli import __main__ as cli
from cli.doctor.lines import Environment
from cli.doctor.pulumi_programs import needed
from cli.scaleway_client import client
from common.settings import Settings, parse
from rehearsal.session import Session
from tests.commands.doctor.name_server import NameServer
from tests.localcloud.scaleway.cloud import Answer, Cloud
from tests.support.example import complete

T = TypeVar("T")
STACK = "dev"
# Gives what the test laid beside it, or an error like the engine's.
ENGINE = """#!/bin/sh
if [ -e "$0.error" ] && [ "$1" != version ] && [ "$1" != plugin ]; then cat "$0.error" >&2; exit 1; fi
case "$*" in
"config --json"*) cat "$0.configuration" ;;
"stack export"*) cat "$0.state" ;;
version*) cat "$0.version" ;;
"plugin ls"*) cat "$0.plugins" ;;
*) echo "error: unknown command $*" >&2; exit 255 ;;
esac
"""


class Api:
    """The stand-in, served beside the test: the commands ask it as they ask Scaleway."""

    def __init__(self, run: Session) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.cloud = self.wait(self._start(run))

    async def _start(self, run: Session) -> Cloud:
        cloud = Cloud(run)
        await cloud.start()
        return cloud

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        return self.wait(self.cloud.ask(method, path, body))

    def account(self, **state: object) -> None:
        """What the organization may do from now on (rehearsal/scaleway/account.py)."""
        assert self.ask("PUT", "/rehearsal/account", state).status == 204

    def stop(self) -> None:
        self.wait(self.cloud.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Mirror:
    """A web server on loopback that has everything, but for the paths in `missing`."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.bodies: dict[str, bytes] = {}
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(404 if self.path in mirror.missing else 200)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(mirror.bodies.get(self.path, b""))

            do_HEAD = do_GET  # noqa: N815 - the library's name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Site:
    """An environment that lacks nothing, for tests to spoil, and the commands on it."""

    def __init__(
        self, api: Api, mirror: Mirror, names: NameServer, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.api, self.mirror, self.names = api, mirror, names
        self.tree = complete()
        for board in self.tree["boards"].values():
            # One kind of node in each board, so that a shortage is told in one line.
            board["pools"].pop("other", None)
            for pool in board["pools"].values():
                pool.pop("taints", None)
        credentials = api.cloud.credentials
        self.tree["scaleway"] |= {
            "projectId": credentials.project_id,
            "organizationId": credentials.organization_id,
            "accessKey": credentials.access_key,
            "secretKey": credentials.secret_key,
            "apiUrl": api.cloud.api.url,
        }
        self.tree["delivery"]["registry"] = f"{mirror.address}/game"
        charts = ("nginx-ingress", "cert-manager", "grafana", "loki", "logging-operator", "prometheus", "rancher")
        registries = ("docker.io", "ghcr.io", "quay.io", "registry.k8s.io", "registry.example.org")
        self.tree["sources"] |= {
            "charts": dict.fromkeys(charts, f"{mirror.url}/charts"),
            "acmeDirectory": f"{mirror.url}/directory",
            "k3sUrl": f"{mirror.url}/k3s",
            "helmUrl": f"{mirror.url}/helm.tar.gz",
            "debian": f"{mirror.url}/debian",
            "registries": dict.fromkeys(registries, mirror.address),
        }
        names.table = {
            ("example.org", "NS"): ["ns0.dom.scw.cloud.", "ns1.dom.scw.cloud."],
            ("example.org", "SOA"): ["ns0.dom.scw.cloud. hostmaster.example.org. 1 7200 3600 1209600 300"],
        }
        self._capsys = capsys
        self._folder = folder
        self.engine = folder / "pulumi"
        self.engine.write_text(ENGINE)
        self.engine.chmod(self.engine.stat().st_mode | stat.S_IXUSR)
        (folder / "pulumi-language-python").touch()
        (folder / "Pulumi.yaml").write_text("name: shambhala\n")
        self.beside("version", "v9.0.0\n")
        self.beside("state", json.dumps({"version": 3, "deployment": {}}))
        self.plugins([{"name": plugin.name, "version": plugin.version} for plugin in needed(None)])

    def beside(self, what: str, text: str) -> None:
        """What the engine gives, or the `error` that it ends with."""
        self.engine.with_name(f"pulumi.{what}").write_text(text)

    def plugins(self, installed: Sequence[object]) -> None:
        self.beside("plugins", json.dumps(installed))

    @property
    def settings(self) -> Settings:
        return parse(self.tree, STACK)

    @property
    def client(self) -> Client:
        return client(self.settings.scaleway)

    @property
    def environment(self) -> Environment:
        """What a check of the doctor is given."""
        resolver = Resolver(configure=False)
        host, _, port = self.names.address.partition(":")
        resolver.nameservers, resolver.port, resolver.lifetime = [host], int(port), 1
        return Environment(STACK, self.settings, self.client, resolver, days=2)

    def doctor(self, *arguments: str) -> tuple[int, str]:
        return self.command("doctor", "--resolver", self.names.address, *arguments)

    def command(self, name: str, *arguments: str, stack: str = STACK) -> tuple[int, str]:
        """The exit status of `python -m cli NAME dev …`, and what it printed."""
        entries = {f"shambhala:{key}": {"objectValue": value, "secret": True} for key, value in self.tree.items()}
        self.beside("configuration", json.dumps(entries))
        status = cli.run([name, stack, *arguments, "--pulumi", str(self.engine), "--project", str(self._folder)])
        captured = self._capsys.readouterr()
        return status, captured.out + captured.err
