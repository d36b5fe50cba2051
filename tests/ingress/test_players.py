"""What a player and an operator see of the program's Ingresses, by the ingress stand-in."""

from __future__ import annotations

import asyncio

import pytest

from tests.ingress.board import Board

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

HOSTS = {"gitea", "hunt", "drone", "grafana"}


async def test_each_host_leads_to_its_own_pod_with_its_own_certificate(board: Board) -> None:
    hosts = board.program.hosts()
    assert hosts.keys() == HOSTS
    for pod, host in hosts.items():
        # The player trusts a certificate for this name alone.
        answer = await asyncio.to_thread(board.player().ask, host)
        assert (answer.status, answer.told.pod) == (200, pod)
