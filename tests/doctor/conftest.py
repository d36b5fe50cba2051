from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.run import claim, release
from tests.doctor.site import Api, Site


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    run = claim("doctor")
    api = Api(run)
    yield api
    api.stop()
    release(run)


@pytest.fixture
def site(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(api, tmp_path, capsys)
