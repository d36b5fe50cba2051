"""Text of a kubeconfig."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class ClusterEntry:
    """One cluster, as its callers find it."""

    name: str
    server: str
    """URL of the API server."""
    authority: Path
    """Certificate of the authority that signed the API server's."""
    called: str = ""
    """Name in the API server's certificate, where that is not the server's in the URL."""


def kubeconfig(cluster: ClusterEntry, user: str, credentials: dict[str, str]) -> str:
    """Kubeconfig for one user of one cluster, with the names that Kapsule gives."""
    context = f"admin@{cluster.name}"
    authority = base64.b64encode(cluster.authority.read_bytes()).decode()
    entry = {"server": cluster.server, "certificate-authority-data": authority}
    if cluster.called:
        entry["tls-server-name"] = cluster.called
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster.name, "cluster": entry}],
        "contexts": [{"name": context, "context": {"cluster": cluster.name, "user": user}}],
        "current-context": context,
        "users": [{"name": user, "user": credentials}],
    }
    return yaml.safe_dump(config, sort_keys=False)
