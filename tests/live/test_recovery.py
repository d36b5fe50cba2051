"""What is put right, and what survives."""

from __future__ import annotations

import sqlite3
import time

import pytest

from tests.live.attacks import SECONDS, Change, is_ours, settle
from tests.live.site import Site

pytestmark = pytest.mark.timeout(900)


def test_t34_the_set_up_changes_nothing_when_nothing_was_bent_and_puts_right_what_was(site: Site) -> None:
    signatures = (site.folder / "vault" / "signatures" / "signatures.json").read_text()
    operator = site.as_operator()
    operator.ask("PATCH", "/repos/game/team-red/branch_protections/main", {"enable_push": True})
    operator.ask("DELETE", "/repos/game/team-blue/branch_protections/main")
    operator.ask("PUT", "/repos/game/team-red/collaborators/linus", {"permission": "admin"})
    site.as_drones_admin().ask("PATCH", "/api/repos/game/team-red", {"protected": False, "trusted": True})
    assert "All is as planned" in site.set_up()
    for team in ("red", "blue"):
        assert operator.get(f"/repos/game/team-{team}/branch_protections/main")["enable_push"] is False
    assert "linus" not in {each["login"] for each in operator.all("/repos/game/team-red/collaborators")}
    assert site.as_drones_admin().get("/api/repos/game/team-red")["protected"] is True
    assert (site.folder / "vault" / "signatures" / "signatures.json").read_text() == signatures


def test_drones_database_restored_from_a_backup_goes_on_building(site: Site, proposed: Change) -> None:
    assert site.drone is not None
    database = site.folder / "drone" / "drone.db"
    backup = site.folder / "backup.db"
    site.delivered()
    # A build that runs while a dump is made runs in it for ever, until Drone's clean-up ends it.
    settle(site.as_drones_admin())
    with sqlite3.connect(database) as running, sqlite3.connect(backup) as copy:
        running.backup(copy)
    _, lost = site.deliver(proposed.hook)
    assert site.runners["untrusted"].wait_for("game/team-red", SECONDS, number=lost["number"]) is not None
    settle(site.as_drones_admin())
    site.drone.stop()
    database.unlink()
    backup.rename(database)
    site.drone.start()
    assert lost["number"] not in {build["number"] for build in site.builds("team-red")}
    # Its next build has the number of the one that was lost.
    untrusted = site.runners["untrusted"]
    before = len(untrusted.taken())
    _, build = site.deliver(proposed.hook)
    assert build["number"] == lost["number"]
    deadline = time.monotonic() + SECONDS
    while len(untrusted.taken()) == before:
        assert time.monotonic() < deadline, "no build came"
        time.sleep(0.05)
    is_ours(site, untrusted.taken()[-1])
