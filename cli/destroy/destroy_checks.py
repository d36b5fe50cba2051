"""What must be so before an environment is destroyed, for what stops the engine half way is billed on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from scaleway import ScalewayException
from scaleway.iam.v1alpha1 import IamV1Alpha1API

from cli.destroy.lost_hosts import SilentCluster
from cli.recover.pending_operations import cut_off
from cli.scaleway_client import client
from cli.stack import Tree
from cli.state import plaintext, resources
from common.settings import Scaleway, Secret

PROVIDER: Final = "pulumi:providers:scaleway"
LONGEST: Final = timedelta(hours=1)
"""For how long an API key must still be valid: a destroy takes minutes, and may wait for Scaleway."""


class DestroyError(Exception):
    """The environment is not destroyed, or not wholly; the text says why, what was touched and what to do."""


def check_operations(state: Tree, lost: Collection[str], stack: str) -> None:
    """Refuse a state that does not know whether something was created, apart from what is lost. Raises DestroyError."""
    creations = [each.urn.rpartition("::")[2] for each in cut_off(state) if each.urn not in lost]
    if creations:
        raise DestroyError(
            f"an update was cut off while it created {', '.join(creations)}, which may be there and billed: "
            f"'make recover STACK={stack}' first. Nothing was touched."
        )


def check_api_keys(state: Tree, account: Scaleway, stack: str) -> None:
    """Refuse an API key that Scaleway does not take: the settings' own, and the state's, with which the engine works.

    state: with its secrets shown. Raises DestroyError.
    """
    refused = _refusal(account)
    if refused:
        raise DestroyError(
            f"the settings' API key {refused}. Make another in Scaleway's console, then "
            f"'pulumi config set --path shambhala:scaleway.accessKey --secret --stack {stack}' and the same for "
            "'secretKey'. Nothing was touched."
        )
    for provider in resources(state):
        if provider["type"] == PROVIDER and (refused := _refusal(_in_state(provider["inputs"], account))):
            raise DestroyError(
                f"the API key in the state {refused}. The settings' key is put in its place by "
                f"'pulumi up --stack {stack} --target {provider['urn']}'. Nothing was touched."
            )


def check_silent(clusters: Iterable[SilentCluster], stack: str) -> None:
    """Refuse clusters whose API does not answer. Raises DestroyError."""
    said = "; ".join(f"the cluster {cluster.name} is there, but {cluster.reason}" for cluster in clusters)
    if said:
        raise DestroyError(
            f"{said}. What is on it cannot be removed from here. Let this machine reach it (boards.*.apiCidrs, its "
            "pools), or let the cluster go with whatever is on it, load balancers and volumes too: "
            f"'make destroy STACK={stack} OPTIONS=--abandon-silent-clusters'. Nothing was touched."
        )


def _in_state(inputs: Mapping[str, object], account: Scaleway) -> Scaleway:
    """The account with the keys of a provider in the state."""
    access_key, secret_key = (Secret(str(plaintext(inputs[name]))) for name in ("accessKey", "secretKey"))
    return account.model_copy(update={"access_key": access_key, "secret_key": secret_key})


def _refusal(account: Scaleway) -> str:
    """Why Scaleway does not take an account's key; empty where it does, or where nobody may ask it about keys."""
    try:
        key = IamV1Alpha1API(client(account)).get_api_key(access_key=account.access_key.value)
    except ScalewayException as error:
        if error.status_code == HTTPStatus.UNAUTHORIZED:
            return "is refused: it has expired, or was deleted, or its secret is another's"
        if error.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            return ""
        raise
    if key.expires_at and key.expires_at < datetime.now(UTC) + LONGEST:
        return f"expires at {key.expires_at:%Y-%m-%d %H:%M} UTC, perhaps before the end"
    return ""
