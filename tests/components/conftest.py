from __future__ import annotations

import os

import pytest

# An Output in an f-string would otherwise become a warning text inside a name or a file.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
# Whether there is an agent where these tests run is nothing to them.
os.environ.pop("SSH_AUTH_SOCK", None)


@pytest.fixture(params=[True, False], ids=["preview", "update"])
def preview(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)
