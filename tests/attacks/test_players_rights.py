"""What a player may do at the source control, and what is merged."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from game_app.services.setup.gitea_setup import protection
from game_app.services.setup.setup_faults import SetupError, wait_for
from game_app.services.setup.setup_plan import GiteaPlan
from local_game.delivery_site import DeliverySite
from tests.attacks.attacks import THEIRS, Change, a_name, never_runs, propose_by_agit
from tests.support.waiting import LONGEST_WAIT

pytestmark = pytest.mark.timeout(900)
Fell = Callable[[str], None]
RULE = "/repos/game/team-red/branch_protections/main"


@contextmanager
def writing(site: DeliverySite, player: str) -> Generator[None]:
    """A player may write to the repository for a while: the lock is that players only read."""
    operator = site.as_operator()
    operator.ask("PUT", f"/repos/game/team-red/collaborators/{player}", {"permission": "write"})
    try:
        yield
    finally:
        operator.ask("PUT", f"/repos/game/team-red/collaborators/{player}", {"permission": "read"})


@contextmanager
def without(site: DeliverySite, **loosened: Any) -> Generator[None]:
    """The main branch's protection is looser in one point for a while."""
    operator = site.as_operator()
    operator.ask("PATCH", RULE, loosened)
    try:
        yield
    finally:
        plan = GiteaPlan.read(site.folder / "plan.json")
        red = next(each for each in plan.repositories if each.name == "team-red")
        operator.ask("PATCH", RULE, dict(protection(plan, red)))


def answer_to(site: DeliverySite, name: str, method: str, path: str, body: object) -> tuple[int, str]:
    status, said = site.as_player(name).ask(method, path, body, accept=(401, 403, 404, 405, 409, 422, 423))
    return status, str(cast("dict[str, Any]", said or {}).get("message"))


def merge(site: DeliverySite, commit: str, name: str = "merge-bot") -> tuple[int, str]:
    """Merge the open pull request of a commit, or see why not."""
    path = f"/repos/game/team-red/pulls/{number_of(site, commit)}/merge"
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        status, said = answer_to(site, name, "POST", path, {"Do": "merge", "head_commit_id": commit})
        # Gitea looks for conflicts first, in its own time.
        if "try again later" not in said or time.monotonic() > deadline:
            return status, said
        time.sleep(0.05)


def number_of(site: DeliverySite, commit: str) -> int:
    pulls = site.as_operator().all("/repos/game/team-red/pulls?state=open")
    return int(next(pull["number"] for pull in pulls if pull["head"]["sha"] == commit))


def green(site: DeliverySite, commit: str) -> None:
    """Wait until a commit's build was a success."""

    def success() -> None:
        _, status = site.as_operator().ask("GET", f"/repos/game/team-red/commits/{commit}/status")
        if status["state"] != "success":
            raise SetupError(status["state"])

    wait_for(f"the status of {commit}", success, LONGEST_WAIT)


def test_t32_a_player_cannot_say_that_a_build_was_green(site: DeliverySite, proposed: Change, fell: Fell) -> None:
    path = f"/repos/game/team-red/statuses/{proposed.commit}"
    said = {"state": "success", "context": "continuous-integration/drone/pr"}
    assert answer_to(site, "ada", "POST", path, said)[0] == 403
    with writing(site, "ada"):
        assert answer_to(site, "ada", "POST", path, said)[0] == 201
        fell("the player's word was taken for the build's")


def test_t23_t32_a_player_cannot_push_to_the_main_branch_even_with_the_right_to_write(
    site: DeliverySite, fell: Fell
) -> None:
    with pytest.raises(PermissionError):
        site.git.push_to("ada", "team-red", "refs/heads/main", {"pushed.txt": "x"})
    with writing(site, "ada"):
        with pytest.raises(PermissionError, match="protected branch"):
            site.git.push_to("ada", "team-red", "refs/heads/main", {"pushed.txt": "x"})
        with without(site, enable_push=True):
            site.git.push_to("ada", "team-red", "refs/heads/main", {f"{a_name()}.txt": "x"})
            fell("the player pushed to the main branch")


def test_t32_a_player_cannot_push_a_branch_of_the_repository(site: DeliverySite, fell: Fell) -> None:
    with pytest.raises(PermissionError):
        site.git.push_to("ada", "team-red", f"refs/heads/{a_name()}", {"x.txt": "x"})
    with writing(site, "ada"):
        site.git.push_to("ada", "team-red", f"refs/heads/{a_name()}", {"x.txt": "x"})
        fell("the player pushed a branch")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/repos/game/team-red/hooks", None),
        (
            "POST",
            "/repos/game/team-red/hooks",
            {"type": "gitea", "config": {"url": "http://x", "content_type": "json"}},
        ),
        ("DELETE", "/repos/game/team-red/branch_protections/main", None),
        ("GET", "/repos/game/team-blue", None),
        ("PUT", "/repos/game/team-red/collaborators/ada", {"permission": "admin"}),
        ("PATCH", "/repos/game/team-red", {"name": "mine"}),
        ("POST", "/repos/game/team-red/transfer", {"new_owner": "ada"}),
        ("POST", "/orgs", {"username": "mine"}),
        ("GET", "/admin/users", None),
        ("POST", "/repos/migrate", {"clone_addr": "http://127.0.0.1/x", "repo_name": "x", "service": "git"}),
    ],
)
def test_t32_a_player_cannot_change_the_repository_or_see_anothers(
    site: DeliverySite, method: str, path: str, body: object
) -> None:
    assert answer_to(site, "ada", method, path, body)[0] in {403, 404, 422}


def test_t32_a_green_pull_request_is_merged_by_the_one_account_that_may_and_then_deployed(site: DeliverySite) -> None:
    commit = propose_by_agit(site)
    green(site, commit)
    assert merge(site, commit, "ada")[0] in {403, 404, 405}
    assert merge(site, commit, "drone-bot")[0] in {403, 404, 405}
    assert merge(site, commit) == (200, "None")
    merged = site.as_operator().get("/repos/game/team-red/branches/main")["commit"]["id"]
    deployed = site.builds.taken_for("team-red", merged, trust="deploy", seconds=LONGEST_WAIT)
    assert deployed is not None
    assert deployed.names == ["clone", "render", "deploy"]
    assert deployed.event == "push"


def test_t33_a_pull_request_that_the_main_branch_has_left_behind_cannot_be_merged(
    site: DeliverySite, fell: Fell
) -> None:
    behind, ahead = propose_by_agit(site), propose_by_agit(site)
    green(site, behind)
    green(site, ahead)
    assert merge(site, ahead) == (200, "None")
    # Gitea counts the commits between them in its own time; until then its hook refuses the push.
    assert merge(site, behind)[0] in {405, 409}
    with without(site, block_on_outdated_branch=False):
        assert merge(site, behind) == (200, "None")
        fell("what was never built together was merged")


@pytest.mark.parametrize("word", ["[CI SKIP]", "[skip ci]"])
def test_t33_a_pull_request_that_skips_its_build_cannot_be_merged(site: DeliverySite, word: str, fell: Fell) -> None:
    commit = propose_by_agit(site, title=f"{word} nothing to see")
    never_runs(site, commit)
    not_green_cannot_be_merged(site, commit, fell)


def not_green_cannot_be_merged(site: DeliverySite, commit: str, fell: Fell) -> None:
    assert merge(site, commit) == (405, "Not all required status checks successful")
    with without(site, enable_status_check=False):
        assert merge(site, commit) == (200, "None")
        fell("what was never built was merged")


def test_t33_a_pull_request_that_changed_after_it_was_green_cannot_be_merged(site: DeliverySite, fell: Fell) -> None:
    topic = f"topic={a_name()}"
    green(site, site.git.push_to("ada", "team-red", "refs/for/main", {"first.txt": topic}, topic))
    site.guard.stop()
    try:
        # The topic is what says that it is the same pull request.
        commit = site.git.push_to("ada", "team-red", "refs/for/main", {"later.txt": topic}, topic, "force-push=true")
        site.webhooks.answered(commit)
        not_green_cannot_be_merged(site, commit, fell)
    finally:
        site.guard.start()


def test_t33_a_pull_request_that_changes_the_protected_files_cannot_be_merged(site: DeliverySite, fell: Fell) -> None:
    commit = propose_by_agit(site, {".drone.yml": THEIRS})
    green(site, commit)
    assert merge(site, commit) == (405, "Changed protected files")
    with without(site, protected_file_patterns=""):
        assert merge(site, commit) == (200, "None")
        fell("the player's pipeline was merged")
