from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from rehearsal.instances import Instances, leftovers, release, remove_all
from rehearsal.session import Session
from tests.localcloud.instances.cloud import Cloud, new_session


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@pytest.fixture(scope="session")
def _docker(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Docker and the base image, kept ready for all tests."""
    session = new_session(tmp_path_factory.mktemp("docker") / "home")
    asyncio.run(Instances(session).prepare(_tell))
    yield
    asyncio.run(release(session))


@pytest.fixture
def session(_docker: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return new_session(tmp_path / "home")


@pytest.fixture
async def cloud(session: Session) -> AsyncGenerator[Cloud]:
    """An empty rehearsal, which is gone afterwards."""
    cloud = Cloud(session, Instances(session))
    await cloud.instances.prepare(_tell)
    yield cloud
    await cloud.instances.close()
    await remove_all(session)
    assert await leftovers(session) == []
    await release(session)
