"""GitHub in Gitea's place, as the program registers it. No test asks GitHub itself: what it makes of it is not seen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from cli.sheets.sheets_command import page, team_sheets
from game_app.services.pipeline_catalogue import CHECK, load
from game_app.services.setup.github_setup import GitHubSetup
from game_app.services.setup.secret_store import FolderStore
from game_app.services.setup.setup_faults import Faults, SetupError
from game_app.services.setup.setup_plan import Plan
from tests.support import programs
from tests.support.monitor import Graph, graph_of, run
from tests.support.policies import rules

REPOSITORIES = {"portal": ["linus", "ada", "grace"], "team-blue": ["linus"], "team-red": ["ada", "grace"]}
NETWORKS = {"140.82.112.0/20", "143.55.64.0/20", "185.199.108.0/22", "192.30.252.0/22"}
OWN = programs.github_organisation()


PROGRAMS = {"game-scm-program", "game-hunt-program"}
"""What holds the project's own files, which speak to either."""


def tells_of(graph: Graph, name: str, scm: str) -> bool:
    """Whether a resource has the name of a source control in it, but for that of a file."""
    text = json.dumps(dict(graph[name].inputs), default=str).lower()
    return scm in re.sub(rf"{scm}_(client|setup)\.py", "", text)


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(programs.game_app_at_github, preview)


def at_github(graph: Graph, kind: str) -> Mapping[str, Any]:
    """Each repository to the inputs of its resource of a kind, such as `repository:Repository`."""
    found = {
        resource.name.removeprefix("game-scm-").rpartition("-")[0]: resource.inputs
        for resource in graph.of_type(f"github:index/{kind}")
    }
    assert set(found) == set(REPOSITORIES)
    return found


def variables(graph: Graph) -> Mapping[str, Any]:
    """Those of Drone's server, with those of its Secret."""
    [container] = graph["game-delivery-drone-deployment"].inputs["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container["env"]} | graph["game-delivery-drone-secrets"].inputs[
        "stringData"
    ]


def egress(graph: Graph, name: str) -> list[Any]:
    """Whom a namespace's pods may talk to; the board's own API is not known in the preview of a new board."""
    lists: list[Any] = [rule["to"] for rule in rules(graph, name, "egress")]
    return [peer for known in lists if isinstance(known, list) for peer in cast("list[Any]", known)]


def reached(graph: Graph, name: str) -> set[str]:
    """The networks that a namespace's pods may talk to."""
    return {peer["ipBlock"]["cidr"] for peer in egress(graph, name) if "ipBlock" in peer}


def test_nothing_of_gitea_is_raised(graph: Graph) -> None:
    assert not [name for name, each in graph.resources.items() if "gitea" in f"{name} {each.type}".lower()]
    assert {name for name in graph.resources if tells_of(graph, name, "gitea")} <= PROGRAMS
    assert "game-scm-ingress" not in graph.resources


def test_nothing_of_github_is_registered_where_gitea_is_the_source_control(preview: bool) -> None:
    graph = graph_of(programs.game_app_with_delivery, preview)
    assert not [each.name for each in graph.resources.values() if "github" in each.type.lower()]
    assert {name for name in graph.resources if tells_of(graph, name, "github")} <= PROGRAMS


def test_githubs_package_is_imported_only_where_it_is_needed() -> None:
    asked = "import sys, game_app, common.settings, observability, board; print('pulumi_github' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_provider_is_the_organisations_and_its_token_a_secret(graph: Graph) -> None:
    provider = graph["game-scm-provider"]
    assert provider.type == "pulumi:providers:github"
    assert provider.inputs["owner"] == "hunters"
    assert provider.inputs["baseUrl"] == "https://api.github.com/"
    assert provider.inputs["token"] == OWN.token.value
    assert "token" in provider.secrets
    for resource in graph.resources.values():
        if resource.package == "github":
            assert resource.provider == "game-scm-provider", resource.name


def test_the_api_of_a_companys_own_github_is_found_and_its_pages(preview: bool) -> None:
    own = OWN.model_copy(update={"api_url": "https://code.example.org/api/v3", "cidrs": ("192.0.2.0/24",)})
    graph = run(lambda: programs.game_app_with_delivery(github=own), preview=preview)
    assert graph["game-scm-provider"].inputs["baseUrl"] == "https://code.example.org/"
    assert variables(graph)["DRONE_GITHUB_SERVER"] == "https://code.example.org"
    assert variables(graph)["DRONE_GITHUB_API_SERVER"] == "https://code.example.org/api/v3"
    assert {"ipBlock": {"cidr": "192.0.2.0/24"}} in egress(graph, "game-delivery-ci-team-red")
    resident = OWN.model_copy(update={"api_url": "https://api.octo.ghe.com", "cidrs": ("192.0.2.0/24",)})
    assert resident.web_url == "https://octo.ghe.com"


def test_each_repository_is_private_and_runs_no_actions(graph: Graph) -> None:
    for name, inputs in at_github(graph, "repository:Repository").items():
        assert inputs["name"] == name
        assert inputs["visibility"] == "private"
        assert inputs["autoInit"] is True
        assert inputs["allowForking"] is True
        assert inputs["hasWiki"] is inputs["hasProjects"] is inputs["allowAutoMerge"] is False
    for inputs in at_github(graph, "actionsRepositoryPermissions:ActionsRepositoryPermissions").values():
        assert inputs["enabled"] is False


def test_t32_players_read_their_own_repository_and_the_components_and_nobody_else_does(graph: Graph) -> None:
    for name, inputs in at_github(graph, "repositoryCollaborators:RepositoryCollaborators").items():
        assert inputs["repository"] == name
        assert [each["username"] for each in inputs["users"]] == REPOSITORIES[name]
        assert {each["permission"] for each in inputs["users"]} == {"pull"}
        assert not inputs.get("teams")


def test_t23_the_main_branch_takes_only_pull_requests_that_are_green_and_up_to_date_from_one_account(
    graph: Graph,
) -> None:
    for name, inputs in at_github(graph, "branchProtection:BranchProtection").items():
        assert (inputs["repositoryId"], inputs["pattern"]) == (name, "main")
        assert inputs["requiredStatusChecks"] == [{"strict": True, "contexts": [CHECK]}]
        assert inputs["requiredPullRequestReviews"] == [{"requiredApprovingReviewCount": 0}]
        assert inputs["restrictPushes"] == [{"blocksCreations": True, "pushAllowances": ["/hunt-operators"]}]
        assert inputs["allowsForcePushes"] is inputs["allowsDeletions"] is False
        # A component's fix may be pushed by the operators, and by nobody to a team's repository.
        assert inputs["enforceAdmins"] is (name != "portal")


def test_the_branch_is_there_before_it_is_held_and_the_set_up_begins_when_all_is(graph: Graph, preview: bool) -> None:
    for name in REPOSITORIES:
        assert "game-scm-" + name + "-main" in graph[f"game-scm-{name}-protection"].depends_on
        assert f"game-scm-{name}-repository" in graph[f"game-scm-{name}-main"].depends_on
        assert f"game-scm-{name}-protection" in graph["game-scm-plan"].depends_on
        assert f"game-scm-{name}-readers" in graph["game-scm-plan"].depends_on
    assert preview or json.loads(graph["game-scm-plan"].inputs["stringData"]["plan.json"])


def test_drone_builds_from_github_as_the_operators_account(graph: Graph) -> None:
    told = variables(graph)
    assert told["DRONE_GITHUB_SERVER"] == "https://github.com"
    assert told["DRONE_GITHUB_CLIENT_ID"] == OWN.client_id
    assert told["DRONE_GITHUB_CLIENT_SECRET"] == OWN.client_secret.value
    assert told["DRONE_GIT_USERNAME"] == "hunt-operators"
    assert told["DRONE_GIT_PASSWORD"] == OWN.reader_token.value
    assert told["DRONE_REPOSITORY_FILTER"] == "hunters"
    assert told["DRONE_USER_FILTER"] == "hunt-operators,hunters"
    assert told["DRONE_USER_CREATE"].startswith("username:hunt-operators,machine:false,admin:true,token:")
    secrets = graph["game-delivery-drone-secrets"]
    assert "stringData" in secrets.secrets or {f"stringData.{key}" for key in secrets.inputs["stringData"]} <= set(
        secrets.secrets
    )


def test_t31_webhooks_come_in_from_outside_and_nothing_else_that_was_closed(graph: Graph) -> None:
    assert not [key for key in variables(graph) if key.startswith("DRONE_SERVER_PROXY")]
    [rule] = graph["game-delivery-drone-ingress"].inputs["spec"]["rules"]
    closed = {path["path"] for path in rule["http"]["paths"] if path["backend"]["service"]["name"] == "blackhole"}
    whole = {"/rpc", "/metrics", "/varz", "/debug", "/api/badges", "/healthz", "/version"}
    assert closed == whole | {f"{path}/" for path in whole} | {"/api/stream", "/api/stream/"}


def test_t06_the_guard_knows_the_organisations_repositories_and_no_others(graph: Graph, tmp_path: Path) -> None:
    for name, text in graph["game-delivery-guard-pipelines"].inputs["data"].items():
        (tmp_path / name).write_text(text)
    assert {slug for slug, _ in load(tmp_path).pipelines} == {f"hunters/{name}" for name in REPOSITORIES}
    for trust in ("untrusted", "deploy"):
        policies = graph[f"game-delivery-runner-{trust}-policies"].inputs["data"]["policies.yaml"]
        assert '"hunters/team-red"' in policies
        assert '"game/' not in policies
        [runner] = graph[f"game-delivery-runner-{trust}-deployment"].inputs["spec"]["template"]["spec"]["containers"]
        assert {"name": "DRONE_LIMIT_REPOS", "value": "hunters/*"} in runner["env"]


@pytest.mark.parametrize("build_namespace", ["ci-team-red", "ci-portal", "cd-team-red"])
def test_t25_a_build_reaches_names_and_github_and_no_other_address(graph: Graph, build_namespace: str) -> None:
    assert reached(graph, f"game-delivery-{build_namespace}") - {*programs.API_ADDRESSES} == NETWORKS
    pods = [peer for peer in egress(graph, f"game-delivery-{build_namespace}") if "ipBlock" not in peer]
    labels = [peer["namespaceSelector"]["matchLabels"] for peer in pods]
    assert {label["kubernetes.io/metadata.name"] for label in labels} == {"kube-system"}


def test_drone_and_the_hunt_reach_github_and_the_set_up_does_not(graph: Graph, preview: bool) -> None:
    for name in ("game-delivery", "game-hunt"):
        assert reached(graph, name) >= NETWORKS, name
    assert reached(graph, "game-scm") == set(() if preview else programs.API_ADDRESSES)


def test_the_hunt_looks_with_one_token_and_merges_with_another(graph: Graph) -> None:
    [container] = graph["game-hunt-deployment"].inputs["spec"]["template"]["spec"]["containers"]
    assert "--github=https://api.github.com" in container["args"]
    held = graph["game-hunt-secrets"]
    assert held.inputs["stringData"]["reader"] == OWN.reader_token.value
    assert held.inputs["stringData"]["merger"] == OWN.merge_token.value
    assert "stringData" in held.secrets


def test_the_set_up_is_handed_a_plan_that_it_reads_and_no_token_of_github(tmp_path: Path) -> None:
    made = graph_of(programs.game_app_at_github, False)
    held = made["game-scm-plan"]
    assert "stringData" in held.secrets
    text = held.inputs["stringData"]["plan.json"]
    (tmp_path / "plan.json").write_text(text)
    plan = Plan.read(tmp_path / "plan.json")
    assert (plan.organisation, plan.builder) == ("hunters", "hunt-operators")
    assert [each.name for each in plan.repositories] == list(REPOSITORIES)
    assert programs.SECRET not in text
    [container] = made["game-scm-deployment"].inputs["spec"]["template"]["spec"]["containers"]
    assert "--scm=github" in container["command"]
    assert [each for each in container["command"] if each.startswith("--secret=")] == [
        "--secret=signatures=guard/signatures"
    ]


def test_until_the_account_has_logged_in_at_drone_the_set_up_says_who_has_to_and_where(tmp_path: Path) -> None:
    made = graph_of(programs.game_app_at_github, False)
    (tmp_path / "plan.json").write_text(made["game-scm-plan"].inputs["stringData"]["plan.json"])
    scm = GitHubSetup(Plan.read(tmp_path / "plan.json"))
    scm.set_up(FolderStore(tmp_path), 1, Faults())
    with pytest.raises(SetupError, match=r"log in at http://drone\.hunt\.example\.org/login as hunt-operators once"):
        scm.log_drone_in()


def test_sheets_say_that_players_come_with_their_own_passwords() -> None:
    account = {"accounts": {"ada": ""}, "code": "c", "page": "p", "git": "https://github.com/", "token": "t"}
    team = {**account, "repository": "hunters/team-red", "namespace": "team-red"}
    [sheet] = team_sheets({"teams": {"red": team}})
    assert sheet.repository == "https://github.com/hunters/team-red"
    assert "your own, once you have accepted its invitation" in page([sheet])


def test_no_token_is_registered_in_the_clear(graph: Graph) -> None:
    for resource in graph.resources.values():
        for key, value in resource.inputs.items():
            marked = any(secret == key or secret.startswith((f"{key}.", f"{key}[")) for secret in resource.secrets)
            assert marked or programs.SECRET not in repr(value), f"{resource.name}.{key}"


def test_adding_a_team_touches_nothing_of_the_others_at_github(preview: bool) -> None:
    before, after = (
        run(lambda teams=teams: programs.game_app_with_delivery(teams, github=OWN), preview=preview)
        for teams in ({"red": ["ada"]}, {"green": ["ken"], "red": ["ada"]})
    )
    for name, old in before.resources.items():
        if old.package == "github" and "team-red" in name:
            assert after[name].inputs == old.inputs, name
    # Every player reads the components.
    assert len(after["game-scm-portal-readers"].inputs["users"]) == 2
