"""What the real Drone tells the guard of builds that are over, and the guard its log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_game.delivery_site import DeliverySite
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(900)


def written_down(site: DeliverySite, repository: str) -> list[dict[str, Any]]:
    """The guard's lines of a repository's builds."""
    lines = [json.loads(line) for line in site.guard.log.splitlines() if '"ended": "build"' in line]
    return [line for line in lines if line["repository"] == repository]


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_operators_read_how_a_build_ended(site: DeliverySite, outcome: str) -> None:
    runner, before = site.runners["deploy"], len(written_down(site, "game/team-blue"))
    with runner.holding() as let_go:
        commit = site.webhooks.push("team-blue")
        if outcome == "failure":
            runner.to_fail.add(commit)
        let_go(commit)
        lines = until(lambda: written_down(site, "game/team-blue")[before:], lambda: site.guard.log[-3000:])
    assert (lines[-1]["outcome"], lines[-1]["event"]) == (outcome, "push")
    assert isinstance(lines[-1]["seconds"], int)
