"""What the ingress stand-in says of objects that F5's controller would not serve, and of faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.localcloud.ingress.board import NAMESPACE, Board

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

PLACE = "hunt"
"""Namespace of the tests' own Ingresses."""


def ingress(name: str, host: str, annotations: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    backend = {"service": {"name": "hunt", "port": {"name": "main"}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": PLACE, "annotations": dict(annotations or {})},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": paths}}], **spec},
    }


async def status(board: Board, host: str, port: int = 80) -> int:
    return (await asyncio.to_thread(board.player().ask, host, port=port)).status


@pytest.mark.parametrize(
    ("name", "annotations", "why"),
    [
        ("buffering", {"nginx.org/proxy-buffering": "False"}, "not known to the stand-in"),
        ("community", {"nginx.ingress.kubernetes.io/proxy-body-size": "64m"}, "not known to the stand-in"),
        ("snippet", {"nginx.org/server-snippets": "return 200;"}, "not known to the stand-in"),
        ("size", {"nginx.org/client-max-body-size": "64 MB"}, "must be an offset"),
        ("websockets", {"nginx.org/websocket-services": "grafana"}, "The following services were not found: grafana"),
    ],
)
async def test_an_annotation_that_is_unknown_or_wrong_is_told_and_nothing_is_served(
    board: Board, name: str, annotations: Mapping[str, str], why: str
) -> None:
    await board.apply(ingress(name, f"{name}.example.org", annotations))
    assert why in await board.until_event(PLACE, name, "Rejected: ")
    assert await status(board, f"{name}.example.org") == 404
    await board.kubectl("delete", "ingress", name, "--namespace", PLACE)


async def test_a_host_belongs_to_the_oldest_ingress(board: Board) -> None:
    host = board.program.hosts()["gitea"]
    await board.apply(ingress("second", host))
    assert "All hosts are taken" in await board.until_event(PLACE, "second", "Rejected: ")
    answer = await asyncio.to_thread(board.player().ask, host)
    assert answer.told.pod == "gitea"
    await board.kubectl("delete", "ingress", "second", "--namespace", PLACE)


async def test_a_host_without_its_certificate_ends_every_handshake_until_the_certificate_is_there(board: Board) -> None:
    host = "late.example.org"
    tls = [{"hosts": [host], "secretName": "late-tls"}]
    await board.apply(ingress("late", host, tls=tls))
    assert "secret doesn't exist" in await board.until_event(PLACE, "late", "AddedOrUpdatedWithWarning: ")
    with pytest.raises(OSError, match=r"(?i)unrecognized.name|alert"):
        await status(board, host, 443)
    await board.apply(board.authority.secret(PLACE, "late-tls", host))
    await board.until_event(PLACE, "late", "AddedOrUpdated: ")
    assert await status(board, host, 443) == 200
    spoiled = board.authority.secret(PLACE, "late-tls", host)
    spoiled["stringData"]["tls.key"] = board.authority.secret(PLACE, "late-tls", host)["stringData"]["tls.key"]
    await board.apply(spoiled)
    await board.until_event(PLACE, "late", "no valid key pair")
    await board.kubectl("delete", "ingress/late", "secret/late-tls", "--namespace", PLACE)


async def test_a_pod_that_is_not_ready_gets_no_requests(board: Board) -> None:
    host = board.program.hosts()["grafana"]

    async def say(ready: bool) -> None:
        patch = [{"op": "replace", "path": "/endpoints/0/conditions/ready", "value": ready}]
        await board.kubectl(
            "patch", "endpointslice/grafana", "--namespace=observability", "--type=json", f"--patch={json.dumps(patch)}"
        )

    await say(False)
    await board.until(lambda: board.player().ask(host).status == 502, "502 for a host without pods")
    await say(True)
    await board.until(lambda: board.player().ask(host).status == 200, "the pod's answer")


async def test_what_nginx_refuses_is_told_and_the_last_configuration_serves_on(board: Board) -> None:
    limits = f"configmap/nginx-ingress --namespace={NAMESPACE} --type=merge".split()
    [shared] = (each for each in board.program.controller if each["kind"] == "ConfigMap")
    await board.kubectl("patch", *limits, "--patch", json.dumps({"data": {"http-snippets": "no_such_directive on;"}}))
    said = await board.until_event("scm", "gitea", "AddedOrUpdatedWithError: ")
    assert "but was not applied" in said
    assert 'unknown directive "no_such_directive"' in said
    assert await status(board, board.program.hosts()["gitea"], 443) == 200
    # A host that comes meanwhile is not served: one wrong line holds up everything that comes after.
    await board.apply(ingress("meanwhile", "meanwhile.example.org"))
    await board.until_event(PLACE, "meanwhile", "AddedOrUpdatedWithError: ")
    assert await status(board, "meanwhile.example.org") == 404
    await board.kubectl("patch", *limits, "--patch", json.dumps({"data": shared["data"]}))
    await board.until_event(PLACE, "meanwhile", "AddedOrUpdated: ")
    assert await status(board, "meanwhile.example.org") == 200
    await board.kubectl("delete", "ingress", "meanwhile", "--namespace", PLACE)


async def test_an_unknown_key_of_the_config_map_is_told_and_the_last_keys_hold(board: Board) -> None:
    limits = f"configmap/nginx-ingress --namespace={NAMESPACE} --type=merge".split()
    await board.kubectl("patch", *limits, "--patch", json.dumps({"data": {"proxy-body-size": "64m"}}))
    assert "proxy-body-size" in await board.until_event(NAMESPACE, "nginx-ingress", "UpdatedWithError: ")
    await board.kubectl("patch", *limits, "--patch", json.dumps({"data": {"proxy-body-size": None}}))
    assert await status(board, board.program.hosts()["gitea"], 443) == 200


async def test_without_the_secret_of_its_default_certificate_the_controller_ends_and_says_so(board: Board) -> None:
    assert await board.stop_controller() == 0
    await board.kubectl("delete", "secret/wildcard-tls", "--namespace", NAMESPACE)
    await board.start_controller()
    assert await board.ended() == 1
    assert f"TLS secret {NAMESPACE}/wildcard-tls" in board.tail
    await board.apply(board.authority.secret(NAMESPACE, "wildcard-tls", "*.blue.hunt-dev.example.org"))
    await board.start_controller()
    await board.ready()
    assert await status(board, board.program.hosts()["gitea"], 443) == 200
