"""Interface between the source control and the rest of the game, the same for Gitea and GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from common.network_policies import NetworkRule


@dataclass(frozen=True, kw_only=True)
class DroneServer:
    """Drone's server as the source control's set-up reaches it."""

    public_url: pulumi.Input[str]
    """URL at which people find Drone, to which its OAuth application sends them back."""
    admin_token: pulumi.Input[str]
    """API token of Drone's admin, a secret."""


@dataclass(frozen=True, kw_only=True)
class SourceControl:
    """Addresses and accounts of the source control, for Drone, builds, the hunt and the teams' sheets."""

    api: str
    """API that the hunt's service speaks to it, by the name of the service's option: `gitea` or `github`."""
    organisation: str
    """Owner of every repository that is built."""
    players_url: pulumi.Input[str]
    """URL for players, with a slash at its end."""
    pods_url: pulumi.Input[str]
    """URL for the game's own pods."""
    builds_url: str
    """URL that builds clone from, without a slash at its end.

    Drone tells builds the players' URL, for which a pod on the board would have to leave the cluster.
    """
    egress: NetworkRule
    """NetworkPolicy that lets the game's pods and builds reach the two URLs above."""
    webhook_ingress: NetworkRule | None
    """NetworkPolicy that lets webhooks into Drone's pod; None where they come through Drone's Ingress."""
    drone_environment: Mapping[str, pulumi.Input[str]]
    """Variables of Drone's server that name the source control."""
    drone_secrets: Mapping[str, pulumi.Input[str]]
    """Variables of Drone's server that are secrets and known before it starts."""
    drone_oauth_keys: Mapping[str, str]
    """Variables of Drone's server that the set-up provides: each to its key in the Secret `DRONE_OAUTH`."""
    builder: str
    """Account with which Drone makes webhooks and writes results; also Drone's admin."""
    cloner: str
    """Account with which builds clone; it reads the game's repositories and nothing else."""
    cloner_password: pulumi.Input[str]
    reader_login: pulumi.Input[str]
    """Login with which the hunt reads repositories: `name:password` or a token, a secret."""
    merger_login: pulumi.Input[str]
    """Login with which the hunt merges pull requests, likewise."""
    maintainer_password: pulumi.Input[str]
    """Password with which operators push to a component's repository, a secret; empty where they bring their own."""
    player_passwords: pulumi.Input[Mapping[str, str]]
    """First password of each player's account, a secret; empty where players bring their own accounts."""
