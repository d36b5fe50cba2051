from __future__ import annotations

import os

import pytest

# An Output in an f-string would otherwise become a warning text inside a name or a file.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"


@pytest.fixture(params=[True, False], ids=["preview", "update"])
def preview(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)
