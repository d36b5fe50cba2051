"""Delivery and Gitea of the site, as the program configures them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes import Provider

from common import settings
from common.keys import password
from common.settings import Secret
from common.versions import Images
from game_app.delivery.continuous_deployment import Delivery, DeliveryArgs
from game_app.guard.pipelines import pipeline_files
from game_app.ingress import Endpoint
from game_app.scm.gitea.gitea_accounts import gitea_source_control
from game_app.source_control import SourceControl
from local_game.rendering import API, image_registry

GITEA_ENDPOINT, DRONE_ENDPOINT = (
    Endpoint(host=f"{name}.hunt.example.org", ingress_class="nginx", cluster_issuer="acme") for name in ("git", "drone")
)


def delivery_settings(master_key: str) -> settings.Delivery:
    """Delivery section of an environment; the keys sign nothing."""
    key, secret = Secret("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"), Secret(password())
    return settings.Delivery(master_key=Secret(master_key), signing_key=key, signing_password=secret)


def gitea(master_key: str, players: Mapping[str, Sequence[str]]) -> SourceControl:
    """Gitea as the rest of the game knows it. players: of each team's repository."""
    accounts = [player for names in players.values() for player in names]
    return gitea_source_control(delivery_settings(master_key), GITEA_ENDPOINT, accounts)


def delivery(master_key: str, players: Mapping[str, Sequence[str]]) -> Delivery:
    """Continuous deployment of the teams' repositories and of the component portal."""
    source_control = gitea(master_key, players)
    images_registry = image_registry("{}")
    return Delivery(
        "delivery",
        DeliveryArgs(
            settings=delivery_settings(master_key),
            images=Images(),
            endpoint=DRONE_ENDPOINT,
            source_control=source_control,
            pipelines=pipeline_files(
                organisation=source_control.organisation,
                components=["portal"],
                teams=list(players),
                source=source_control.builds_url,
                registry=images_registry.folder,
                images=Images(),
            ),
            component_namespace="game",
            teams={team: team for team in players},
            registry=images_registry,
            api=API,
        ),
        opts=pulumi.ResourceOptions(providers=[Provider("board")]),
    )
