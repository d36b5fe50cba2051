"""The container registry of the components' images, as the program registers it."""

from __future__ import annotations

import base64
import json
from functools import partial

import pulumi
import pytest
from pulumi.runtime import rpc
from pulumiverse_scaleway import Provider

from common import settings
from common.naming import project_wide
from common.permissions import PERMISSION_SETS, Feature, Scope, features
from game_app.delivery.image_registry import docker_config, image_registry
from tests.support import example, programs
from tests.support.example import MISSING
from tests.support.monitor import Graph, graph_of, run
from tests.support.programs import PROJECT_ID
from tests.unit import test_program

OWN = {"delivery.registry": MISSING, "delivery.registryConfig": MISSING}
"""What an environment leaves out that brings no registry."""
LOGIN = docker_config("rg.fr-par.scw.cloud/anything", programs.SECRET)


def parsed(changes: dict[str, object]) -> settings.Settings:
    return settings.parse(example.spoiled(changes), "dev")


def program(changes: dict[str, object]) -> None:
    images = image_registry("registry", parsed(changes), pulumi.ResourceOptions(providers=[Provider("scaleway")]))
    pulumi.ComponentResource("shambhala:tests:Seen", "seen").register_outputs(
        {"folder": images.folder, "config": images.config} if images else {}
    )


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(programs.registry_of_its_own, preview)


def test_the_namespace_is_private_and_in_the_environments_own_place(graph: Graph) -> None:
    inputs = graph["registry-namespace"].inputs
    assert inputs["isPublic"] is False
    assert (inputs["region"], inputs["projectId"]) == ("fr-par", PROJECT_ID)


def test_no_two_environments_or_projects_or_customers_have_a_name_in_common(preview: bool) -> None:
    def names(environment: str, project: str) -> set[str]:
        graph = run(partial(programs.registry_of_its_own, environment, project), preview=preview)
        return {graph[f"registry-{part}"].inputs["name"] for part in ("namespace", "application", "policy")}

    longest = names("production", PROJECT_ID)
    assert all(len(name) <= 64 for name in longest), "IAM takes no longer ones"
    assert not longest & names("dev", PROJECT_ID)
    assert not longest & names("production", "77777777-6d0a-4b62-9a50-3a1f0c3f0a11")


def test_leftovers_are_found_by_the_programs_tags_where_there_are_tags_and_else_by_the_description(
    graph: Graph,
) -> None:
    marks = ["shambhala", "environment=dev", "part=registry", f"project={PROJECT_ID}"]
    assert graph["registry-application"].inputs["tags"] == graph["registry-policy"].inputs["tags"] == marks
    for name in ("registry-namespace", "registry-key"):
        assert graph[name].inputs["description"].split() == marks
        assert len(graph[name].inputs["description"]) <= 200, "an API key takes no longer one"


def test_the_application_may_use_this_projects_registry_and_nothing_else(graph: Graph, preview: bool) -> None:
    policy = graph["registry-policy"].inputs
    assert policy["rules"] == [{"permissionSetNames": ["ContainerRegistryFullAccess"], "projectIds": [PROJECT_ID]}]
    assert graph["registry-policy"].depends_on >= {"registry-application"}
    if not preview:
        assert policy["applicationId"] == graph["registry-key"].inputs["applicationId"]
        organization = "6f1c3d2e-6d0a-4b62-9a50-3a1f0c3f0a12"
        assert policy["organizationId"] == graph["registry-application"].inputs["organizationId"] == organization


def test_the_key_ends_only_where_the_settings_say_when(preview: bool) -> None:
    assert "expiresAt" not in graph_of(programs.registry_of_its_own, preview)["registry-key"].inputs
    moment = "2027-01-31T18:00:00Z"
    graph = run(partial(program, {**OWN, "delivery.registryKeyExpiresAt": moment}), preview=preview)
    assert graph["registry-key"].inputs["expiresAt"] == moment
    assert graph["registry-key"].inputs["defaultProjectId"] == graph["registry-namespace"].inputs["projectId"]


def test_the_login_is_that_of_the_registrys_host_with_the_secret_key() -> None:
    [(host, login)] = json.loads(LOGIN)["auths"].items()
    assert host == "rg.fr-par.scw.cloud"
    assert base64.b64decode(login["auth"]).decode() == f"nologin:{programs.SECRET}"


def test_the_folder_is_known_before_the_namespace_is_made(preview: bool) -> None:
    found: list[str] = []

    def look() -> None:
        made = programs.registry_of_its_own()
        found.append(made.images.folder)

    run(look, preview=preview)
    assert found == [f"rg.fr-par.scw.cloud/{project_wide('dev', PROJECT_ID)}"]


def test_the_login_is_a_secret_from_the_key_to_the_builds_that_push(preview: bool) -> None:
    """Neither the key nor what is made of it stands in the clear in any input or output."""
    hidden = (programs.SECRET, json.loads(LOGIN)["auths"]["rg.fr-par.scw.cloud"]["auth"])

    def everything() -> None:
        images = programs.registry_of_its_own().images
        programs.game_app_with_delivery(images_registry=images)

    graph = run(everything, preview=preview)
    for name, holder, key in (
        ("game-namespace-registry", "game", ".dockerconfigjson"),
        ("game-delivery-portal-credentials", "cd-portal", "config.json"),
    ):
        held = graph[name]
        assert held.inputs["metadata"]["namespace"] == holder or preview
        assert {"stringData", f"stringData.{key}"} & held.secrets
        if not preview:
            assert held.inputs["stringData"][key] == LOGIN
    for resource in graph.resources.values():
        for key, value in resource.inputs.items():
            if not any(secret == key or secret.startswith((f"{key}.", f"{key}[")) for secret in resource.secrets):
                assert not any(secret in repr(value) for secret in hidden), f"{resource.name}.{key}"
    assert rpc.is_rpc_secret(graph.values["registry"]["config"])


def test_an_environment_that_brings_a_registry_gets_none_made(preview: bool) -> None:
    graph = run(partial(program, {}), preview=preview)
    assert not [each for each in graph.resources.values() if each.package == "scaleway"]
    assert graph.values["seen"]["folder"] == "registry.example.org/game"
    config = graph.values["seen"]["config"]
    assert rpc.is_rpc_secret(config)
    assert rpc.unwrap_rpc_secret(config) == example.REGISTRY_CONFIG


def test_without_delivery_there_is_no_registry(preview: bool) -> None:
    graph = run(partial(program, {"delivery": MISSING, "teams": MISSING}), preview=preview)
    assert not [each for each in graph.resources.values() if each.package == "scaleway"]


def test_the_registry_is_no_part_of_a_board_and_stays_when_boards_are_swapped(graph: Graph) -> None:
    for resource in graph.resources.values():
        if resource.package == "scaleway":
            assert resource.deleted_with == "", resource.name
            assert "board" not in resource.parent


def test_the_boards_nodes_pull_the_components_images_by_the_login(preview: bool) -> None:
    graph = graph_of(programs.game_app_with_delivery, preview)
    held = graph["game-namespace-registry"].inputs
    assert held["type"] == "kubernetes.io/dockerconfigjson"
    account = graph["game-namespace-no-default-token"].inputs
    assert (account["metadata"]["name"], account["automountServiceAccountToken"]) == ("default", False)
    assert account["imagePullSecrets"] == [{"name": held["metadata"]["name"]}]
    others = [
        each.name
        for each in graph.of_type("kubernetes:core/v1:ServiceAccountPatch")
        if each.inputs.get("imagePullSecrets")
    ]
    assert others == ["game-namespace-no-default-token"]


def test_a_game_without_delivery_pulls_nothing_of_its_own(preview: bool) -> None:
    graph = graph_of(programs.game_app, preview)
    assert "game-namespace-registry" not in graph.resources
    assert not graph["game-namespace-no-default-token"].inputs.get("imagePullSecrets")


def test_what_the_operators_key_must_be_allowed_follows_the_settings() -> None:
    own, brought = set(features(parsed(dict(OWN)))), set(features(parsed({})))
    assert own - brought == {Feature.REGISTRY}
    assert brought == {Feature.GAME_MASTER, Feature.BOARDS, Feature.DELEGATION, Feature.PUBLIC_GATEWAY}
    outside = parsed({"parentZone": "external", "boards.blue.pools.main.publicIp": True})
    assert set(features(outside)) == {Feature.GAME_MASTER, Feature.BOARDS}
    assert set(PERMISSION_SETS) == set(Feature)
    wide = {each.name for each in PERMISSION_SETS[Feature.REGISTRY] if each.scope is Scope.ORGANIZATION}
    assert wide == {"IAMApplicationManager", "IAMPolicyManager"}, "no IAMManager, which may remove people"


def test_the_program_makes_it_beside_the_boards(preview: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        "masterKey": example.MASTER_KEY,
        "signingKey": example.SIGNING_KEY,
        "signingPassword": example.SIGNING_PASSWORD,
    }
    monkeypatch.setattr(test_program, "SECRETS", (*test_program.SECRETS, "delivery"))
    test_program.configured(delivery=keys)
    graph = run(test_program.program, preview=preview)
    assert graph["registry"].parent == "shambhala-dev"
    assert graph["registry-namespace"].provider == "scaleway"
    pipeline = graph["game-delivery-guard-pipelines"].inputs["data"]["component.push.yaml"]
    assert f"name=rg.fr-par.scw.cloud/{graph['registry-namespace'].inputs['name']}/@name@" in pipeline
