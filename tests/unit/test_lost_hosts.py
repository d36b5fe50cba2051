"""What went with a host, and whether a cluster's API answers."""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.destroy.lost_hosts import lived_on, without
from cli.kubernetes_api import UnreachableError, ask_api
from rehearsal.kapsule.pki import provide
from tests.localcloud.contract.backends import KUBECONFIG

STATE: dict[str, Any] = {
    "deployment": {
        "resources": [
            {"urn": "u::cluster", "type": "scaleway:kubernetes/cluster:Cluster"},
            {"urn": "u::board", "type": "pulumi:providers:kubernetes", "dependencies": ["u::cluster"]},
            {"urn": "u::release", "type": "kubernetes:helm.sh/v3:Release", "provider": "u::board::id"},
            {"urn": "u::step", "type": "command:remote:Command", "deletedWith": "u::server"},
            {"urn": "u::entry", "type": "rancher2:index/cluster:Cluster", "deletedWith": "u::server"},
            {"urn": "u::agent", "type": "kubernetes:x:Y", "provider": "u::other::id", "deletedWith": "u::entry"},
            {
                "urn": "u::record",
                "type": "command:remote:Command",
                "parent": "u::release",
                "dependencies": ["u::release", "u::cluster"],
                "propertyDependencies": {"stdin": ["u::release"], "triggers": None},
                "replaceWith": ["u::board"],
            },
        ],
        "pending_operations": [
            {"type": "creating", "resource": {"urn": "u::begun", "type": "kubernetes:x:Y", "provider": "u::board::id"}},
            {"type": "deleting", "resource": {"urn": "u::step", "type": "command:remote:Command", "dependencies": []}},
        ],
    }
}


def test_with_a_cluster_goes_what_its_provider_placed_there_and_with_an_instance_what_is_deleted_with_it() -> None:
    assert lived_on(STATE, ["u::board"]) == {"u::board", "u::release", "u::begun"}
    assert lived_on(STATE, ["u::server"]) == {"u::server", "u::step", "u::entry", "u::agent"}
    assert lived_on(STATE, []) == set()


def test_nobody_mentions_any_more_what_went() -> None:
    after = without(STATE, lived_on(STATE, ["u::board"]))["deployment"]
    kept = after["resources"]
    assert after["pending_operations"] == [STATE["deployment"]["pending_operations"][1]]
    assert [each["urn"] for each in kept] == ["u::cluster", "u::step", "u::entry", "u::agent", "u::record"]
    assert kept[-1] == {
        "urn": "u::record",
        "type": "command:remote:Command",
        "dependencies": ["u::cluster"],
        "propertyDependencies": {"stdin": [], "triggers": []},
        "replaceWith": [],
    }


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Bearer a-token" and self.path == "/api/v1/namespaces/default"
        told = {"metadata": {"name": "default"}} if known else {"message": "Unauthorized", "code": 401}
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Generator[dict[str, Any]]:
    """The kubeconfig of an API that answers to one token."""
    certificates = provide(tmp_path / "certificates", "127.0.0.1", [])
    own = certificates.of("kube-apiserver")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own.certificate, own.key)
    with http.server.HTTPServer(("127.0.0.1", 0), Api) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        config = yaml.safe_load(KUBECONFIG)
        authority = base64.b64encode(certificates.authority.read_bytes()).decode()
        address = f"https://127.0.0.1:{server.server_port}"
        config["clusters"][0]["cluster"] = {"certificate-authority-data": authority, "server": address}
        yield config
        server.shutdown()
        serving.join()


def test_an_api_answers_whom_its_kubeconfig_names(kubeconfig: dict[str, Any]) -> None:
    ask_api(yaml.safe_dump(kubeconfig))
    kubeconfig["users"][0]["user"] = {"token": "another"}
    with pytest.raises(UnreachableError, match="refuses the kubeconfig in the state: Unauthorized"):
        ask_api(yaml.safe_dump(kubeconfig))
    with pytest.raises(UnreachableError, match="its kubeconfig in the state is not one"):
        ask_api("apiVersion: v1")
