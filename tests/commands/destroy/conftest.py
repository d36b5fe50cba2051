from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from rehearsal.session import claim, release
from rehearsal.toolchain.providing import lay_out
from tests.commands.destroy.environment import Environment
from tests.localcloud.plugins.background import Background
from tests.support.tools import tools


@pytest.fixture(scope="session")
def engine_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("engine")
    lay_out(tools(), home)
    return home


@pytest.fixture
def environment(engine_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Environment]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    run, background = claim(f"destroy-{os.getpid()}"), Background()
    environment = Environment(run, engine_home, background)
    for name, value in environment.env.items():
        monkeypatch.setenv(name, value)
    yield environment
    environment.stop()
    background.stop()
    release(run)
