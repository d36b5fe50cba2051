"""The hunt at GitHub: the same checks, asked of its API as it documents it."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from game_app.services.bounded_reader import Deadline
from game_app.services.http_client import ServiceError
from game_app.services.hunt.github_client import GitHubClient
from game_app.services.hunt.hunt_teams import Team
from game_app.services.pipeline_catalogue import CHECK, DEPLOYMENT
from tests.services.hunts import Board, GitHubStandIn, Running
from tests.support.waiting import until

TEAM = Team(name="amber", repository="game/team-amber", namespace="team-amber")
DOCKERFILE = "FROM docker.io/library/busybox:1.37.0\nCOPY REGISTER.md /register.md\nUSER 65534\n"


@pytest.fixture
def stand_in() -> Generator[GitHubStandIn]:
    made = GitHubStandIn()
    yield made
    made.close()


@pytest.fixture
def amber(stand_in: GitHubStandIn) -> Board:
    return stand_in.boards["amber"]


@pytest.fixture
def github(stand_in: GitHubStandIn) -> GitHubClient:
    return GitHubClient(stand_in.url, "a-token", "main")


def soon() -> Deadline:
    return Deadline(10)


def test_a_team_signs_packs_and_crosses_and_the_service_merges_what_is_green(
    tmp_path: Path, stand_in: GitHubStandIn, amber: Board
) -> None:
    running = Running(tmp_path, stand_in)
    running.start()
    try:
        running.begin()
        amber.propose(1, "register", "a1", {"REGISTER.md": "We are amber and we take the road.\n"})
        amber.results["a1", CHECK] = ["pending", "success"]
        amber.propose(2, "crate", "b1", {"Dockerfile": DOCKERFILE})
        amber.results["b1", CHECK] = ["success"]
        until(lambda: running.metrics()['hunt_current_step{team="amber"}'] == 3)
        container = {"name": "tent", "resources": {"limits": {"memory": "32Mi"}}}
        amber.deployments["camp"] = {
            "metadata": {"generation": 1},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
            "status": {"availableReplicas": 2, "observedGeneration": 1},
        }
        amber.propose(3, "ford", "c1", {"Dockerfile": "FROM busybox\n"})
        amber.results["c1", CHECK] = ["pending", "failure"]
        amber.propose(3, "ford", "c2", {"Dockerfile": DOCKERFILE})
        amber.results["c2", CHECK] = ["success"]
        amber.results["merge-3", DEPLOYMENT] = ["pending", "success"]
        until(lambda: running.metrics()['hunt_current_step{team="amber"}'] == 5)
        assert amber.merged == [1, 2, 3]
        # It reads with one token and merges with the other.
        assert {"Bearer clone-bot:reads", "Bearer merge-bot:merges"} <= stand_in.logins
    finally:
        running.stop()


def test_an_open_pull_requests_trial_merge_counts_as_no_merge(github: GitHubClient, amber: Board) -> None:
    amber.propose(1, "register", "a1", {})
    [pull] = github.pull_requests(TEAM, soon())
    assert (pull.branch, pull.head, pull.merged, pull.open) == ("register", "a1", None, True)
    amber.propose(1, "register", "a1", {}, state="closed")
    [pull] = github.pull_requests(TEAM, soon())
    assert (pull.merged, pull.open) == ("merge-1", False)


def test_what_has_not_changed_is_not_told_again_and_what_has_is(
    github: GitHubClient, stand_in: GitHubStandIn, amber: Board
) -> None:
    amber.main["Dockerfile"] = DOCKERFILE
    amber.results["a1", CHECK] = ["pending"]
    for _ in range(3):
        assert github.file(TEAM, "Dockerfile", soon()) == DOCKERFILE
        assert github.results(TEAM, "a1", CHECK, soon()) == ["pending"]
    assert stand_in.unchanged == 4
    amber.results["a1", CHECK] = ["pending", "success"]
    assert github.results(TEAM, "a1", CHECK, soon()) == ["success", "pending"]
    assert github.file(TEAM, "Dockerfile", soon()) == DOCKERFILE
    assert stand_in.unchanged == 5


def test_a_file_that_is_not_there_is_none_until_it_is(github: GitHubClient, amber: Board) -> None:
    assert github.file(TEAM, "Dockerfile", soon()) is None
    assert github.file(TEAM, "Dockerfile", soon()) is None
    amber.main["Dockerfile"] = DOCKERFILE
    assert github.file(TEAM, "Dockerfile", soon()) == DOCKERFILE


def test_of_many_commits_it_tells_the_newest(github: GitHubClient, amber: Board) -> None:
    for number in range(50):
        amber.propose(1, "ford", f"c{number}", {})
    [pull] = github.pull_requests(TEAM, soon())
    assert github.commits(TEAM, pull, soon()) == [f"c{number}" for number in range(10, 50)]


def test_only_what_is_as_it_was_read_is_merged(github: GitHubClient, amber: Board) -> None:
    amber.propose(1, "ford", "c1", {})
    [pull] = github.pull_requests(TEAM, soon())
    assert github.merge(TEAM, pull, soon()) is False, "it is not green"
    amber.results["c1", CHECK] = ["success"]
    amber.propose(1, "ford", "c2", {})
    assert github.merge(TEAM, pull, soon()) is False, "it is another one now"
    amber.results["c2", CHECK] = ["success"]
    assert github.merge(TEAM, github.pull_requests(TEAM, soon())[0], soon()) is True
    assert amber.merged == [1]


WAITS: dict[str, tuple[int, dict[str, str], int]] = {
    "as long as it says": (403, {"Retry-After": "40"}, 40),
    "until the hour is over": (
        403,
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "in 900 seconds"},
        900,
    ),
    "a minute where it does not say": (429, {}, 60),
    "an hour at most": (429, {"Retry-After": "999999"}, 3600),
}


@pytest.mark.parametrize("how", WAITS)
def test_a_github_that_wants_to_be_left_alone_is(github: GitHubClient, stand_in: GitHubStandIn, how: str) -> None:
    status, headers, seconds = WAITS[how]
    then = {name: text.replace("in 900 seconds", str(int(time.time()) + 900)) for name, text in headers.items()}
    stand_in.refusal = (status, {"message": "API rate limit exceeded"}, then)
    with pytest.raises(ServiceError, match=f"GitHub answered {status}"):
        github.pull_requests(TEAM, soon())
    stand_in.refusal = None
    asked = stand_in.asked
    with pytest.raises(ServiceError) as raised:
        github.file(TEAM, "Dockerfile", soon())
    left = re.search(r"GitHub may be asked again in (\d+) seconds", str(raised.value))
    assert left is not None
    # Tests may be slow.
    assert seconds - 60 < int(left[1]) <= seconds
    assert stand_in.asked == asked


def test_a_github_that_refuses_one_thing_is_asked_for_others(
    github: GitHubClient, stand_in: GitHubStandIn, amber: Board
) -> None:
    amber.main["Dockerfile"] = DOCKERFILE
    stand_in.refusal = (403, {"message": "Resource not accessible"}, {"X-RateLimit-Remaining": "4000"})
    with pytest.raises(ServiceError, match="GitHub answered 403"):
        github.pull_requests(TEAM, soon())
    stand_in.refusal = None
    assert github.file(TEAM, "Dockerfile", soon()) == DOCKERFILE


def test_a_github_that_does_not_answer_is_named(stand_in: GitHubStandIn) -> None:
    stand_in.close()
    with pytest.raises(ServiceError, match="GitHub did not answer in time"):
        GitHubClient(stand_in.url, "a-token", "main").pull_requests(TEAM, soon())
