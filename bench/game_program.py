"""The game of an environment with a number of teams, under a mock engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import Provider

from common import settings
from common.keys import dns_key, key_pair, password
from common.kubernetes_api import ApiServer
from game_app import GameApp, GameAppArgs, load_course
from local_game.rendering import API, image_registry

IDENTITY = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class BoardOutputs:
    """Outputs of a board that the game reads."""

    api: ApiServer = API
    ingress_class: pulumi.Output[str] = field(default_factory=lambda: pulumi.Output.from_input("nginx"))
    ingress_ip: pulumi.Output[str] = field(default_factory=lambda: pulumi.Output.from_input("192.0.2.20"))
    dns_ip: pulumi.Output[str] = field(default_factory=lambda: pulumi.Output.from_input("10.32.0.10"))
    cluster_issuer: pulumi.Output[str] | None = None


def environment(teams: Mapping[str, Sequence[str]]) -> settings.Settings:
    """Settings of an environment with source control, delivery and these teams."""
    operator, host = key_pair(), key_pair()
    given: Mapping[str, object] = {
        "environment": "dev",
        "domain": "example.org",
        "subdomain": "hunt",
        "scaleway": {
            "region": "fr-par",
            "zone": "fr-par-1",
            "projectId": IDENTITY,
            "organizationId": IDENTITY,
            "accessKey": "SCWABCDEFGHJKLMNPQRS",
            "secretKey": IDENTITY,
        },
        "operators": {
            "cidrs": ["198.51.100.7/32"],
            "sshPublicKey": operator.public,
            "sshPrivateKey": operator.private,
        },
        "gamemaster": {
            "hostKey": {"public": host.public, "private": host.private},
            "dnsUpdateKey": dns_key(),
            "type": "PLAY2-MICRO",
            "subnet": "10.20.0.0/24",
        },
        "boards": {
            "blue": {
                "kubernetesVersion": "1.36",
                "subnet": "10.20.4.0/22",
                "pools": {"main": {"nodeType": "PRO2-XS", "size": 3}},
                "apiCidrs": ["198.51.100.7/32"],
                "autoUpgrade": {"day": "tuesday", "startHour": 3},
            }
        },
        "activeBoard": "blue",
        "rancher": {"bootstrapPassword": password(), "adminPassword": password()},
        "observability": {"grafanaAdminPassword": password(), "lokiPassword": password()},
        "delivery": {
            "masterKey": dns_key(),
            "signingKey": "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
            "signingPassword": password(),
        },
        # As teams.file gives them once it is read: a list holds 200 at most.
        "teams": {"file": tuple(settings.Team(name=name, players=tuple(players)) for name, players in teams.items())},
    }
    return settings.parse(given, "dev")


def game(teams: Mapping[str, Sequence[str]]) -> GameApp:
    """The game on a board."""
    return GameApp(
        "game",
        GameAppArgs(
            settings=environment(teams),
            course=load_course("game_app/hunt/example"),
            registry=image_registry("{}"),
            board=BoardOutputs(),
        ),
        opts=pulumi.ResourceOptions(providers=[Provider("board")]),
    )
