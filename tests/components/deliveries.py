"""Continuous deployment under the mock engine, for several files of tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import Provider

from common.keys import dns_key
from common.settings import Secret
from common.versions import Images
from game_app.delivery.continuous_deployment import Delivery, DeliveryArgs
from game_app.delivery.runner_policies import TRUSTS
from game_app.guard.pipelines import pipeline_files
from game_app.ingress import Endpoint
from game_app.scm.gitea.gitea_accounts import gitea_source_control
from tests.support.monitor import Graph, Registered
from tests.support.programs import API, delivery_settings, registry

MASTER = dns_key()
PASSWORD = "registry's password"
GIT, DRONE = (
    Endpoint(host=f"{name}.hunt.example.org", ingress_class="nginx", cluster_issuer="acme") for name in ("git", "drone")
)
TEAMS = ("team-blue", "team-red")


def delivery(*teams: str) -> None:
    own = delivery_settings(master_key=Secret(MASTER), signing_key=Secret(PASSWORD), signing_password=Secret(PASSWORD))
    source_control = gitea_source_control(own, GIT, players=())
    Delivery(
        "delivery",
        DeliveryArgs(
            settings=own,
            images=Images(),
            endpoint=DRONE,
            source_control=source_control,
            pipelines=pipeline_files(
                organisation=source_control.organisation,
                components=own.components,
                teams=teams or TEAMS,
                source=source_control.builds_url,
                registry="registry.example/game",
                images=Images(),
            ),
            component_namespace="game",
            teams={team: team for team in teams or TEAMS},
            registry=registry(PASSWORD),
            api=API,
        ),
        opts=pulumi.ResourceOptions(providers=[Provider("board")]),
    )


def container(graph: Graph, name: str) -> dict[str, Any]:
    return graph[name].inputs["spec"]["template"]["spec"]["containers"][0]


def environment(graph: Graph, name: str) -> Mapping[str, Any]:
    """The variables of a Deployment's container, those of its Secret among them."""
    given = container(graph, name)
    plain = {entry["name"]: entry.get("value") for entry in given["env"]}
    for source in given["envFrom"]:
        secret = next(
            resource
            for resource in graph.of_type("kubernetes:core/v1:Secret")
            if resource.inputs["metadata"]["name"] == source["secretRef"]["name"]
        )
        plain |= secret.inputs["stringData"] or {}
    return plain


def within(graph: Graph, kind: str, namespace: str) -> list[Registered]:
    return [
        resource
        for resource in graph.resources.values()
        if resource.type.endswith(f":{kind}") and resource.inputs["metadata"].get("namespace") == namespace
    ]


BUILD_NAMESPACES = [f"{trust.prefix}{repository}" for trust in TRUSTS for repository in ("portal", *TEAMS)]


def peers(graph: Graph, namespace: str) -> list[Mapping[str, Any]]:
    specs = [policy.inputs["spec"] for policy in within(graph, "NetworkPolicy", namespace)]
    return [peer for spec in specs for rule in spec["egress"] for peer in rule["to"]]


def written(resource: Registered) -> str:
    """A resource's inputs as text, in which one unknown value is as good as another."""
    return re.sub(r"Unknown object at \w+", "Unknown", repr(resource.inputs))
