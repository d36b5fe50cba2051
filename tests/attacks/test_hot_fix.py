"""A fix of one of the game's own components, from the operators' push to the chart that is deployed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from game_app.build_limits import DEPLOY_DEADLINE_MINUTES
from game_app.services.pipeline_catalogue import load
from game_app.services.setup.gitea_setup import protection
from game_app.services.setup.setup_plan import GiteaPlan
from local_game.delivery_site import DeliverySite
from rehearsal.drone.recording import Taken
from tests.attacks.attacks import a_name, propose, runs_ours
from tests.attacks.steps import DIGEST, SECRET, Pod
from tests.support.waiting import LONGEST_WAIT

pytestmark = pytest.mark.timeout(900)
Fell = Callable[[str], None]
STEPS = ["clone", "credentials", "build", "scan", "sign", "deploy"]
IMAGE = "registry.example/game/portal"


def a_push(site: DeliverySite) -> Taken:
    """The build that one push of the operators' begins on the runner of deployments."""
    files = {"Dockerfile": "FROM scratch\n", "chart/Chart.yaml": "name: portal\n", "fix.txt": a_name()}
    commit = site.git.push_to("maintainer", "portal", "refs/heads/main", files)
    taken = site.builds.taken_for("portal", commit, trust="deploy", seconds=LONGEST_WAIT)
    assert taken is not None, (site.builds.of_commit("portal", commit), site.guard.log[-1000:])
    return taken


@pytest.fixture(scope="module")
def fix(site: DeliverySite) -> Taken:
    return a_push(site)


@pytest.fixture
def pod(site: DeliverySite, fix: Taken, tmp_path: Path) -> Pod:
    return Pod(site, fix, tmp_path / "pod", "refs/heads/main")


def test_one_push_begins_the_pipeline_that_the_guard_keeps_on_the_runner_of_deployments_alone(
    site: DeliverySite, fix: Taken
) -> None:
    kept = load(site.folder / "guard" / "pipelines").pipelines["game/portal", "push"]
    assert fix.pipeline.startswith(kept)
    assert fix.pipeline[len(kept) :].startswith("---\nkind: signature\n")
    assert (fix.names, fix.event) == (STEPS, "push")
    assert fix.commit not in {each.commit for each in site.runners["untrusted"].taken()}
    # What it needs beyond the source comes from the cluster, by its pod's own account.
    assert fix.secrets == {}
    assert fix.netrc.partition(":")[0] == "clone-bot"
    assert not fix.trusted


def test_it_is_built_scanned_signed_and_deployed_each_time_the_very_image_that_was_built(fix: Taken, pod: Pod) -> None:
    assert pod.run(fix) == STEPS
    *read, build, scan, signer, sign, pending, deploy = pod.calls
    assert len(read) == len({call for call in read if call.startswith("kubectl get secret delivery ")}) == 3
    assert f"name={IMAGE}:{fix.commit},push=true" in build
    assert f"{IMAGE}@{DIGEST}" in scan
    assert signer.startswith("buildctl ")
    assert sign.startswith("cosign sign ")
    assert f"{IMAGE}@{DIGEST}" in sign
    assert "--pending" in pending
    assert f"image.digest={DIGEST}" in deploy
    assert {"--install", "--atomic", "--timeout"} <= set(deploy.split())
    assert deploy.startswith("helm upgrade portal chart ")
    assert (pod.folder / "work" / "fix.txt").exists()


@pytest.mark.parametrize(
    ("broken", "succeeded"), [("kubectl", 1), ("buildctl", 2), ("trivy", 3), ("cosign", 4), ("helm", 5)]
)
def test_where_one_step_fails_none_comes_after_it(fix: Taken, pod: Pod, broken: str, succeeded: int) -> None:
    pod.breaks(broken)
    assert pod.run(fix) == STEPS[:succeeded]


def test_t24_no_secret_is_among_what_an_image_is_built_from(fix: Taken, pod: Pod, fell: Fell) -> None:
    assert pod.run(fix) == STEPS
    assert pod.sees("cosign", SECRET), "the one that signs has its key's password"
    assert not pod.sees("buildctl", SECRET)
    build = next(step for step in fix.steps if step["name"] == "build")
    careless = [
        each.replace("--output", '--opt "build-arg:P=$(cat /credentials/cosign.password)" --output')
        for each in build["commands"]
    ]
    assert pod.runs({**build, "commands": careless})
    assert pod.sees("buildctl", SECRET)
    fell("a password stood among the arguments of the build, for every Dockerfile")


def test_a_fix_that_comes_too_late_to_go_back_in_time_is_not_deployed(fix: Taken, pod: Pod) -> None:
    pod.has_run_for(60 * DEPLOY_DEADLINE_MINUTES + 1)
    assert pod.run(fix) == STEPS[:-1]
    assert not [call for call in pod.calls if call.startswith("helm")]


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:short", "latest"])
def test_an_image_without_a_digest_is_not_deployed(fix: Taken, pod: Pod, digest: str) -> None:
    pod.builds({"containerimage.digest": digest})
    assert pod.run(fix) == STEPS[:2]


def test_a_file_of_the_repository_cannot_pretend_to_be_what_was_built(site: DeliverySite, tmp_path: Path) -> None:
    bent = {"Dockerfile": "FROM scratch\n", ".digest": "sha256:" + "e" * 64, ".built.json/x": "x", "y": a_name()}
    commit = site.git.push_to("maintainer", "portal", "refs/heads/main", bent)
    taken = site.builds.taken_for("portal", commit, trust="deploy", seconds=LONGEST_WAIT)
    assert taken is not None
    pod = Pod(site, taken, tmp_path / "pod", "refs/heads/main")
    assert pod.run(taken) == STEPS
    assert f"image.digest={DIGEST}" in pod.calls[-1]


def test_t24_what_a_player_proposes_to_a_component_has_no_way_to_the_deployments_secrets(site: DeliverySite) -> None:
    taken = runs_ours(site, propose(site, repository="portal", player="linus"), "portal")
    assert "credentials" not in taken.pipeline
    assert taken.commit not in {each.commit for each in site.runners["deploy"].taken()}


def test_t32_no_player_pushes_to_a_component(site: DeliverySite, fell: Fell) -> None:
    operator, own = site.as_operator(), "/repos/game/portal/collaborators/ada"
    with pytest.raises(PermissionError):
        site.git.push_to("ada", "portal", "refs/heads/main", {a_name(): "x"})
    operator.ask("PUT", own, {"permission": "write"})
    rule = "/repos/game/portal/branch_protections/main"
    try:
        with pytest.raises(PermissionError, match="protected branch"):
            site.git.push_to("ada", "portal", "refs/heads/main", {a_name(): "x"})
        operator.ask("PATCH", rule, {"push_whitelist_usernames": ["ada", "maintainer"]})
        commit = site.git.push_to("ada", "portal", "refs/heads/main", {a_name(): "x"})
        assert site.builds.taken_for("portal", commit, trust="deploy", seconds=LONGEST_WAIT) is not None
        fell("the player deployed a component")
    finally:
        assert "All is as planned" in site.set_up()
    with pytest.raises(PermissionError):
        site.git.push_to("ada", "portal", "refs/heads/main", {a_name(): "x"})


def test_gitea_says_of_a_branchs_protection_what_the_set_up_wants_so_that_it_has_nothing_to_change(
    site: DeliverySite,
) -> None:
    plan = GiteaPlan.read(site.folder / "plan.json")
    for repository in plan.repositories:
        found = site.as_operator().get(f"/repos/game/{repository.name}/branch_protections/main")
        wanted = protection(plan, repository)
        assert {key: found[key] for key in wanted} == wanted


def test_t32_the_maintainer_pushes_to_no_teams_repository(site: DeliverySite) -> None:
    with pytest.raises(PermissionError):
        site.git.push_to("maintainer", "team-red", "refs/heads/main", {a_name(): "x"})
