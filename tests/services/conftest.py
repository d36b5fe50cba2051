from __future__ import annotations

import os
from pathlib import Path

import pytest

from game_app.services.guard.answer import Guard
from tests.services import guards

# An Output in an f-string would otherwise become a warning text inside a name or a file.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return guards.guard(tmp_path)


@pytest.fixture(params=[True, False], ids=["preview", "update"])
def preview(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)
