"""Nothing of a board's node is left once the rehearsal is down, also when everything has been killed before."""

from __future__ import annotations

import os
import signal

import pytest

from rehearsal.nodes.leftovers import node_leftovers
from rehearsal.processes import Processes
from tests.localcloud.nodes.board import Board

# On a bare machine the first of these builds the images of Instances and of nodes.
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


async def test_while_a_node_stands_what_it_takes_is_seen(denied: Board) -> None:
    """Else the proof that nothing is left would prove nothing."""
    kinds = {left.split()[0] for left in await node_leftovers(denied.session)}
    assert kinds == {"control", "network", "volume"}


async def test_a_board_that_was_killed_as_a_whole_leaves_nothing(denied: Board) -> None:
    await denied.clusters.close()
    node = int(await denied.docker("container", "inspect", "--format", "{{.State.Pid}}", denied.container))
    os.kill(node, signal.SIGKILL)
    for process in Processes(denied.session).recorded():
        os.killpg(process.pid, signal.SIGKILL)
    assert await denied.remove() == []
