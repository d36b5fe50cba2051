"""GitHub as the rest of the game sees it."""

from __future__ import annotations

from typing import Final

import pulumi

from common.github import GitHub as Organisation
from common.network_policies import NetworkRule, network, ports
from game_app.scm.setting_up import ACCOUNT
from game_app.scm.source import Source

NAMESPACE: Final = "scm"
"""Where the set-up runs."""


def source(own: Organisation) -> Source:
    """What Drone, builds, the hunt and the sheets are told of it."""
    return Source(
        speaks="github",
        organisation=own.organization,
        players_url=f"{own.web_url}/",
        pods_url=own.api_url,
        builds_url=own.web_url,
        egress=NetworkRule(
            name="allow-github", egress=[{"to": [network(cidr) for cidr in own.cidrs], "ports": ports(443)}]
        ),
        webhooks=None,
        setup=(NAMESPACE, ACCOUNT),
        drone={"DRONE_GITHUB_SERVER": own.web_url, "DRONE_GITHUB_API_SERVER": own.api_url},
        drone_secrets={
            "DRONE_GITHUB_CLIENT_ID": own.client_id,
            "DRONE_GITHUB_CLIENT_SECRET": own.client_secret.output,
        },
        drone_awaits={},
        builder=own.account,
        cloner=own.account,
        cloner_password=own.reader_token.output,
        reader=own.reader_token.output,
        merger=own.merge_token.output,
        maintainer_password=pulumi.Output.secret(""),
        passwords={},
    )
