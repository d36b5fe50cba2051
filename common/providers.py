"""The plugins' providers, made from the settings."""

from __future__ import annotations

import pulumiverse_scaleway

from common.settings import Scaleway


def scaleway(account: Scaleway) -> pulumiverse_scaleway.Provider:
    """The provider of everything at Scaleway, with the account's keys and its places."""
    return pulumiverse_scaleway.Provider(
        "scaleway",
        access_key=account.access_key.output,
        secret_key=account.secret_key.output,
        project_id=account.project_id,
        organization_id=account.organization_id,
        region=account.region,
        zone=account.zone,
        api_url=account.api_url,
    )
