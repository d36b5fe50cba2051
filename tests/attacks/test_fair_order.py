"""Many builds at once: none is lost, and nobody waits for another team's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local_game.delivery_site import DeliverySite
from rehearsal.drone.recording import RecordingRunner
from tests.attacks.attacks import propose, setting, settle
from tests.attacks.careless_drone import Careless
from tests.support.waiting import LONGEST_WAIT

pytestmark = pytest.mark.timeout(900)
Fell = Callable[[str], None]


def takes(runner: RecordingRunner, repository: str, commit: str) -> None:
    """A runner is given a commit's build."""
    assert runner.wait_for(f"game/{repository}", LONGEST_WAIT, commit=commit) is not None, repository


def taken(runner: RecordingRunner) -> list[str]:
    """The commits whose builds a runner was given, in their order."""
    return [each.commit for each in runner.taken()]


def test_t27_a_team_that_queues_many_builds_keeps_no_other_waiting_and_none_is_lost(site: DeliverySite) -> None:
    deploy = site.runners["deploy"]
    settle(site.as_drones_admin())
    with deploy.holding():
        many = [site.webhooks.push("team-red") for _ in range(6)]
        for repository in ("portal", *set(site.players) - {"team-red"}):
            takes(deploy, repository, site.webhooks.push(repository))
        assert [commit for commit in taken(deploy) if commit in many] == many[:1]
    takes(deploy, "team-red", many[-1])
    assert [commit for commit in taken(deploy) if commit in many] == many


def test_t27_without_a_limit_for_each_repository_one_team_takes_every_place(
    site: DeliverySite, careless: Careless, fell: Fell
) -> None:
    settle(careless.admin)
    with careless.runner.holding():
        first, second, _ = [site.webhooks.push("team-red", port=careless.port) for _ in range(3)]
        other = site.webhooks.push("team-blue", port=careless.port)
        takes(careless.runner, "team-red", first)
        takes(careless.runner, "team-red", second)
        assert other not in taken(careless.runner)
        fell("one team's builds took every place")
    takes(careless.runner, "team-blue", other)


def test_t27_with_fewer_places_than_teams_two_teams_keep_a_third_waiting(
    site: DeliverySite, careless: Careless, fell: Fell
) -> None:
    settle(careless.admin)
    for team in ("team-red", "team-blue"):
        careless.admin.ask("PATCH", f"/api/repos/game/{team}", {"throttle": 1})
    try:
        with careless.runner.holding() as let_go:
            first, second = [site.webhooks.push("team-red", port=careless.port) for _ in range(2)]
            takes(careless.runner, "team-blue", site.webhooks.push("team-blue", port=careless.port))
            takes(careless.runner, "team-red", first)
            third = site.webhooks.push("team-green", port=careless.port)
            let_go(first)
            takes(careless.runner, "team-red", second)
            assert third not in taken(careless.runner)
            fell("a team waited for all builds of those before it")
    finally:
        for team in ("team-red", "team-blue"):
            careless.admin.ask("PATCH", f"/api/repos/game/{team}", {"throttle": 0})


def test_t27_pull_requests_keep_no_push_waiting(site: DeliverySite, fell: Fell) -> None:
    untrusted, deploy = site.runners["untrusted"], site.runners["deploy"]
    settle(site.as_drones_admin())
    with untrusted.holding():
        first, second = [propose(site, repository="portal", player=player) for player in ("ada", "linus")]
        takes(untrusted, "portal", first)
        takes(deploy, "portal", site.webhooks.push("portal"))
        # One limit for both would have a hot-fix wait for whatever players proposed before it.
        with setting(site, "portal", throttle=1):
            late = site.webhooks.push("portal")
            # Drone has looked at all that was queued before.
            takes(deploy, "team-red", site.webhooks.push("team-red"))
            assert late not in taken(deploy)
            fell("a push waited for pull requests")
        assert second not in taken(untrusted)
    takes(untrusted, "portal", second)
    takes(deploy, "portal", late)
