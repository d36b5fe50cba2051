from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from rehearsal.instances import Instances, leftovers, release, remove_all
from rehearsal.run import Run
from tests.instances.cloud import Cloud, new_run


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@pytest.fixture(scope="session")
def _docker(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Docker and the base image, kept ready for all tests."""
    run = new_run(tmp_path_factory.mktemp("docker") / "home")
    asyncio.run(Instances(run).prepare(_tell))
    yield
    asyncio.run(release(run))


@pytest.fixture
def run(_docker: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return new_run(tmp_path / "home")


@pytest.fixture
async def cloud(run: Run) -> AsyncGenerator[Cloud]:
    """An empty rehearsal, which is gone afterwards."""
    cloud = Cloud(run, Instances(run))
    await cloud.instances.prepare(_tell)
    yield cloud
    await cloud.instances.close()
    await remove_all(run)
    assert await leftovers(run) == []
    await release(run)
