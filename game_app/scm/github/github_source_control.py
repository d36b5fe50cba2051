"""Addresses and accounts of an organisation at GitHub, for the rest of the game."""

from __future__ import annotations

import pulumi

from common.network_policies import NetworkRule, network, ports
from common.settings import GitHub as GitHubSettings
from game_app.source_control import SourceControl


def github_source_control(settings: GitHubSettings) -> SourceControl:
    """The organisation as the rest of the game knows it."""
    return SourceControl(
        api="github",
        organisation=settings.organization,
        players_url=f"{settings.web_url}/",
        pods_url=settings.api_url,
        builds_url=settings.web_url,
        egress=NetworkRule(
            name="allow-github", egress=[{"to": [network(cidr) for cidr in settings.cidrs], "ports": ports(443)}]
        ),
        webhook_ingress=None,
        drone_environment={"DRONE_GITHUB_SERVER": settings.web_url, "DRONE_GITHUB_API_SERVER": settings.api_url},
        drone_secrets={
            "DRONE_GITHUB_CLIENT_ID": settings.client_id,
            "DRONE_GITHUB_CLIENT_SECRET": settings.client_secret.output,
        },
        drone_oauth_keys={},
        builder=settings.account,
        cloner=settings.account,
        cloner_password=settings.reader_token.output,
        reader_login=settings.reader_token.output,
        merger_login=settings.merge_token.output,
        maintainer_password=pulumi.Output.secret(""),
        player_passwords={},
    )
