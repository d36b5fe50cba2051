from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.live.site import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    raised = Site(tmp_path_factory.mktemp("site"))
    try:
        raised.start()
        raised.watch()
        yield raised
    finally:
        raised.stop()
