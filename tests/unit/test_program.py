"""The whole program, as a person who types `pulumi up` runs it."""

from __future__ import annotations

import copy
import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import set_all_config

from common import keys
from tests.support.monitor import Graph, graph_of

ROOT = Path(__file__).parents[2]
OPERATOR, HOST = keys.key_pair(), keys.key_pair()
SETTINGS: Mapping[str, Any] = {
    "environment": "dev",
    "domain": "example.org",
    "parentZone": "scaleway",
    "scaleway": {
        "region": "fr-par",
        "zone": "fr-par-1",
        "projectId": "6f1c3d2e-6d0a-4b62-9a50-3a1f0c3f0a11",
        "accessKey": "SCWABCDEFGHJKLMNPQRS",
        "secretKey": "0f8d3a52-11a7-4d5e-8f4e-5a3c1b2d9e77",
    },
    "operators": {
        "cidrs": ["198.51.100.0/24"],
        "sshPublicKey": OPERATOR.public,
        "sshPrivateKey": OPERATOR.private,
    },
    "gamemaster": {
        "type": "PLAY2-MICRO",
        "subnet": "10.20.0.0/24",
        "hostKey": {"public": HOST.public, "private": HOST.private},
        "dnsUpdateKey": keys.dns_key(),
    },
    "boards": {
        name: {
            "kubernetesVersion": "1.36",
            "subnet": subnet,
            "pools": {"main": {"nodeType": "PRO2-XXS", "size": 2}},
            "apiCidrs": ["198.51.100.0/24"],
            "autoUpgrade": {"day": "tuesday", "startHour": 3},
        }
        for name, subnet in {"blue": "10.21.0.0/22", "green": "10.22.0.0/22"}.items()
    },
    "activeBoard": "blue",
    "observability": {"grafanaAdminPassword": keys.password(), "lokiPassword": keys.password()},
}
SECRETS = ("scaleway", "operators", "gamemaster", "observability", "rancher")


def configured(**changes: Any) -> None:
    values = {**copy.deepcopy(dict(SETTINGS)), **changes}
    set_all_config(
        {f"shambhala:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()},
        [f"shambhala:{key}" for key in SECRETS],
    )


def program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


@pytest.fixture
def graph(preview: bool) -> Graph:
    configured()
    return graph_of(program, preview)


def test_every_board_stands_beside_the_game_master_and_only_one_is_active(graph: Graph) -> None:
    tops = {component.name for component in graph.components if component.parent == "shambhala-dev"}
    assert tops == {"gamemaster", "board-blue", "board-green", "dns-records", "observability", "game"}
    assert graph["game-namespace-object"].provider == "board-blue-kapsule-provider"
    assert graph["observability-namespace-object"].provider == "board-blue-kapsule-provider"


def test_the_game_master_depends_on_no_board(graph: Graph) -> None:
    for resource in graph.resources.values():
        if resource.name.startswith("gamemaster"):
            assert not any(other.startswith("board-") for other in resource.depends_on), resource.name


def test_every_board_has_a_wildcard_and_the_games_names_lead_to_the_active_one(graph: Graph) -> None:
    records = {resource.name for resource in graph.resources.values() if resource.name.startswith("dns-records-")}
    assert {
        "dns-records-wildcard-blue",
        "dns-records-wildcard-green",
        "dns-records-play",
        "dns-records-grafana",
    } <= records
    assert "board-blue-ingress-ip" in graph["dns-records-play-nsupdate"].depends_on
    assert "board-green-ingress-ip" not in graph["dns-records-play-nsupdate"].depends_on


def test_a_name_leads_to_a_board_once_what_it_names_is_served_there_with_a_signed_certificate(graph: Graph) -> None:
    # F5's controller ends every handshake for a name whose certificate is not there.
    for name, served in {
        "wildcard-blue": {"board-blue-ingress-controller", "board-blue-ingress-wildcard"},
        "play": {"game-hunt-ingress", "game-hunt-certificate"},
        "grafana": {"observability-grafana-release", "observability-grafana-certificate"},
    }.items():
        assert served <= graph[f"dns-records-{name}-nsupdate"].depends_on
    # What proves them leads there before.
    proof = graph["dns-records-acme-challenge-play-nsupdate"].depends_on
    assert not any(each.startswith(("game-", "observability")) for each in proof)


def test_no_secret_of_the_settings_reaches_the_engine_in_the_clear(graph: Graph) -> None:
    hidden = [
        OPERATOR.private,
        HOST.private,
        SETTINGS["gamemaster"]["dnsUpdateKey"],
        SETTINGS["observability"]["grafanaAdminPassword"],
        SETTINGS["observability"]["lokiPassword"],
        SETTINGS["scaleway"]["secretKey"],
    ]
    for resource in graph.resources.values():
        for key, value in resource.inputs.items():
            if not any(secret == key or secret.startswith(f"{key}.") for secret in resource.secrets):
                assert not any(secret in repr(value) for secret in hidden), f"{resource.name}.{key}"
