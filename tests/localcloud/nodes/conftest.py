from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from rehearsal.instances import release as release_docker
from rehearsal.session import claim, release
from tests.localcloud.nodes.board import Board, namespace, policy


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def board(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Board]:
    """A board with one node whose pods run, one simulated node, and a namespace without policies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        session = claim(f"nodes-{os.getpid()}")
        built = Board(session)
        try:
            await built.start()
            await built.apply(namespace("plain"))
            yield built
        finally:
            await built.remove()
            await release_docker(session)
            release(session)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def denied(board: Board) -> Board:
    """Two namespaces in which everything is denied: a server in `red`, a caller in `red` and one in `blue`."""
    for each in ("red", "blue"):
        await board.apply(namespace(each), policy("default-deny", each, policyTypes=["Ingress", "Egress"]))
    await asyncio.gather(
        board.run_pod("server", "red", "serve", "8000", "hello"),
        board.run_pod("caller", "red", "serve", "8000", "unused"),
        board.run_pod("caller", "blue", "serve", "8000", "unused"),
        # Whom the node's own processes are let through for, must not be let through as well.
        board.run_pod("root", "blue", "serve", "8000", "unused", user=0),
    )
    return board
