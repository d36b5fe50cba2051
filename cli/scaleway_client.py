"""Scaleway's API, asked with an environment's own key."""

from __future__ import annotations

from scaleway import Client

from common.settings import Scaleway


def client(account: Scaleway) -> Client:
    """A client of the account that an environment's settings name."""
    return Client(
        access_key=account.access_key.value,
        secret_key=account.secret_key.value,
        api_url=account.api_url,
        default_project_id=account.project_id,
        default_organization_id=account.organization_id,
        default_region=account.region,
        default_zone=account.zone,
    )
