from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.session import claim, release
from tests.commands.doctor.name_server import NameServer
from tests.commands.doctor.site import Api, Mirror, Site


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    run = claim(f"doctor-{os.getpid()}")
    api = Api(run)
    yield api
    api.stop()
    release(run)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    yield mirror
    mirror.stop()


@pytest.fixture
def names() -> Iterator[NameServer]:
    names = NameServer()
    yield names
    names.stop()


@pytest.fixture
def site(api: Api, mirror: Mirror, names: NameServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(api, mirror, names, tmp_path, capsys)
