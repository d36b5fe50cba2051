"""What a player can write into a pull request, against the real Drone and the real Gitea.

Each attack has its number in the suite and its name; each succeeds, here or in `tests/services`, when the lock that
holds it is taken away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from game_app.services.guard.answer import Guard, answer
from game_app.services.pipeline_catalogue import load
from local_game.delivery_site import DeliverySite
from local_game.webhooks import status_of
from tests.attacks.attacks import (
    BROUGHT,
    TEMPLATE,
    THEIRS,
    WHERE_DRONE_LOOKS,
    Change,
    a_name,
    is_ours,
    never_runs,
    propose,
    propose_by_agit,
    refused,
    runs_ours,
    runs_theirs,
    setting,
    states,
)
from tests.attacks.careless_drone import Answering, Careless, instead_of_the_guard, slow
from tests.attacks.steps import Pod
from tests.support.waiting import LONGEST_WAIT

pytestmark = pytest.mark.timeout(900)
Fell = Callable[[str], None]


def test_t13_a_pipeline_in_a_pull_request_from_a_fork_is_not_run(site: DeliverySite, proposed: Change) -> None:
    is_ours(site, proposed.taken)


def test_t13_a_template_in_a_pull_request_is_not_filled_in(site: DeliverySite) -> None:
    runs_ours(site, propose_by_agit(site, dict.fromkeys((".drone.yml", WHERE_DRONE_LOOKS), TEMPLATE)))


@pytest.mark.parametrize("path", BROUGHT)
def test_t13_without_the_locks_the_same_pull_request_runs_what_it_brought(
    site: DeliverySite, proposed: Change, careless: Careless, path: str, fell: Fell
) -> None:
    careless.admin.ask("PATCH", "/api/repos/game/team-red", {"config_path": path})
    status, build = site.webhooks.deliver(proposed.hook, port=careless.port)
    assert status == 200, build
    taken = careless.runner.wait_for("game/team-red", LONGEST_WAIT, number=build["number"])
    assert taken is not None
    assert taken.names == ["mine"]
    assert taken.netrc.partition(":")[0] != "clone-bot", "without a login of its own it hands out its owner's"
    fell("the player's pipeline ran, with the owner's token")


def test_t12_t13_a_pull_request_by_agit_without_a_fork_runs_the_same(site: DeliverySite, proposed: Change) -> None:
    taken = runs_ours(site, propose_by_agit(site, {WHERE_DRONE_LOOKS: THEIRS}))
    assert taken.pipeline == proposed.taken.pipeline


def test_t13_a_pipeline_in_a_pull_request_to_a_component_is_not_run(site: DeliverySite) -> None:
    runs_ours(site, propose(site, {WHERE_DRONE_LOOKS: THEIRS}, repository="portal", player="linus"), "portal")


NOTHING = {
    "204": (204, b""),
    "an empty object": (200, b"{}"),
    "null": (200, b"null"),
    "no data": (200, b'{"data":""}'),
}


@pytest.mark.parametrize("how", NOTHING)
def test_t15_an_extension_that_answers_nothing_is_caught_by_each_of_two_more_locks(
    site: DeliverySite, proposed: Change, how: str, fell: Fell
) -> None:
    validating = True

    def nothing(path: str, body: bytes) -> tuple[int, bytes]:
        del body
        if path == "/validate":
            return (400, b"not the guard's") if validating else (204, b"")
        return NOTHING[how]

    with instead_of_the_guard(site, nothing):
        with setting(site, "team-red", protected=False):
            refused(site, proposed.hook)
        validating = False
        _, build = site.webhooks.deliver(proposed.hook)
        assert states(site, build) == {"blocked"}
        with setting(site, "team-red", protected=False):
            runs_theirs(site, proposed.hook)
            fell("the player's pipeline ran")


def test_t14_while_the_guard_is_down_no_build_starts_and_afterwards_the_next_push_is_built(site: DeliverySite) -> None:
    site.guard.stop()
    try:
        commit = propose(site, {WHERE_DRONE_LOOKS: THEIRS})
        never_runs(site, commit)
        assert site.builds.of_commit("team-red", commit) == []
        _, status = site.as_operator().ask("GET", f"/repos/game/team-red/commits/{commit}/status")
        assert status["total_count"] == 0, "a required status that is missing keeps it from being merged"
    finally:
        site.guard.start()
    # What Gitea's "redeliver" does.
    status, build = site.webhooks.deliver(site.webhooks.answered(commit)[0])
    assert (status, build["status"]) == (200, "pending")
    runs_ours(site, commit)


BROKEN: Mapping[str, Answering] = {
    "500": lambda path, body: (500, b"oops"),
    "a page": lambda path, body: (200, b"<html>"),
    "an empty body": lambda path, body: (200, b""),
    "a redirect": lambda path, body: (302, b""),
    "slow": slow,
}


@pytest.mark.parametrize("how", BROKEN)
def test_t14_a_guard_that_fails_starts_no_build(site: DeliverySite, proposed: Change, how: str) -> None:
    before = site.builds.last_number("team-red")
    with instead_of_the_guard(site, BROKEN[how]) as asked:
        assert site.webhooks.deliver(proposed.hook)[0] >= 400
        assert [each.path for each in asked] == ["/config"]
    assert site.builds.last_number("team-red") == before


def test_t01_drones_own_request_is_answered_with_the_pipeline_that_the_program_rendered(
    site: DeliverySite, proposed: Change
) -> None:
    with instead_of_the_guard(site, BROKEN["500"]) as asked:
        site.webhooks.deliver(proposed.hook)
    secrets = {name: (site.folder / "guard" / "secrets" / name).read_bytes() for name in ("config", "validate")}
    catalogue = load(site.folder / "guard" / "pipelines")
    guard = Guard(catalogue, dict.fromkeys(catalogue.pipelines, "0" * 64), secrets["config"], secrets["validate"])
    served = answer(guard, asked[0].path, asked[0].headers, asked[0].body, datetime.now(UTC))
    assert served.status == 200, served.reason
    expected = catalogue.pipelines["game/team-red", "pull_request"]
    assert json.loads(served.body)["data"].startswith(expected)
    # Its own request, but a byte of it, is another's.
    changed = asked[0].body.replace(b"team-red", b"team-blu")
    assert answer(guard, asked[0].path, asked[0].headers, changed, datetime.now(UTC)).status == 401


def test_t04_a_forged_request_to_the_guard_is_refused(site: DeliverySite) -> None:
    body = json.dumps({"repo": {"slug": "game/team-red"}, "build": {"event": "push"}}).encode()
    for path in ("/config", "/validate"):
        assert status_of(site.guard_port, "POST", path, body) == 401


HOSTILE = {
    "lamp-$(id)": "$(id)",
    "a;id": "${DRONE_COMMIT_MESSAGE}",
    "it's": "x\n  - name: mine\n    image: evil",
    'say-"hello"': "'\"\\",
    "x`id`": "A" * 250,
    "${DRONE_COMMIT}": "A change",
    "refs/heads/main": "refs/heads/main",
    "grün-é": "\u202egnp.exe",
}
"""Names of branches, and titles of pull requests."""


def test_t09_hostile_names_of_branches_and_hostile_titles_change_nothing(site: DeliverySite) -> None:
    commits = [propose(site, branch=f"{a_name()}-{branch}", title=title) for branch, title in HOSTILE.items()]
    for commit in commits:
        runs_ours(site, commit)


def test_t18_t24_a_pull_requests_build_gets_no_secret_and_no_login_but_the_clones(
    site: DeliverySite, proposed: Change, fell: Fell
) -> None:
    admin = site.as_drones_admin()
    admin.ask("POST", "/api/repos/game/team-red/secrets", {"name": "canary", "data": "tweet", "pull_request": False})
    try:
        assert again(site, proposed) == {}
        # A secret that is open to pull requests would be there.
        admin.ask("PATCH", "/api/repos/game/team-red/secrets/canary", {"data": "tweet", "pull_request": True})
        assert again(site, proposed) == {"canary": "tweet"}
        fell("a secret that Drone held for pull requests was handed out")
    finally:
        admin.ask("DELETE", "/api/repos/game/team-red/secrets/canary")


def again(site: DeliverySite, proposed: Change) -> Mapping[str, str]:
    """The secrets of the same pull request's next build."""
    _, build = site.webhooks.deliver(proposed.hook)
    taken = site.runners["untrusted"].wait_for("game/team-red", LONGEST_WAIT, number=build["number"])
    assert taken is not None
    return taken.secrets


def test_t24_the_login_of_a_clone_can_read_the_games_repositories_and_change_nothing(site: DeliverySite) -> None:
    own = site.as_player("clone-bot")
    assert own.get("/repos/game/team-red") is not None
    status, _ = own.ask(
        "POST", "/repos/game/team-red/contents/x", {"content": "eA==", "message": "x"}, accept=(403, 404, 422)
    )
    assert status == 403


def clone(site: DeliverySite, commit: str, folder: Path, step: Mapping[str, Any]) -> int:
    """Run the served pipeline's own clone step here, for a commit that Drone told a runner of."""
    taken = site.builds.taken_for("team-red", commit, seconds=LONGEST_WAIT)
    assert taken is not None
    pulls = site.as_operator().all("/repos/game/team-red/pulls?state=open")
    number = next(each["number"] for each in pulls if each["head"]["sha"] == commit)
    return Pod(site, taken, folder, f"refs/pull/{number}/head").code(step)


def test_t29_a_huge_file_is_cloned_and_read_by_nobody(
    site: DeliverySite, careless: Careless, tmp_path: Path, fell: Fell
) -> None:
    huge = THEIRS + "# x\n" * 1_000_000
    commit = site.git.push_to("ada", "team-red", "refs/for/main", {WHERE_DRONE_LOOKS: huge}, f"topic={a_name()}")
    assert clone(site, commit, tmp_path / "pod", runs_ours(site, commit).steps[0]) == 0
    careless.admin.ask("PATCH", "/api/repos/game/team-red", {"config_path": WHERE_DRONE_LOOKS})
    _, build = site.webhooks.deliver(site.webhooks.answered(commit)[0], port=careless.port)
    taken = careless.runner.wait_for("game/team-red", LONGEST_WAIT, number=build["number"])
    assert taken is not None
    assert len(taken.pipeline) >= len(huge)
    fell("Drone read all 4 MB of it, and a runner too")


@pytest.mark.parametrize("what", ["a link", "a submodule"])
def test_t29_a_tree_that_would_lead_a_later_step_elsewhere_ends_with_its_clone(
    site: DeliverySite, tmp_path: Path, what: str, proposed: Change, fell: Fell
) -> None:
    def hostile(tree: Path) -> list[str]:
        if what == "a link":
            (tree / "values.yaml").symlink_to("/var/run/secrets/kubernetes.io/serviceaccount/token")
            return []
        return ["update-index", "--add", "--cacheinfo", f"160000,{proposed.commit},module"]

    commit = site.git.push_to("ada", "team-red", "refs/for/main", {"x.txt": "x"}, f"topic={a_name()}", also=hostile)
    first = runs_ours(site, commit).steps[0]
    careless = {**first, "commands": [each for each in first["commands"] if "ls-tree" not in each]}
    assert clone(site, commit, tmp_path / "with", first) != 0
    assert clone(site, commit, tmp_path / "without", careless) == 0
    fell("the tree was checked out")
    # No other change ends there.
    assert clone(site, proposed.commit, tmp_path / "plain", first) == 0
