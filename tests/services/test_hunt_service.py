"""The hunt's service as a team and an operator meet it, with a stand-in for Gitea and the cluster that it asks."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import pytest

from game_app.services.hunt.codes import operators_code, plain, team_code, word
from game_app.services.hunt.poller import PAUSE
from game_app.services.hunt.step_checks import complaints_about
from game_app.services.pipeline_catalogue import CHECK, DEPLOYMENT
from observability.metrics_catalog import FIELDS, METRICS
from tests.services.hunts import KEY, TEAMS, Board, Browser, Running, StandIn
from tests.support.waiting import until

REGISTER = "We are amber and we take the road."
LONG = "x" * 1_100_000
"""More than an answer of which anything is read."""
DOCKERFILE = "FROM docker.io/library/busybox:1.37.0\nCOPY REGISTER.md /register.md\nUSER 65534\n"


@pytest.fixture
def stand_in() -> Generator[StandIn]:
    made = StandIn()
    yield made
    made.close()


@pytest.fixture
def hunt(tmp_path: Path, stand_in: StandIn) -> Generator[Running]:
    running = Running(tmp_path, stand_in)
    running.start()
    running.begin()
    yield running
    running.stop()


@pytest.fixture
def amber(stand_in: StandIn) -> Board:
    return stand_in.boards["amber"]


def camp(*, replicas: int = 2, available: int = 2, limits: bool = True, observed: int = 3) -> dict[str, object]:
    container = {"name": "tent", "resources": {"limits": {"memory": "32Mi"}} if limits else {}}
    return {
        "metadata": {"generation": 3},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}},
        "status": {"availableReplicas": available, "observedGeneration": observed},
    }


def sign(amber: Board) -> None:
    amber.propose(1, "register", "a1", {"REGISTER.md": f"# The register\n\n{REGISTER}\n"})
    amber.results["a1", CHECK] = ["pending", "success"]


def pack(amber: Board) -> None:
    amber.propose(2, "crate", "b1", {"Dockerfile": DOCKERFILE})
    amber.results["b1", CHECK] = ["success"]


def pitch(amber: Board) -> None:
    amber.deployments["camp"] = camp()


def cross(amber: Board) -> None:
    amber.propose(3, "ford", "c1", {"Dockerfile": "FROM busybox\n"})
    amber.results["c1", CHECK] = ["pending", "failure"]
    amber.propose(3, "ford", "c2", {"Dockerfile": DOCKERFILE})
    amber.results["c2", CHECK] = ["success"]
    amber.results["merge-3", DEPLOYMENT] = ["pending", "success"]


DONE: Mapping[str, Callable[[Board], object]] = {"git": sign, "docker": pack, "helm": pitch, "pipeline": cross}
"""What a team does for each step but the last."""


def at(amber: Board, hunt: Running, step: str) -> Browser:
    """Team amber when it has come to a step."""
    for name, does in DONE.items():
        if name == step:
            break
        does(amber)
    number = [*DONE, "logs"].index(step) + 1
    until(lambda: hunt.metrics()['hunt_current_step{team="amber"}'] == number)
    return hunt.as_team("amber")


def test_told_to_end_it_ends_however_busy_it_is(hunt: Running) -> None:
    for _ in range(5):
        callers = [threading.Thread(target=_call_until_it_is_gone, args=(hunt.port,)) for _ in range(4)]
        for caller in callers:
            caller.start()
        time.sleep(0.2)
        # Which looks whether it ended, and with 0.
        hunt.stop()
        for caller in callers:
            caller.join()
        hunt.start()


def _call_until_it_is_gone(port: int) -> None:
    while True:
        try:
            Browser(port).ask("GET", "/")
        except (OSError, http.client.HTTPException):
            return


def test_a_team_plays_all_five_steps_and_arrives(hunt: Running, amber: Board) -> None:
    page = at(amber, hunt, "logs").page()
    assert "The bell in the mist" in page
    team = hunt.as_team("amber")
    assert "That is not the word" in team.press("/check", answer="silence")
    page = team.press("/check", answer=f" {word(KEY, 'amber', 'logs').upper()} ")
    assert "You have arrived" in page
    assert "5 of 5 stations passed" in page
    # Everything was merged by the service, for no player may.
    assert amber.merged == [1, 2, 3]


def test_a_team_that_has_done_nothing_passes_nothing(hunt: Running) -> None:
    team = hunt.as_team("blue")
    page = team.press("/check")
    assert "There is no pull request to game/team-blue from a branch register yet." in page
    assert "0 of 5 stations passed" in page
    assert "The crate" not in page, "what lies ahead is not told"
    assert word(KEY, "blue", "logs") not in page


def changed(**changes: object) -> Callable[[Board], object]:
    return lambda amber: amber.deployments.update(camp=camp(**changes))  # pyright: ignore[reportArgumentType]


def red_only(amber: Board) -> None:
    amber.propose(3, "ford", "c1", {})
    amber.results["c1", CHECK] = ["failure"]


def green_only(amber: Board) -> None:
    amber.propose(3, "ford", "c1", {}, state="closed")
    amber.results["c1", CHECK] = ["success"]
    amber.results["merge-3", DEPLOYMENT] = ["success"]


def not_deployed(amber: Board) -> None:
    cross(amber)
    amber.results["merge-3", DEPLOYMENT] = ["failure"]


def killed_only(amber: Board) -> None:
    """Two good commits, of which the second ended the first one's build: Drone calls that an error."""
    amber.propose(3, "ford", "c1", {})
    amber.results["c1", CHECK] = ["pending", "error"]
    amber.propose(3, "ford", "c2", {}, state="closed")
    amber.results["c2", CHECK] = ["success"]


NOT_YET: dict[str, tuple[str, Callable[[Board], object], str]] = {
    "no such file": (
        "git",
        lambda amber: amber.propose(1, "register", "a1", {}),
        "Pull request 1 has no file REGISTER.md.",
    ),
    "another team's line": (
        "git",
        lambda amber: amber.propose(1, "register", "a1", {"REGISTER.md": "We are blue and we take the road."}),
        "In pull request 1, REGISTER.md lacks the line “We are amber and we take the road.”.",
    ),
    "another branch": (
        "git",
        lambda amber: amber.propose(1, "main", "a1", {"REGISTER.md": REGISTER}),
        "There is no pull request to game/team-amber from a branch register yet.",
    ),
    "not merged": (
        "docker",
        lambda amber: amber.propose(2, "crate", "b1", {"Dockerfile": DOCKERFILE}),
        "There is no Dockerfile on the main branch yet. Not merged yet: pull request 2.",
    ),
    "a careless Dockerfile": (
        "docker",
        lambda amber: amber.main.update(Dockerfile="FROM busybox\n"),
        "busybox is not pinned; it does not COPY REGISTER.md; it has no USER, and so runs as root.",
    ),
    "no camp": ("helm", lambda amber: None, "There is no Deployment camp in team-amber yet."),
    "one tent": ("helm", changed(replicas=1), "wants 1 replicas, and not 2"),
    "no limits": ("helm", changed(limits=False), "does not limit the memory of tent"),
    "pods that do not come up": ("helm", changed(available=1), "1 of 2 pods of camp in team-amber are available"),
    "pods of before": ("helm", changed(observed=2), "2 of 2 pods of camp in team-amber are available"),
    "never red": ("pipeline", green_only, "Pull request 3 has not been red before"),
    "ended for a newer one": (
        "pipeline",
        killed_only,
        "Pull request 3 has not been red before it was merged",
    ),
    "larger than what is read": (
        "git",
        lambda amber: amber.propose(1, "register", "a1", {"REGISTER.md": LONG}),
        "In pull request 1, REGISTER.md is larger than what is read.",
    ),
    "larger than what is read, on main": (
        "docker",
        lambda amber: amber.main.update(Dockerfile=LONG),
        "The Dockerfile on the main branch is larger than what is read.",
    ),
    "still red": ("pipeline", red_only, "Pull request 3 is red now: make it green."),
    "not deployed": ("pipeline", not_deployed, "Pull request 3 is merged; its deployment has not succeeded yet."),
}


@pytest.mark.parametrize("how", NOT_YET)
def test_what_is_missing_is_said(hunt: Running, amber: Board, how: str) -> None:
    step, does, said = NOT_YET[how]
    team = at(amber, hunt, step)
    does(amber)
    until(lambda: said in team.press("/check").replace("&#x27;", "'"))
    assert hunt.metrics()[f'hunt_checks_failed_total{{team="amber",step="{[*DONE].index(step) + 1}"}}'] >= 1


def test_a_pull_request_that_is_too_long_to_be_read_hides_no_other(hunt: Running, amber: Board) -> None:
    for number in range(2, 5):
        amber.propose(number, "register", f"long-{number}", {"REGISTER.md": LONG}, body=LONG)
    amber.propose(5, "register", "large", {"REGISTER.md": LONG})
    sign(amber)
    until(lambda: hunt.metrics()['hunt_current_step{team="amber"}'] == 2)
    until(lambda: amber.merged == [1])


def test_many_pull_requests_hide_none_and_keep_none_waiting(hunt: Running, amber: Board) -> None:
    sign(amber)
    for number in range(2, 100):
        amber.propose(number, "idle", f"idle-{number}", {})
    until(lambda: hunt.metrics()['hunt_current_step{team="amber"}'] == 2)
    until(lambda: amber.merged == [1])
    amber.propose(100, "crate", "late", {"Dockerfile": DOCKERFILE})
    amber.results["late", CHECK] = ["success"]
    until(lambda: hunt.metrics()['hunt_current_step{team="amber"}'] == 3)


def test_a_commit_whose_message_is_too_long_to_be_read_hides_no_other(hunt: Running, amber: Board) -> None:
    team = at(amber, hunt, "pipeline")
    amber.messages["c2"] = LONG
    cross(amber)
    until(lambda: "4 of 5 stations passed" in team.page())


@pytest.mark.parametrize("later", [False, True], ids=["deleted", "pushed to again"])
def test_what_was_merged_counts_whatever_becomes_of_its_branch(hunt: Running, amber: Board, later: bool) -> None:
    at(amber, hunt, "pipeline")
    amber.results["merge-3", DEPLOYMENT] = ["pending"]
    amber.propose(3, "ford", "c1", {})
    amber.results["c1", CHECK] = ["failure"]
    amber.propose(3, "ford", "c2", {})
    amber.results["c2", CHECK] = ["success"]
    until(lambda: amber.merged == [1, 2, 3])
    if later:
        amber.pulls[-1]["head"]["sha"] = "never-built"
    else:
        amber.delete_branch(3)
    amber.results["merge-3", DEPLOYMENT] = ["pending", "success"]
    until(lambda: hunt.metrics()['hunt_current_step{team="amber"}'] == 5)


DOCKERFILES: dict[str, tuple[str, list[str]]] = {
    "as it should be": (DOCKERFILE, []),
    "by digest": (DOCKERFILE.replace(":1.37.0", "@sha256:" + 64 * "a"), []),
    "latest": (DOCKERFILE.replace(":1.37.0", ":latest"), ["docker.io/library/busybox:latest is not pinned"]),
    "a registry's port is no tag": (
        DOCKERFILE.replace("docker.io/library/busybox:1.37.0", "registry.example:5000/busybox"),
        ["registry.example:5000/busybox is not pinned"],
    ),
    "root by number": (DOCKERFILE.replace("65534", "0:0"), ["its USER is root"]),
    "root at last": (DOCKERFILE + "USER root\n", ["its USER is root"]),
    "a comment": (DOCKERFILE.replace("USER", "# USER"), ["it has no USER, and so runs as root"]),
    "two stages": (f"FROM golang:1.26 AS build\nUSER root\n{DOCKERFILE}COPY --from=build /a /b\n", []),
    "only in the first stage": (
        f"{DOCKERFILE}FROM scratch\n",
        ["it does not COPY REGISTER.md", "it has no USER, and so runs as root"],
    ),
    "a stage as a base": (f"FROM busybox:1 AS base\nFROM base\n{DOCKERFILE.partition(chr(10))[2]}", []),
    "lower case, over two lines": (DOCKERFILE.lower().replace("copy register.md", "copy \\\n  REGISTER.md"), []),
    "as JSON, with a flag": (DOCKERFILE.replace("REGISTER.md /register.md", '--chown=1 ["./REGISTER.md", "/r"]'), []),
    "an argument that is latest": (
        "ARG V=latest\n" + DOCKERFILE.replace("1.37.0", "$V"),
        ["docker.io/library/busybox:latest is not pinned"],
    ),
    "an argument that is pinned": ("ARG V=1.37.0\n" + DOCKERFILE.replace("1.37.0", "${V:-latest}"), []),
    "an argument that nobody gives": (
        "ARG V\n" + DOCKERFILE.replace("1.37.0", "${V}"),
        ["docker.io/library/busybox: is not pinned"],
    ),
    "a variable that is root": (DOCKERFILE.replace("USER 65534", "ENV U=root\nUSER $U"), ["its USER is root"]),
    "an argument that is root": (DOCKERFILE.replace("USER 65534", "ARG U=0\nUSER ${U}:1"), ["its USER is root"]),
    "a variable that is not": (DOCKERFILE.replace("USER 65534", "ENV U 65534\nUSER $U"), []),
    "an argument of before the stage": ("ARG U=root\n" + DOCKERFILE.replace("65534", "$U\n"), ["its USER is root"]),
    "a user in a here-document": (
        DOCKERFILE.replace("USER 65534", "RUN <<EOF\nUSER 65534\nEOF"),
        ["it has no USER, and so runs as root"],
    ),
    "a file in a here-document": (
        DOCKERFILE.replace("COPY REGISTER.md /register.md", "COPY <<'A' <<-B /app/\nCOPY REGISTER.md /\nA\n\tB"),
        ["it does not COPY REGISTER.md"],
    ),
    "everything": (DOCKERFILE.replace("REGISTER.md /register.md", ". /app"), []),
    "everything, by a pattern": (DOCKERFILE.replace("REGISTER.md /register.md", "*.md /app/"), []),
    "something else, by a pattern": (
        DOCKERFILE.replace("REGISTER.md /register.md", "*.txt /app/"),
        ["it does not COPY REGISTER.md"],
    ),
    "added": (DOCKERFILE.replace("COPY", "ADD"), []),
    "tabs": (DOCKERFILE.replace(" ", "\t"), []),
    "out of another image": (DOCKERFILE.replace("COPY", "COPY --from=busybox:1"), ["it does not COPY REGISTER.md"]),
    "on top of a stage": (f"{DOCKERFILE.replace('1.37.0', '1.37.0 AS base')}FROM base\n", []),
    "another escape, after another directive": (
        "# syntax=docker/dockerfile:1\n# escape=`\n" + DOCKERFILE.replace("COPY ", "COPY `\n"),
        [],
    ),
    "empty": ("", ["it has no FROM"]),
    "FROM what": (
        "FROM\n",
        ["its FROM is not pinned", "it does not COPY REGISTER.md", "it has no USER, and so runs as root"],
    ),
}


@pytest.mark.parametrize("how", DOCKERFILES)
def test_a_dockerfile_is_read_as_docker_reads_it(how: str) -> None:
    text, complaints = DOCKERFILES[how]
    assert list(complaints_about(text, "REGISTER.md")) == complaints


def test_what_was_passed_stays_passed_and_survives_a_crash(hunt: Running, amber: Board) -> None:
    team = at(amber, hunt, "helm")
    team.press("/hint")
    team.press("/check")
    before = {name: value for name, value in hunt.metrics().items() if "players" not in name}
    hunt.stop(hard=True)
    # What told of it is gone.
    amber.main.clear()
    amber.pulls.clear()
    hunt.start()
    assert {name: value for name, value in hunt.metrics().items() if "players" not in name} == before
    page = team.page()
    assert "2 of 5 stations passed" in page
    assert "A hint" in page, "the browser is still logged in, and the hint still shown"


def test_a_check_that_times_out_is_said_and_blocks_nobody_else(hunt: Running, stand_in: StandIn, amber: Board) -> None:
    stand_in.boards["blue"].silent.set()
    stand_in.boards["crimson"].silent.set()
    said: dict[str, str] = {}
    asking = threading.Thread(target=lambda: said.update(blue=hunt.as_team("blue").press("/check")))
    asking.start()
    sign(amber)
    team = hunt.as_team("amber")
    # The others are silent still, and have been asked.
    until(lambda: "The crate" in team.press("/check"))
    asking.join()
    assert "Somebody is still looking." in said["blue"]
    until(lambda: "the source control did not answer in time. Nothing is lost" in hunt.as_team("blue").page())
    assert {"unanswered"} <= {event["event"] for event in hunt.events}
    assert hunt.metrics()['hunt_checks_failed_total{team="blue",step="1"}'] == 0, "that was not the team's fault"
    stand_in.boards["blue"].silent.clear()
    assert "There is no pull request" in hunt.as_team("blue").press("/check")


def test_all_teams_at_once_get_their_answer(hunt: Running) -> None:
    pages: list[str] = []

    def ask(team: str) -> None:
        pages.append(hunt.as_team(team).press("/check"))

    asking = [threading.Thread(target=ask, args=(TEAMS[number % 3],)) for number in range(60)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert sum("There is no pull request" in page for page in pages) == 60


def test_a_team_that_holds_the_button_down_has_one_look_in_a_few_seconds(
    tmp_path: Path, stand_in: StandIn, amber: Board
) -> None:
    # No round meanwhile: whatever is asked, the team has asked for.
    running = Running(tmp_path, stand_in, interval=3600)
    running.start()
    running.begin()
    try:
        team, other = running.as_team("amber"), running.as_team("blue")
        assert "There is no pull request to game/team-amber" in team.press("/check")
        asked, began = stand_in.asked, time.monotonic()
        assert asked
        for _ in range(50):
            assert "There is no pull request to game/team-amber" in team.press("/check")
        looks = 1 + (time.monotonic() - began) // PAUSE
        assert stand_in.asked <= asked * looks
        # Nobody else waits for it, and who passes goes on at once.
        assert "There is no pull request to game/team-blue" in other.press("/check")
        sign(amber)
        until(lambda: "1 of 5 stations passed" in team.press("/check"))
        assert "There is no Dockerfile" in team.press("/check")
    finally:
        running.stop()


def test_words_and_codes_that_are_tried_by_the_hundred_cost_no_disk_and_no_log(hunt: Running, amber: Board) -> None:
    team, stranger = at(amber, hunt, "logs"), Browser(hunt.port)
    began = time.monotonic()
    for number in range(200):
        assert "That is not the word" in team.press("/check", answer=str(number))
        assert stranger.ask("POST", "/login", {"code": str(number)})[0] == 403
    seconds = 1 + time.monotonic() - began
    assert 1 <= hunt.metrics()['hunt_checks_failed_total{team="amber",step="5"}'] <= seconds
    for event in ("failed", "refused"):
        assert 1 <= sum(each["event"] == event for each in hunt.events) <= seconds
    # Whoever finds it, the next moment, is heard.
    assert "You have arrived" in team.press("/check", answer=word(KEY, "amber", "logs"))


def test_before_the_operators_begin_nothing_is_told_or_looked_at(tmp_path: Path, stand_in: StandIn) -> None:
    running = Running(tmp_path, stand_in)
    running.start()
    try:
        team = running.as_team("amber")
        assert "The hunt is closed" in team.page()
        assert "register" not in team.page()
        assert running.metrics()["hunt_running"] == 0
        assert 'hunt_last_progress_timestamp_seconds{team="amber"}' not in running.metrics()
        running.begin()
        assert "The register at the gate" in team.page()
        assert running.metrics()["hunt_running"] == 1
        operators = running.as_operators()
        assert "Close the hunt" in operators.page()
        assert "Begin the hunt" in operators.press("/close")
        assert "The hunt is closed" in team.page()
    finally:
        running.stop()


def test_the_operators_see_the_funnel_of_all_teams(hunt: Running, amber: Board) -> None:
    at(amber, hunt, "helm").press("/hint")
    page = hunt.as_operators().page()
    rows = [re.sub(r"<[^>]+>", " ", row) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
    text = [re.sub(r"\s+", " ", row).strip() for row in rows]
    renew = "Renew Log team amber out and show its new code"
    assert [row for row in text if row.startswith("1. The register")] == ["1. The register at the gate 1 2 0 min 0 0"]
    assert [row for row in text if row.startswith("3. The camp")] == ["3. The camp 0 1 – 1 0"]
    assert [row for row in text if row.startswith("amber")] == [f"amber 3. The camp 0 min 0 yes – {renew}"]


def test_a_team_sees_only_itself(hunt: Running) -> None:
    team = hunt.as_team("amber")
    assert team.ask("GET", "/operators")[0] == 404
    assert "blue" not in team.page()
    stranger = Browser(hunt.port)
    assert stranger.ask("GET", "/operators")[0] == 303
    assert "The register" not in stranger.page()


@pytest.mark.parametrize("code", ["", "wrong", team_code("another key" * 4, "amber"), operators_code("x" * 64), "ñ"])
def test_a_wrong_code_opens_nothing(hunt: Running, code: str) -> None:
    stranger = Browser(hunt.port)
    status, page, _ = stranger.ask("POST", "/login", {"code": code})
    assert status == 403
    assert "That code opens nothing" in page
    assert stranger.cookie == ""


def test_a_code_may_be_typed_as_people_type() -> None:
    code = team_code(KEY, "amber")
    assert re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code)
    assert plain(f"  {code.upper().replace('-', ' ')}\n") == plain(code)
    assert len({team_code(KEY, "amber"), team_code(KEY, "blue"), word(KEY, "amber", "logs"), operators_code(KEY)}) == 4


def forged_cookies(own: str) -> list[str]:
    name, _, value = own.partition("=")
    who, renewals, browser, end, signature = value.split(".")
    return [
        f"{name}={each}"
        for each in (
            f"blue.{renewals}.{browser}.{end}.{signature}",
            f"*.{renewals}.{browser}.{end}.{signature}",
            f"{who}.{int(renewals) + 1}.{browser}.{end}.{signature}",
            f"{who}.{renewals}.{browser}.{int(end) + 1}.{signature}",
            f"{who}.{renewals}.{browser}.{end}.",
            "x",
            "",
            "ü.a.b.c",
        )
    ]


def test_a_cookie_that_the_service_did_not_write_is_no_login(hunt: Running) -> None:
    own = hunt.as_team("amber").cookie
    for cookie in forged_cookies(own):
        status, page, _ = Browser(hunt.port).ask("GET", "/", headers={"Cookie": cookie.encode().decode("latin-1")})
        assert (status, "The register" in page) == (200, False), cookie


def test_operators_renew_a_teams_code_and_the_old_one_and_its_logins_end_with_it(hunt: Running, amber: Board) -> None:
    at(amber, hunt, "docker")
    team, other, operators = hunt.as_team("amber"), hunt.as_team("blue"), hunt.as_operators()
    form = re.search(r'name="form" value="([0-9a-f]+)"', other.page())
    assert form is not None
    assert other.ask("POST", "/renew", {"form": form[1], "team": "amber"})[0] == 404
    found = re.search(r"logs in with ([a-z2-7-]{19}) from now on", operators.press("/renew", team="amber"))
    assert found is not None
    stranger = Browser(hunt.port)
    for _ in range(2):
        assert "The code on your team" in team.page(), "it is logged out"
        assert stranger.ask("POST", "/login", {"code": team_code(KEY, "amber")})[0] == 403
        again = Browser(hunt.port)
        assert "1 of 5 stations passed" in again.log_in(found[1])
        assert "The register at the gate" in other.page()
        assert "Progress of all teams" in operators.page()
        # Whatever restarts.
        hunt.stop(hard=True)
        hunt.start()
    assert found[1] not in hunt.log_text


def test_no_other_page_can_send_a_teams_forms(hunt: Running) -> None:
    team = hunt.as_team("amber")
    form = re.search(r'name="form" value="([0-9a-f]+)"', team.page())
    assert form is not None
    others = re.search(r'name="form" value="([0-9a-f]+)"', hunt.as_team("blue").page())
    assert others is not None
    for fields in ({}, {"form": "0" * 40}, {"form": others[1]}):
        assert team.ask("POST", "/hint", fields)[0] == 403
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert team.ask("POST", "/hint", {"form": form[1]}, elsewhere)[0] == 403
    assert team.ask("POST", "/hint", {"form": form[1]}, {"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert "A hint" not in team.page()
    assert team.ask("POST", "/begin", {"form": form[1]})[0] == 404
    assert team.ask("POST", "/hint", {"form": form[1]}, {"Origin": f"http://127.0.0.1:{hunt.port}"})[0] == 303
    assert "A hint" in team.page()


def test_pages_are_closed_to_scripts_and_frames_and_are_not_kept(hunt: Running) -> None:
    _, page, headers = hunt.as_team("amber").ask("GET", "/")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "<script" not in page
    cookie = Browser(hunt.port).ask("POST", "/login", {"code": team_code(KEY, "amber")})[2]["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}


def test_what_a_team_does_cannot_become_html(hunt: Running, amber: Board) -> None:
    at(amber, hunt, "docker")
    amber.main["Dockerfile"] = "FROM <script>alert(1)</script>\n"
    page = hunt.as_team("amber").press("/check")
    assert "&lt;script&gt;" in page
    assert "<script" not in page + hunt.as_operators().page()


def test_a_request_that_is_none_is_refused(hunt: Running) -> None:
    for headers, body, status in (
        ({"Content-Length": "x"}, b"", 411),
        ({"Content-Length": "9999999"}, b"", 413),
        ({"Transfer-Encoding": "chunked"}, b"0\r\n\r\n", 411),
        ({"Content-Length": "1"}, b"\xff", 400),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", hunt.port, timeout=20)
        connection.putrequest("POST", "/login")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        assert connection.getresponse().status == status
        connection.close()
    assert Browser(hunt.port).ask("GET", "/../../etc/passwd")[0] == 404
    assert Browser(hunt.port).ask("HEAD", "/")[:2] == (200, "")


def test_its_numbers_are_those_that_the_dashboards_ask_for_and_only_prometheus_gets_them(
    hunt: Running, amber: Board
) -> None:
    at(amber, hunt, "docker").press("/check")
    found = hunt.metrics()
    expected = {name: metric for name, metric in METRICS.items() if metric.source == METRICS["hunt_running"].source}
    assert {name.partition("{")[0] for name in found} == set(expected)
    for sample in found:
        name, _, labels = sample.partition("{")
        assert set(re.findall(r'(\w+)="', labels)) == set(expected[name].labels) & {"team", "step"}
    assert found['hunt_players{team="amber"}'] == 1
    assert found['hunt_players{team="blue"}'] == 0
    assert found['hunt_current_step{team="amber"}'] == 2
    assert found['hunt_steps_passed_total{team="amber",step="1"}'] == 1
    assert found['hunt_steps_started_total{team="amber",step="2"}'] == 1
    assert found['hunt_checks_failed_total{team="amber",step="2"}'] == 1
    assert time.time() - found['hunt_last_progress_timestamp_seconds{team="amber"}'] < 60
    assert hunt.as_team("amber").ask("GET", "/metrics")[0] == 404


def test_its_lines_are_json_with_the_fields_that_the_dashboards_ask_for(hunt: Running, amber: Board) -> None:
    at(amber, hunt, "docker").press("/check")
    for event in hunt.events:
        assert set(event) <= set(FIELDS["hunt"])
        assert {"time", "level", "event"} <= set(event)
    passed = [event for event in hunt.events if event["event"] == "passed"]
    assert [(event["of_team"], event["step"]) for event in passed] == [("amber", 1)]
    assert not re.search(rf"{team_code(KEY, 'amber')}|{KEY}|reads|merges", hunt.log_text)


def test_it_asks_as_the_accounts_that_it_was_given(hunt: Running, stand_in: StandIn, amber: Board) -> None:
    at(amber, hunt, "pipeline")
    kinds = {login.partition(" ")[0] for login in stand_in.logins}
    assert kinds == {"Basic", "Bearer"}
    assert len(stand_in.logins) == 3


MISFITS: dict[str, tuple[str, str, str]] = {
    "no hunt": ("configuration/hunt.json", "", "hunt.json cannot be read as JSON"),
    "a hunt that points nowhere": ("configuration/hunt.json", '{"title": "x"}', "hunt: first is missing"),
    "no teams": ("configuration/teams.json", "{}", "teams.json lacks something"),
    "a short key": ("secrets/key", "short", "the secret key must have 32 characters or more"),
}


@pytest.mark.parametrize("how", MISFITS)
def test_with_files_that_are_not_fit_it_does_not_start(tmp_path: Path, stand_in: StandIn, how: str) -> None:
    file, text, said = MISFITS[how]
    running = Running(tmp_path, stand_in)
    (tmp_path / file).write_text(text)
    with pytest.raises(AssertionError, match=re.escape(said)):
        running.start()
    assert "Traceback" not in running.log_text


def test_without_a_key_it_serves_its_page_and_lets_nobody_in(tmp_path: Path, stand_in: StandIn) -> None:
    running = Running(tmp_path, stand_in)
    for file in (tmp_path / "secrets").iterdir():
        file.unlink()
    running.configure(
        "teams.json", {"teams": [], "branch": "main", "page_url": "http://play.hunt.example.org/", "git_url": ""}
    )
    running.start()
    try:
        assert "The road to Shambhala" in Browser(running.port).page()
        assert Browser(running.port).ask("POST", "/login", {"code": operators_code("")})[0] == 403
        assert json.dumps(running.metrics()) == '{"hunt_running": 0.0}'
    finally:
        running.stop()
