"""What several attacks need: a hostile pipeline, pull requests that hold it, and how to tell what became of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from game_app.services.pipeline_catalogue import load
from game_app.services.setup.drone_setup import SETTINGS
from game_app.services.setup.service_client import ServiceClient
from local_game.delivery_site import DeliverySite
from local_game.webhooks import Hook
from rehearsal.drone.recording import Taken
from tests.support.waiting import LONGEST_WAIT, until

THEIRS: Final = """kind: pipeline
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
WHERE_DRONE_LOOKS: Final = str(SETTINGS["config_path"])
_STARLARK: Final = """def main(context):
    step = {"name": "mi" + "ne", "image": "evil", "privileged": True, "commands": ["env"]}
    return dict(
        kind = "pipeline", type = "kubernetes", name = "mine",
        node = {"trust": "untrusted"}, clone = {"disable": True}, steps = [step],
    )
"""
_JSONNET: Final = """local step(name) = { name: name, image: 'evil', privileged: true, commands: ['env'] };
{
  kind: 'pipeline', type: 'kubernetes', name: 'mine',
  node: { trust: 'untrusted' }, clone: { disable: true }, steps: [step('mi' + 'ne')],
}
"""
BROUGHT: Final[Mapping[str, str]] = {
    ".drone.yml": THEIRS,
    ".drone.yaml": THEIRS,
    ".drone.star": _STARLARK,
    ".drone.jsonnet": _JSONNET,
    ".drone.script": _STARLARK,
    WHERE_DRONE_LOOKS: THEIRS,
    ".drone/a.yml": THEIRS,
}
"""Every place at which some Drone looks for a pipeline, and one in the language that it reads there."""
TEMPLATE: Final = "kind: template\nload: mine.yaml\ndata:\n  image: evil\n"
"""Has Drone 2 fill in a template of its own; the tests' Drone knows none yet."""
OURS: Final = ["clone", "dockerfile", "chart"]
"""How long a build may take to reach a runner."""
ENDED: Final = {"blocked", "declined", "error", "killed", "skipped"}
"""States of a build's part that no runner gets, unless a person of Drone's says so."""

_names = iter(f"change-{number}" for number in range(10_000))


@dataclass(frozen=True)
class Change:
    """A pull request that holds a pipeline of its own wherever Drone might look, and its webhook."""

    commit: str
    hook: Hook
    taken: Taken
    """What ran instead."""


def a_name() -> str:
    """A name that no test has had."""
    return next(_names)


def propose(site: DeliverySite, files: Mapping[str, str] | None = None, **more: Any) -> str:
    """Open a pull request from a fork. Gives its commit."""
    branch = more.pop("branch", None) or a_name()
    content = files or {f"{branch.replace('/', '-')}.txt": "x"}
    return site.git.propose(more.pop("player", "ada"), more.pop("repository", "team-red"), branch, content, **more)


def propose_by_agit(site: DeliverySite, files: Mapping[str, str] | None = None, title: str = "A change") -> str:
    """Open a pull request without a fork, from the newest main branch. Gives its commit."""
    options = (f"topic={a_name()}", f"title={title}")
    return site.git.push_to("ada", "team-red", "refs/for/main", files or {f"{a_name()}.txt": "x"}, *options)


def change(site: DeliverySite, player: str = "ada", repository: str = "team-red") -> Change:
    """Open the pull request that tries everything at once."""
    commit = propose(site, BROUGHT, player=player, repository=repository)
    taken = runs_ours(site, commit, repository)
    return Change(commit, site.webhooks.answered(commit)[0], taken)


def runs_ours(site: DeliverySite, commit: str, repository: str = "team-red") -> Taken:
    """The build of a pull request is the one that the program keeps, byte for byte."""
    taken = site.builds.taken_for(repository, commit, seconds=LONGEST_WAIT)
    assert taken is not None, (site.builds.of_commit(repository, commit), site.guard.log[-1000:])
    is_ours(site, taken)
    return taken


def is_ours(site: DeliverySite, taken: Taken) -> None:
    """It is the guard's pipeline for pull requests, and came with nothing."""
    catalogue = load(site.folder / "guard" / "pipelines")
    assert taken.pipeline.startswith(catalogue.pipelines[taken.repository, "pull_request"])
    assert taken.names == OURS
    assert "evil" not in taken.pipeline
    assert taken.secrets == {}
    assert taken.netrc.partition(":")[0] == "clone-bot"
    assert not taken.trusted


def never_runs(site: DeliverySite, commit: str, repository: str = "team-red") -> None:
    """Drone has decided about a commit, and has nothing of it that a runner could take or has taken."""
    site.webhooks.answered(commit)
    for build in site.builds.of_commit(repository, commit):
        assert states(site, build, repository) <= ENDED
    assert commit not in {each.commit for each in site.builds.taken()}


def refused(site: DeliverySite, hook: Hook) -> None:
    """Drone, told of a change once more, makes no build that a runner could take."""
    status, build = site.webhooks.deliver(hook)
    assert status >= 400 or states(site, build) <= ENDED


def states(site: DeliverySite, build: Mapping[str, Any], repository: str = "team-red") -> set[str]:
    """The states of a build's parts, which are what runners take; the build's own where it has none."""
    found = site.as_drones_admin().get(f"/api/repos/game/{repository}/builds/{build['number']}")
    return {stage["status"] for stage in found.get("stages") or [found]}


def runs_theirs(site: DeliverySite, hook: Hook, *, event: str = "pull_request") -> None:
    """Drone, told of a change once more, hands a runner what the player wrote."""
    status, build = site.webhooks.deliver(hook)
    assert status == 200, build
    taken = site.runners["untrusted"].wait_for("game/team-red", LONGEST_WAIT, number=build["number"])
    assert taken is not None
    assert (taken.names, taken.event) == (["mine"], event)


@contextmanager
def setting(site: DeliverySite, repository: str, **changes: Any) -> Generator[None]:
    """A repository's settings in Drone are others for a while."""
    admin = site.as_drones_admin()
    admin.ask("PATCH", f"/api/repos/game/{repository}", changes)
    try:
        yield
    finally:
        admin.ask("PATCH", f"/api/repos/game/{repository}", dict(SETTINGS))


def settle(admin: ServiceClient) -> None:
    """Wait until a Drone has no build that waits or runs. Raises AssertionError where one never ends."""
    until(lambda: not admin.get("/api/queue"), lambda: admin.get("/api/queue"))


def begin(who: ServiceClient, how: str, number: int) -> tuple[int, Any]:
    """Begin a build by Drone's own API, from the build of a number or from nothing. Gives its answer."""
    builds = "/api/repos/game/team-red/builds"
    path = {
        "restart": f"{builds}/{number}?IMAGE=evil&debug=true",
        "promote": f"{builds}/{number}/promote?target=production",
        "rollback": f"{builds}/{number}/rollback?target=production",
        "create": f"{builds}?branch=main&IMAGE=evil",
    }[how]
    return who.ask("POST", path, accept=(400, 401, 403, 404, 500))
