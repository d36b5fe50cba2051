from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from rehearsal.drone.programs import ProgramError
from tests.live.site import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    try:
        raised = Site(folder)
    except ProgramError as error:
        pytest.skip(str(error))
    try:
        raised.start()
        raised.watch()
        yield raised
    finally:
        raised.stop()
