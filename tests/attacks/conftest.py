from __future__ import annotations

from collections.abc import Generator

import pytest

from local_game.delivery_site import DeliverySite
from tests.attacks.attacks import Change, change
from tests.attacks.careless_drone import Careless, careless_drone


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[DeliverySite]:
    raised = DeliverySite(tmp_path_factory.mktemp("site"))
    try:
        raised.start()
        raised.watch()
        yield raised
    finally:
        raised.stop()


@pytest.fixture(scope="session")
def proposed(site: DeliverySite) -> Change:
    """A pull request with every hostile file, which ran the program's pipeline."""
    return change(site)


@pytest.fixture(scope="session")
def careless(site: DeliverySite, proposed: Change) -> Generator[Careless]:
    """A Drone whose locks are all away; it knows of the hostile pull request's build."""
    assert proposed.taken
    with careless_drone(site) as drone:
        yield drone
