"""The ingress stand-in's own pod on a board: a player's request, from the load balancer's address to a pod and back."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from rich.console import Console

from rehearsal.images.catalogue import IMAGES
from rehearsal.images.provided_images import STAND_IN, read_provided, write_provided
from rehearsal.images.providing import provide_images
from rehearsal.kapsule.load_balancers import PROXY_PROTOCOLS
from tests.charts.official import helm
from tests.localcloud.nodes.board import Board, namespace, service
from tests.support.waiting import LONGEST_WAIT

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(900)]

CHART = Path(__file__).parents[3] / "rehearsal/charts/stand_ins/nginx-ingress"
HOST = "play.hunt.example.org"
VALUES = {
    "controller.enableCustomResources": "false",
    "controller.telemetryReporting.enable": "false",
    "controller.config.entries.proxy-protocol": "True",
    f"controller.service.annotations.{PROXY_PROTOCOLS[1].replace('.', chr(92) + '.')}": "*",
}


async def test_a_host_is_reached_through_the_load_balancers_address(board: Board, tmp_path: Path) -> None:
    before = read_provided(board.session)
    images = [image for image in IMAGES if "nginx-ingress" in image.reference]
    await provide_images(
        board.session, Console(file=io.StringIO()), teams=False, images=images, answers=lambda _: "not asked here"
    )
    [own] = read_provided(board.session)
    assert own.what == STAND_IN
    write_provided(board.session, [*before, own])
    options = [
        part
        for key, value in VALUES.items()
        for part in ("--set-string" if value == "True" else "--set", f"{key}={value}")
    ]
    objects = await asyncio.to_thread(
        helm, tmp_path, "template", "nginx-ingress", str(CHART), "--namespace", "ingress", *options
    )
    await board.apply(namespace("ingress"))
    (tmp_path / "objects.yaml").write_text(objects)
    await board.kubectl("apply", "--namespace=ingress", "-f", str(tmp_path / "objects.yaml"))
    await board.kubectl("-n", "ingress", "rollout", "status", "deployment/nginx-ingress-controller", "--timeout=300s")
    await board.run_pod("page", "plain", "serve", "8000", "hello")
    await board.apply(service("page", "plain", 8000), ingress("page", "plain"))
    address = await board.kubectl(
        *(
            "-n",
            "plain",
            "wait",
            "ingress/page",
            "--for=jsonpath={.status.loadBalancer.ingress[0].ip}",
            "--timeout=300s",
        ),
        *("--output", "jsonpath={.status.loadBalancer.ingress[0].ip}"),
    )
    async with asyncio.timeout(LONGEST_WAIT), aiohttp.ClientSession() as session:
        while await said(session, address, HOST) != (200, "hello"):
            await asyncio.sleep(0.2)
        assert (await said(session, address, "nobody.example.org"))[0] == 404


async def said(session: aiohttp.ClientSession, address: str, host: str) -> tuple[int, str]:
    """Status and text, or nothing while the load balancer leads nowhere yet."""
    try:
        async with session.get(f"http://{address}/", headers={"Host": host}) as answer:
            return answer.status, (await answer.text()).strip()
    except (aiohttp.ClientError, OSError):
        return 0, ""


def ingress(name: str, place: str) -> dict[str, Any]:
    backend = {"service": {"name": name, "port": {"number": 8000}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": place},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": HOST, "http": {"paths": paths}}]},
    }
