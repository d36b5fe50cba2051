"""Accounts, keys and addresses of Gitea, derived from the master key, and the plan of its set-up."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pulumi

from common.keys import derived
from common.network_policies import allow_egress, allow_ingress
from common.settings import Delivery
from game_app.build_limits import COMPONENT_BUILD_TIMEOUT_MINUTES, TEAM_BUILD_TIMEOUT_MINUTES
from game_app.cluster_addresses import DRONE, GITEA
from game_app.guard.pipelines import BRANCH
from game_app.ingress import Endpoint
from game_app.master_key import given
from game_app.source_control import SourceControl

ORGANISATION: Final = "game"
"""Owner of every repository that is built."""
BUILDER, CLONER, MERGER, MAINTAINER = "drone-bot", "clone-bot", "merge-bot", "maintainer"
"""Accounts of Drone, of builds, of the hunt's merges, and of the operators."""


def gitea_source_control(settings: Delivery, endpoint: Endpoint, players: Sequence[str]) -> SourceControl:
    """Gitea as the rest of the game knows it. endpoint: its public address. players: their accounts."""
    master_key = given(settings.master_key)
    passwords = {name: master_key.apply(_password_of(name)) for name in (CLONER, MERGER)}
    return SourceControl(
        api="gitea",
        organisation=ORGANISATION,
        players_url=pulumi.Output.concat(endpoint.url, "/"),
        pods_url=GITEA.url,
        builds_url=GITEA.url,
        egress=allow_egress("allow-gitea", GITEA.pods, GITEA.port),
        webhook_ingress=allow_ingress("allow-webhooks", GITEA.pods, DRONE.port),
        drone_environment={
            "DRONE_GITEA_SERVER": GITEA.url,
            # Drone's default is a scope that Gitea does not know, for which Gitea grants everything.
            "DRONE_GITEA_SCOPE": "write:repository,read:user,read:organization",
        },
        drone_secrets={},
        drone_oauth_keys={"DRONE_GITEA_CLIENT_ID": "id", "DRONE_GITEA_CLIENT_SECRET": "secret"},
        builder=BUILDER,
        cloner=CLONER,
        cloner_password=passwords[CLONER],
        reader_login=pulumi.Output.concat(CLONER, ":", passwords[CLONER]),
        merger_login=pulumi.Output.concat(MERGER, ":", passwords[MERGER]),
        maintainer_password=master_key.apply(_password_of(MAINTAINER)),
        player_passwords=master_key.apply(lambda key: {player: account_password(key, player) for player in players}),
    )


def gitea_keys(master_key: str) -> Mapping[str, str]:
    """Keys with which Gitea signs and encrypts, by the names of the files that `app.ini` names."""
    jwt = base64.urlsafe_b64encode(bytes.fromhex(derived(master_key, "gitea-jwt"))).decode().rstrip("=")
    return {
        "secret-key": derived(master_key, "gitea-secret-key"),
        "internal-token": derived(master_key, "gitea-internal-token"),
        "jwt-secret": jwt,
    }


def account_password(master_key: str, account: str) -> str:
    """First password of an account: 32 hexadecimal digits, which a player can type."""
    return derived(master_key, f"account-{account}")[:32]


def setup_plan(
    *,
    components: Sequence[str],
    teams: Mapping[str, Sequence[str]],
    master_key: str,
    scm_url: str,
    drone_url: str,
    drone_public_url: str,
    drone_token: str,
) -> Mapping[str, Any]:
    """Plan of the set-up as JSON (`services.setup.setup_plan`).

    teams: name of each team's repository to its players' accounts.
    """
    players = [player for team in teams.values() for player in team]
    accounts = (BUILDER, CLONER, MERGER, MAINTAINER, *players)
    return {
        "organisation": ORGANISATION,
        "branch": BRANCH,
        "scm_url": scm_url,
        "drone_url": drone_url,
        "drone_public_url": drone_public_url,
        "drone_token": drone_token,
        "builder": BUILDER,
        "cloner": CLONER,
        "merger": MERGER,
        "passwords": {name: account_password(master_key, name) for name in accounts},
        "repositories": [
            *(
                {"name": name, "minutes": COMPONENT_BUILD_TIMEOUT_MINUTES, "readers": [], "writers": [MAINTAINER]}
                for name in components
            ),
            *(
                {"name": name, "minutes": TEAM_BUILD_TIMEOUT_MINUTES, "readers": list(readers), "writers": []}
                for name, readers in teams.items()
            ),
        ],
    }


def _password_of(account: str) -> Callable[[str], str]:
    return lambda master_key: account_password(master_key, account)
