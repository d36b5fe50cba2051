"""A source control as the rest of the game sees it, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from common.network_policies import NetworkRule


@dataclass(frozen=True, kw_only=True)
class ServerPlace:
    """Where Drone's server is."""

    namespace: str
    app: str
    port: int
    host: str
    """Its name inside the cluster."""
    public_url: pulumi.Input[str]
    token: pulumi.Input[str]
    """Its admin's token."""
    application: str
    """namespace/name of the Secret that takes its OAuth application, where it waits for one: `id` and `secret`."""
    signatures: str
    """namespace/name of the Secret that takes its signatures, for the guard."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What Drone, builds, the hunt and the teams' sheets are told of the source control."""

    speaks: str
    """The API by which the hunt asks it, as its service calls it: `gitea` or `github`."""
    organisation: str
    """The one owner whose repositories are built."""
    players_url: pulumi.Input[str]
    """Where players find it, with a slash at its end."""
    pods_url: pulumi.Input[str]
    """Where it answers to the game's own pods."""
    builds_url: str
    """Where builds clone from, without a slash at its end.

    Drone tells them the players' address, for which a pod on the board would have to leave the cluster."""
    egress: NetworkRule
    """Egress of pods that call it."""
    webhooks: NetworkRule | None
    """Ingress of its webhooks to Drone on the board; None: they come in from outside."""
    setup: tuple[str, str]
    """Namespace and name of the account that sets Drone up."""
    drone: Mapping[str, pulumi.Input[str]]
    """Variables of Drone's server that say which source control it has."""
    drone_secrets: Mapping[str, pulumi.Input[str]]
    """Those that are secrets and known beforehand."""
    drone_awaits: Mapping[str, str]
    """Those that the set-up hands over: variable to its key in the Secret."""
    builder: str
    """The account by which Drone makes webhooks and writes results; it is Drone's admin."""
    cloner: str
    cloner_password: pulumi.Input[str]
    """The account by which builds clone; it reads the game's repositories and nothing else."""
    reader: pulumi.Input[str]
    merger: pulumi.Input[str]
    """What the hunt's service looks and merges with: `name:password`, a secret."""
    maintainer_password: pulumi.Input[str]
    """With what the operators push to a component's repository, a secret; empty where they bring their own."""
    passwords: pulumi.Input[Mapping[str, str]]
    """Each player's account to its first password, a secret; without those who bring their own."""
