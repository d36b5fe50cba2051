from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rehearsal.session import claim, release
from tests.localcloud.scaleway.cloud import Cloud


@pytest.fixture
async def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    session = claim(f"scaleway-{os.getpid()}")
    cloud = Cloud(session)
    await cloud.start()
    yield cloud
    await cloud.stop()
    release(session)
