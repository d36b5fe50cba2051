from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from rehearsal.session import claim, release
from tests.localcloud.ingress.board import Board
from tests.localcloud.ingress.program import Program, rendered


@pytest.fixture(scope="package")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """What the program puts onto a board; apart, for the mock engine has a loop of its own."""
    return rendered(tmp_path_factory.mktemp("charts"))


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def board(program: Program, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Board]:
    """A board on which the stand-in serves every Ingress of the program."""
    if os.geteuid() != 0:
        pytest.skip("only root may make a network of its own")
    scratch: Path = tmp_path_factory.mktemp("ingress")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        session = claim(f"ingress-{os.getpid()}")
        built = Board(session, scratch, program)
        try:
            await built.start()
            await built.start_controller()
            await built.ready()
            yield built
        finally:
            await built.remove()
            release(session)
