"""Gitea alone, as the program configures it, and set up."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from game_app.services.setup.gitea_setup import GiteaSetup
from game_app.services.setup.secret_store import FolderStore
from game_app.services.setup.setup_faults import Faults
from game_app.services.setup.setup_plan import GiteaPlan
from local_game.delivery_site import DeliverySite


@contextmanager
def gitea_alone(folder: Path) -> Generator[DeliverySite]:
    """Raise it in a folder; it ends with the context."""
    raised = DeliverySite(folder)
    try:
        raised.start_gitea()
        set_up(raised)
        yield raised
    finally:
        raised.gitea.stop()


def set_up(site: DeliverySite, **other: object) -> None:
    """Gitea's part of the set-up. other: what the plan says instead."""
    plan = site.folder / "plan.json"
    changed = site.folder / "changed.json"
    changed.write_text(json.dumps({**json.loads(plan.read_text()), **other}))
    token = (site.folder / "gitea" / "token" / "token").read_text().strip()
    faults = Faults()
    GiteaSetup(GiteaPlan.read(changed), token).set_up(FolderStore(site.folder / "secret-store"), 60, faults)
    faults.raise_all()
