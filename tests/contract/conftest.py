from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.run import Run, claim, release


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A rehearsal of its own, whose addresses no other user of this machine has."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    claimed = claim("contract")
    # Other tests and a rehearsal that stands take the first slots, each from its own state folder.
    yield Run(claimed.name, claimed.home, SLOT)
    release(claimed)


SLOT = 249
