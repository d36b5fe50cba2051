"""Other ways to begin a build than a pull request, and what Drone itself answers."""

from __future__ import annotations

import dataclasses
import re
import urllib.request
from collections.abc import Callable

import pytest

from board.nginx_ingress import LIMITS
from game_app.services.setup.drone_login import log_in
from game_app.services.setup.drone_setup import SETTINGS
from game_app.services.setup.setup_faults import SetupError
from game_app.services.setup.setup_plan import GiteaPlan
from local_game.delivery_site import DeliverySite
from local_game.webhooks import a_commit, pushed, status_of
from tests.attacks.attacks import ENDED, Change, begin, states
from tests.attacks.careless_drone import Careless
from tests.support.waiting import LONGEST_WAIT

pytestmark = pytest.mark.timeout(900)
Fell = Callable[[str], None]


def test_t18_every_repository_is_protected_and_none_is_trusted(site: DeliverySite) -> None:
    admin = site.as_drones_admin()
    for repository in ("portal", "team-red", "team-blue"):
        found = admin.get(f"/api/repos/game/{repository}")
        assert {key: found.get(key, False) for key in SETTINGS} == {**SETTINGS, "ignore_forks": False}
        assert not admin.get(f"/api/repos/game/{repository}/secrets")


@pytest.mark.parametrize("how", ["restart", "promote", "rollback", "create"])
def test_t07_a_build_that_drones_own_api_begins_is_refused_even_to_its_admin(
    site: DeliverySite, proposed: Change, careless: Careless, how: str, fell: Fell
) -> None:
    status, made = begin(site.as_drones_admin(), how, proposed.taken.number)
    # Drone may have the pipeline still; then it asks the second lock, and writes down a build that failed at once.
    assert status >= 400 or states(site, made) <= ENDED
    careless.admin.ask("PATCH", "/api/repos/game/team-red", {"config_path": ".drone.yml"})
    status, made = begin(careless.admin, how, proposed.taken.number)
    assert status == 200, made
    taken = careless.runner.wait_for("game/team-red", LONGEST_WAIT, number=made["number"])
    assert taken is not None
    assert taken.names == ["mine"]
    fell("the build ran")


def test_t07_a_schedule_is_never_built(site: DeliverySite, careless: Careless, fell: Fell) -> None:
    path, often = "/api/repos/game/team-red/cron", {"name": "always", "expr": "@every 1s", "branch": "main"}
    admin = site.as_drones_admin()
    before = site.builds.last_number("team-red")
    for each in (admin, careless.admin):
        each.ask("POST", path, often)
    try:
        # Drone whose schedules run has begun a build meanwhile.
        taken = careless.runner.wait_for("game/team-red", LONGEST_WAIT, event="cron")
        assert taken is not None
        assert taken.names == ["mine"]
        fell("a build began by itself")
        assert site.builds.last_number("team-red") == before
        status, _ = admin.ask("POST", f"{path}/always", accept=(400, 404, 500))
        assert status >= 400
        assert site.builds.last_number("team-red") == before
    finally:
        for each in (admin, careless.admin):
            each.ask("DELETE", f"{path}/always")


@pytest.mark.parametrize("tag", ["v1", "main", "refs/heads/main"])
def test_t07_a_tag_is_never_built(site: DeliverySite, careless: Careless, tag: str, fell: Fell) -> None:
    operator = site.as_operator()
    before, last = site.builds.last_number("team-red"), site.webhooks.last_hook()
    operator.ask("POST", "/repos/game/team-red/tags", {"tag_name": tag, "target": "main"})
    try:
        hooks = site.webhooks.answered(f"refs/tags/{tag}", after=last)
        assert site.builds.last_number("team-red") == before
        made = [
            build
            for hook in hooks
            for _, build in [site.webhooks.deliver(hook, port=careless.port)]
            if "number" in build
        ]
        assert made
        assert careless.runner.wait_for("game/team-red", LONGEST_WAIT, number=made[0]["number"]) is not None
        fell("the tag was built")
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
def test_t31_drones_api_is_closed_to_players(site: DeliverySite, who: str, method: str, path: str) -> None:
    headers = {"Cookie": ANONYMOUS_AND_FORGED[who]}
    assert status_of(site.drone_port, method, path, b"{}", headers) in {401, 403, 404}


WITHOUT_LOGIN = [
    "/api/badges/game/team-red/status.svg?ref=refs/pull/1/head",
    "/api/stream",
    "/api/stream/",
    "/healthz",
    "/metrics",
    "/varz",
    "/version",
]
"""What Drone answers to anybody, beside the pages of its log-in and links to the source control."""


@pytest.mark.parametrize("path", WITHOUT_LOGIN)
def test_t31_what_drone_answers_without_a_login_is_closed_from_outside(
    site: DeliverySite, path: str, fell: Fell
) -> None:
    with urllib.request.urlopen(f"{site.drone_url}{path}", timeout=30) as answered:  # noqa: S310 - loopback
        assert answered.status == 200
    fell("it was answered")
    [rule] = site.graph["delivery-drone-ingress"].inputs["spec"]["rules"]
    asked = path.partition("?")[0]
    leads = {
        each["path"]: each["backend"]["service"]["name"]
        for each in rule["http"]["paths"]
        if asked == each["path"] or (each["pathType"] == "Prefix" and asked.startswith(f"{each['path'].rstrip('/')}/"))
    }
    # Of several paths the longest counts.
    assert leads[max(leads, key=len)] == "blackhole"


@pytest.mark.parametrize("path", ["/metrics/../x", "/metrics/..%2Fx", "/metrics/%2e%2E/x"])
def test_t31_a_path_that_leads_out_of_what_is_closed_is_refused(site: DeliverySite, path: str, fell: Fell) -> None:
    """Neither nginx nor Drone goes where such a path leads: one judges by the end, the other by the beginning."""
    assert status_of(site.drone_port, "GET", path, b"") == 200
    fell("it was answered")
    [refused] = re.findall(r'^if \(\$request_uri ~\* "(.+)"\) { return 400; }$', LIMITS["server-snippets"])
    assert re.search(refused, path, re.IGNORECASE)


def test_prometheus_reads_how_many_builds_wait_without_an_account(site: DeliverySite) -> None:
    with urllib.request.urlopen(f"{site.drone_url}/metrics", timeout=30) as answered:  # noqa: S310 - loopback
        numbers = answered.read().decode()
    assert re.search(r"^drone_pending_jobs \d", numbers, re.MULTILINE)
    assert re.search(r"^drone_running_jobs \d", numbers, re.MULTILINE)


def test_t31_a_player_cannot_log_in_at_drone(site: DeliverySite, careless: Careless, fell: Fell) -> None:
    plan = GiteaPlan.read(site.folder / "plan.json")
    with pytest.raises(SetupError, match="did not let ada in"):
        log_in(plan, "ada")
    assert "ada" not in {user["login"] for user in site.as_drones_admin().get("/api/users")}
    log_in(dataclasses.replace(plan, drone_url=careless.url), "ada")
    assert "ada" in {user["login"] for user in careless.admin.get("/api/users")}
    fell("the player was let in")


@pytest.mark.parametrize("secret", ["", "guessed", "x" * 32])
def test_t31_a_webhook_forged_without_the_secret_is_refused(site: DeliverySite, secret: str, fell: Fell) -> None:
    commit = a_commit()
    assert site.webhooks.send(secret, "push", pushed("team-red", commit)) >= 400
    assert site.builds.of_commit("team-red", commit) == []
    # With the secret it is believed, so that it is the secret that holds.
    assert site.webhooks.send(site.webhooks.secret_of("team-red"), "push", pushed("team-red", commit)) == 200
    assert site.builds.taken_for("team-red", commit, trust="deploy", seconds=LONGEST_WAIT) is not None
    fell("the forged push was built")
