"""The attack suite against the real Drone and the real Gitea, with a runner that records what it is given.

Each attack has its number in the suite and its name; each is shown to succeed, here or in `tests/game_app`, when the
lock that holds it is taken away.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from game_app.guard.service.pipelines import load
from game_app.scm.setup.drone import SETTINGS
from game_app.scm.setup.login import log_in
from game_app.scm.setup.plan import read
from game_app.scm.setup.web import Service, SetupError
from tests.live.site import Site, status_of
from tests.live.standins import Answering, instead_of_the_guard, slow

pytestmark = pytest.mark.timeout(900)

THEIRS = """kind: pipeline
type: kubernetes
name: mine
node:
  trust: untrusted
clone:
  disable: true
steps:
- name: mine
  image: evil
  privileged: true
  commands: [env]
"""
WHERE_DRONE_LOOKS = str(SETTINGS["config_path"])
OURS = ["clone", "dockerfile", "chart"]
SECONDS = 20.0
"""How long a build may take to reach a runner, or not to."""
NOT_LONG = 3.0
"""How long to look for a build that must not be, once Drone has refused it."""

_names = iter(f"change-{number}" for number in range(10_000))


def propose(site: Site, files: Mapping[str, str] | None = None, **more: Any) -> str:
    branch = more.pop("branch", None) or next(_names)
    content = files or {f"{branch.replace('/', '-')}.txt": "x"}
    return site.propose(more.pop("player", "ada"), more.pop("repository", "team-red"), branch, content, **more)


def runs_ours(site: Site, commit: str, repository: str = "team-red") -> None:
    """The build of a pull request is the one that the program keeps, byte for byte."""
    taken = site.build_of(repository, commit, seconds=SECONDS)
    assert taken is not None, (site.built(repository, commit), site.guard.log[-1000:])
    catalogue = load(site.folder / "guard" / "pipelines")
    assert taken.pipeline.startswith(catalogue.pipelines[f"game/{repository}", "pull_request"])
    assert taken.names == OURS
    assert "evil" not in taken.pipeline


def never_runs(site: Site, commit: str, repository: str = "team-red") -> None:
    """Drone has heard of a pull request, and no runner gets it."""
    assert site.heard(repository, commit)
    assert site.build_of(repository, commit, seconds=NOT_LONG) is None


@contextmanager
def setting(site: Site, repository: str, **changes: Any) -> Generator[None]:
    """A repository's settings in Drone are others for a while."""
    admin = site.as_drones_admin()
    admin.ask("PATCH", f"/api/repos/game/{repository}", changes)
    try:
        yield
    finally:
        admin.ask("PATCH", f"/api/repos/game/{repository}", dict(SETTINGS))


@pytest.mark.parametrize(
    "path",
    [".drone.yml", ".drone.yaml", ".drone.star", ".drone.jsonnet", ".drone.script", WHERE_DRONE_LOOKS, ".drone/a.yml"],
)
def test_t13_a_pipeline_in_a_pull_request_from_a_fork_is_not_run(site: Site, path: str) -> None:
    runs_ours(site, propose(site, {path: THEIRS}))


def test_t13_a_pipeline_in_a_pull_request_by_agit_without_a_fork_is_not_run(site: Site) -> None:
    commit = site.push_to("ada", "team-red", "refs/for/main", {WHERE_DRONE_LOOKS: THEIRS}, f"topic={next(_names)}")
    runs_ours(site, commit)


def test_t13_a_pipeline_in_a_pull_request_to_a_component_is_not_run(site: Site) -> None:
    commit = propose(site, {WHERE_DRONE_LOOKS: THEIRS}, repository="portal", player="linus")
    runs_ours(site, commit, "portal")


NOTHING = {
    "204": (204, b""),
    "an empty object": (200, b"{}"),
    "null": (200, b"null"),
    "no data": (200, b'{"data":""}'),
}


@pytest.mark.parametrize("how", NOTHING)
def test_t15_an_extension_that_answers_nothing_is_caught_by_each_of_two_more_locks(site: Site, how: str) -> None:
    def without_validation(path: str, body: bytes) -> tuple[int, bytes]:
        del body
        return (204, b"") if path == "/validate" else NOTHING[how]

    def with_validation(path: str, body: bytes) -> tuple[int, bytes]:
        del body
        return (400, b"not the guard's") if path == "/validate" else NOTHING[how]

    with setting(site, "team-red", protected=False), instead_of_the_guard(site, with_validation):
        never_runs(site, propose(site, {WHERE_DRONE_LOOKS: THEIRS}))
    with instead_of_the_guard(site, without_validation):
        commit = propose(site, {WHERE_DRONE_LOOKS: THEIRS})
        never_runs(site, commit)
        build = site.built("team-red", commit)[0]
        found = site.as_drones_admin().get(f"/api/repos/game/team-red/builds/{build['number']}")
        assert [stage["status"] for stage in found["stages"]] == ["blocked"]
    # With both away the attack succeeds: the locks are real.
    with setting(site, "team-red", protected=False), instead_of_the_guard(site, without_validation):
        taken = site.build_of("team-red", propose(site, {WHERE_DRONE_LOOKS: THEIRS}), seconds=SECONDS)
        assert taken is not None
        assert taken.names == ["mine"]


def test_t14_while_the_guard_is_down_no_build_starts_and_afterwards_the_next_push_is_built(site: Site) -> None:
    site.guard.stop()
    try:
        commit = propose(site, {WHERE_DRONE_LOOKS: THEIRS})
        never_runs(site, commit)
        assert site.built("team-red", commit) == []
        _, status = site.as_operator().ask("GET", f"/repos/game/team-red/commits/{commit}/status")
        assert status["total_count"] == 0, "a required status that is missing keeps it from being merged"
    finally:
        site.guard.start()
    runs_ours(site, propose(site, {WHERE_DRONE_LOOKS: THEIRS}))


BROKEN: Mapping[str, Answering] = {
    "500": lambda path, body: (500, b"oops"),
    "a page": lambda path, body: (200, b"<html>"),
    "an empty body": lambda path, body: (200, b""),
    "a redirect": lambda path, body: (302, b""),
    "slow": slow,
}


@pytest.mark.parametrize("how", BROKEN)
def test_t14_a_guard_that_fails_starts_no_build(site: Site, how: str) -> None:
    with instead_of_the_guard(site, BROKEN[how]) as asked:
        commit = propose(site, {WHERE_DRONE_LOOKS: THEIRS})
        never_runs(site, commit)
        if how == "slow":
            time.sleep(11)
            never_runs(site, commit)
        assert asked
    assert site.built("team-red", commit) == []


def test_t04_a_forged_request_to_the_guard_is_refused(site: Site) -> None:
    body = json.dumps({"repo": {"slug": "game/team-red"}, "build": {"event": "push"}}).encode()
    for path in ("/config", "/validate"):
        assert status_of(site.guard_port, "POST", path, body) == 401


@pytest.mark.parametrize(
    "branch", ["lamp-$(id)", "a;id", "it's", 'say-"hello"', "x`id`", "${DRONE_COMMIT}", "refs/heads/main", "grün-é"]
)
def test_t09_a_hostile_name_of_a_branch_changes_nothing(site: Site, branch: str) -> None:
    runs_ours(site, propose(site, {f"{next(_names)}.txt": "x"}, branch=f"{next(_names)}-{branch}"))


@pytest.mark.parametrize(
    "title",
    ["$(id)", "${DRONE_COMMIT_MESSAGE}", "x\n  - name: mine\n    image: evil", "'\"\\", "A" * 250],
    ids=["shell", "variable", "yaml", "quotes", "long"],
)
def test_t09_a_hostile_title_changes_nothing(site: Site, title: str) -> None:
    runs_ours(site, propose(site, title=title))


def test_t12_a_fork_is_trusted_no_more_and_no_less_than_a_branch(site: Site) -> None:
    forked = site.build_of("team-red", propose(site), seconds=SECONDS)
    agit = site.push_to("ada", "team-red", "refs/for/main", {"y.txt": "x"}, f"topic={next(_names)}")
    own = site.build_of("team-red", agit, seconds=SECONDS)
    assert forked is not None
    assert own is not None
    assert forked.pipeline == own.pipeline
    assert own.secrets == forked.secrets == {}


def test_t18_every_repository_is_protected_and_none_is_trusted(site: Site) -> None:
    admin = site.as_drones_admin()
    for repository in ("portal", "team-red", "team-blue"):
        found = admin.get(f"/api/repos/game/{repository}")
        assert {key: found.get(key, False) for key in SETTINGS} == {**SETTINGS, "ignore_forks": False}
        assert not admin.get(f"/api/repos/game/{repository}/secrets")


def test_t24_a_pull_requests_build_gets_no_secret_and_no_login_but_the_clones(site: Site) -> None:
    admin = site.as_drones_admin()
    admin.ask("POST", "/api/repos/game/team-red/secrets", {"name": "canary", "data": "tweet", "pull_request": False})
    try:
        taken = site.build_of("team-red", propose(site), seconds=SECONDS)
        assert taken is not None
        assert taken.secrets == {}
        assert taken.netrc.partition(":")[0] == "clone-bot"
        assert not taken.trusted
        # A secret that is open to pull requests would be there.
        admin.ask("PATCH", "/api/repos/game/team-red/secrets/canary", {"data": "tweet", "pull_request": True})
        taken = site.build_of("team-red", propose(site), seconds=SECONDS)
        assert taken is not None
        assert taken.secrets == {"canary": "tweet"}
    finally:
        admin.ask("DELETE", "/api/repos/game/team-red/secrets/canary")


def test_t24_the_login_of_a_clone_can_read_the_games_repositories_and_change_nothing(site: Site) -> None:
    own = site.as_player("clone-bot")
    assert own.get("/repos/game/team-red") is not None
    status, _ = own.ask(
        "POST", "/repos/game/team-red/contents/x", {"content": "eA==", "message": "x"}, accept=(403, 404, 422)
    )
    assert status == 403


def again(site: Site, number: int) -> Mapping[str, Callable[[Service], tuple[int, Any]]]:
    refused = (400, 401, 403, 404, 500)
    builds = "/api/repos/game/team-red/builds"
    return {
        "restart": lambda who: who.ask("POST", f"{builds}/{number}?IMAGE=evil&debug=true", accept=refused),
        "promote": lambda who: who.ask("POST", f"{builds}/{number}/promote?target=production", accept=refused),
        "rollback": lambda who: who.ask("POST", f"{builds}/{number}/rollback?target=production", accept=refused),
        "create": lambda who: who.ask("POST", f"{builds}?branch=main&IMAGE=evil", accept=refused),
    }


@pytest.mark.parametrize("how", ["restart", "promote", "rollback", "create"])
def test_t07_a_build_that_drones_own_api_begins_is_refused_even_to_its_admin(site: Site, how: str) -> None:
    taken = site.build_of("team-red", propose(site), seconds=SECONDS)
    assert taken is not None
    before = len(site.runners["untrusted"].taken()) + len(site.runners["deploy"].taken())
    status, made = again(site, taken.number)[how](site.as_drones_admin())
    # Drone may have the pipeline still; then it asks the second lock, and writes down a build that failed at once.
    assert status >= 400 or made["status"] == "error"
    time.sleep(NOT_LONG)
    assert len(site.runners["untrusted"].taken()) + len(site.runners["deploy"].taken()) == before


def test_t07_a_schedule_is_never_built(site: Site) -> None:
    admin = site.as_drones_admin()
    admin.ask("POST", "/api/repos/game/team-red/cron", {"name": "always", "expr": "@every 1s", "branch": "main"})
    try:
        before = len(site.builds("team-red"))
        time.sleep(NOT_LONG)
        assert len(site.builds("team-red")) == before
        status, _ = admin.ask("POST", "/api/repos/game/team-red/cron/always", accept=(400, 404, 500))
        assert status >= 400
        assert len(site.builds("team-red")) == before
    finally:
        admin.ask("DELETE", "/api/repos/game/team-red/cron/always")


@pytest.mark.parametrize("tag", ["v1", "main", "refs/heads/main"])
def test_t07_a_tag_is_never_built(site: Site, tag: str) -> None:
    operator = site.as_operator()
    _, made = operator.ask("POST", "/repos/game/team-red/tags", {"tag_name": tag, "target": "main"})
    try:
        before = len(site.builds("team-red"))
        time.sleep(NOT_LONG)
        assert len(site.builds("team-red")) == before, made
    finally:
        operator.ask("DELETE", f"/repos/game/team-red/tags/{tag}")


ANONYMOUS_AND_FORGED = {"nobody": "", "a forged cookie": "_session_=forged", "another's": "_session_=YWRtaW4="}
CALLS = [
    ("GET", "/api/repos/game/team-red/builds"),
    ("GET", "/api/repos/game/team-red/builds/1/logs/1/1"),
    ("POST", "/api/repos/game/team-red/sign"),
    ("POST", "/api/repos/game/team-red/builds/1"),
    ("POST", "/api/repos/game/team-red/builds/1/approve/1"),
    ("POST", "/api/repos/game/team-red/secrets"),
    ("POST", "/api/repos/game/team-red/cron"),
    ("PATCH", "/api/repos/game/team-red"),
    ("DELETE", "/api/repos/game/team-red"),
    ("GET", "/api/users"),
    ("GET", "/api/builds/incomplete"),
    ("POST", "/rpc/v2/stage"),
    ("POST", "/rpc/v2/ping"),
]


@pytest.mark.parametrize("who", ANONYMOUS_AND_FORGED)
@pytest.mark.parametrize(("method", "path"), CALLS, ids=str)
def test_t31_drones_api_is_closed_to_players(site: Site, who: str, method: str, path: str) -> None:
    headers = {"Cookie": ANONYMOUS_AND_FORGED[who]}
    assert status_of(site.drone_port, method, path, b"{}", headers) in {401, 403, 404}


def test_t31_a_player_cannot_log_in_at_drone(site: Site) -> None:
    plan = read(site.folder / "plan.json")
    with pytest.raises(SetupError, match="did not let ada in"):
        log_in(plan, "ada")
    assert "ada" not in {user["login"] for user in site.as_drones_admin().get("/api/users")}


def forged_push(commit: str) -> dict[str, Any]:
    account = {"login": "ada", "username": "ada", "email": "ada@players.invalid", "full_name": ""}
    return {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": commit,
        "commits": [{"id": commit, "message": "forged", "author": {"name": "ada", "email": "", "username": "ada"}}],
        "head_commit": {"id": commit, "message": "forged", "author": {"name": "ada", "email": "", "username": "ada"}},
        "repository": {
            "name": "team-red",
            "owner": {"login": "game", "username": "game"},
            "full_name": "game/team-red",
            "default_branch": "main",
        },
        "pusher": account,
        "sender": account,
    }


@pytest.mark.parametrize("secret", ["", "guessed", "x" * 32])
def test_t31_a_webhook_forged_without_the_secret_is_refused(site: Site, secret: str) -> None:
    commit = hashlib.sha1(next(_names).encode(), usedforsecurity=False).hexdigest()
    assert site.hook(secret, "push", forged_push(commit)) >= 400
    assert site.build_of("team-red", commit, trust="deploy", seconds=NOT_LONG) is None
    # With the secret it is believed, so that it is the secret that holds.
    assert site.hook(site.hook_secret("team-red"), "push", forged_push(commit)) == 200
    assert site.build_of("team-red", commit, trust="deploy", seconds=SECONDS) is not None


def refused(site: Site, name: str, method: str, path: str, body: object) -> int:
    status, _ = site.as_player(name).ask(method, path, body, accept=(401, 403, 404, 405, 409, 422, 423))
    return status


def test_t32_a_player_cannot_say_that_a_build_was_green(site: Site) -> None:
    commit = propose(site)
    path = f"/repos/game/team-red/statuses/{commit}"
    green = {"state": "success", "context": "continuous-integration/drone/pr"}
    assert refused(site, "ada", "POST", path, green) == 403
    with writing(site, "ada"):
        assert refused(site, "ada", "POST", path, green) == 201


@contextmanager
def writing(site: Site, player: str) -> Generator[None]:
    """A player may write to the repository for a while: the lock is that players only read."""
    operator = site.as_operator()
    operator.ask("PUT", f"/repos/game/team-red/collaborators/{player}", {"permission": "write"})
    try:
        yield
    finally:
        operator.ask("PUT", f"/repos/game/team-red/collaborators/{player}", {"permission": "read"})


def test_t32_a_player_cannot_push_to_the_main_branch_not_even_with_the_right_to_write(site: Site) -> None:
    with pytest.raises(PermissionError):
        site.push_to("ada", "team-red", "refs/heads/main", {"pushed.txt": "x"})
    with writing(site, "ada"):
        with pytest.raises(PermissionError, match="protected branch"):
            site.push_to("ada", "team-red", "refs/heads/main", {"pushed.txt": "x"})
        with unprotected(site):
            site.push_to("ada", "team-red", "refs/heads/main", {f"{next(_names)}.txt": "x"})


@contextmanager
def unprotected(site: Site) -> Generator[None]:
    site.as_operator().ask("DELETE", "/repos/game/team-red/branch_protections/main")
    try:
        yield
    finally:
        assert "All is as planned" in site.set_up()


def test_t32_a_player_cannot_push_a_branch_of_the_repository(site: Site) -> None:
    branch = next(_names)
    with pytest.raises(PermissionError):
        site.push_to("ada", "team-red", f"refs/heads/{branch}", {"x.txt": "x"})


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
    site: Site, method: str, path: str, body: object
) -> None:
    assert refused(site, "ada", method, path, body) in {403, 404, 422}


def number_of(site: Site, commit: str) -> int:
    pulls = site.as_operator().all("/repos/game/team-red/pulls?state=open")
    return int(next(pull["number"] for pull in pulls if pull["head"]["sha"] == commit))


def merge(site: Site, name: str, commit: str) -> int:
    path = f"/repos/game/team-red/pulls/{number_of(site, commit)}/merge"
    return refused(site, name, "POST", path, {"Do": "merge", "head_commit_id": commit})


def green(site: Site, commit: str) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        _, status = site.as_operator().ask("GET", f"/repos/game/team-red/commits/{commit}/status")
        if status["state"] == "success":
            return True
        time.sleep(0.1)
    return False


def test_t32_a_green_pull_request_is_merged_by_the_one_account_that_may_and_then_deployed(site: Site) -> None:
    commit = propose(site, player="grace")
    assert green(site, commit)
    assert merge(site, "grace", commit) in {403, 404, 405}
    assert merge(site, "drone-bot", commit) in {403, 404, 405}
    assert merge(site, "merge-bot", commit) == 200
    merged = site.as_operator().get("/repos/game/team-red/branches/main")["commit"]["id"]
    deployed = site.build_of("team-red", merged, trust="deploy", seconds=SECONDS)
    assert deployed is not None
    assert deployed.names == ["clone", "render", "deploy"]
    assert deployed.event == "push"


@pytest.mark.parametrize("word", ["[CI SKIP]", "[skip ci]"])
def test_t33_a_pull_request_that_skips_its_build_cannot_be_merged(site: Site, word: str) -> None:
    commit = propose(site, title=f"{word} nothing to see")
    never_runs(site, commit)
    assert merge(site, "merge-bot", commit) == 405


def test_t33_a_pull_request_that_changed_after_it_was_green_cannot_be_merged(site: Site) -> None:
    branch = next(_names)
    commit = propose(site, branch=branch)
    assert green(site, commit)
    site.guard.stop()
    try:
        _, made = site.as_player("ada").ask(
            "POST",
            "/repos/ada/team-red/contents/later.txt",
            {"branch": branch, "content": "eA==", "message": "after it was green"},
        )
        assert site.heard("team-red", made["commit"]["sha"])
        assert merge(site, "merge-bot", made["commit"]["sha"]) == 405
    finally:
        site.guard.start()


def test_t33_a_pull_request_that_changes_the_protected_files_cannot_be_merged(site: Site) -> None:
    commit = propose(site, {".drone.yml": THEIRS})
    assert green(site, commit)
    assert merge(site, "merge-bot", commit) == 405


def test_t34_the_set_up_changes_nothing_when_nothing_was_bent_and_puts_right_what_was(site: Site) -> None:
    signatures = (site.folder / "vault" / "signatures" / "signatures.json").read_text()
    operator = site.as_operator()
    operator.ask("PATCH", "/repos/game/team-red/branch_protections/main", {"enable_push": True})
    operator.ask("PUT", "/repos/game/team-red/collaborators/linus", {"permission": "admin"})
    site.as_drones_admin().ask("PATCH", "/api/repos/game/team-red", {"protected": False, "trusted": True})
    assert "All is as planned" in site.set_up()
    assert operator.get("/repos/game/team-red/branch_protections/main")["enable_push"] is False
    assert "linus" not in {each["login"] for each in operator.all("/repos/game/team-red/collaborators")}
    assert site.as_drones_admin().get("/api/repos/game/team-red")["protected"] is True
    assert (site.folder / "vault" / "signatures" / "signatures.json").read_text() == signatures


def test_drones_database_restored_from_a_backup_goes_on_building(site: Site) -> None:
    assert site.drone is not None
    database = site.folder / "drone" / "drone.db"
    backup = site.folder / "backup.db"
    with sqlite3.connect(database) as running, sqlite3.connect(backup) as copy:
        running.backup(copy)
    lost = propose(site)
    assert site.build_of("team-red", lost, seconds=SECONDS) is not None
    site.drone.stop()
    database.unlink()
    backup.rename(database)
    site.drone.start()
    assert site.built("team-red", lost) == []
    runs_ours(site, propose(site, {WHERE_DRONE_LOOKS: THEIRS}))
