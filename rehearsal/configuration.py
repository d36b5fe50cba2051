"""The settings of a rehearsal: the same keys as any environment's, with this machine's addresses."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rehearsal.k3s import Download
from rehearsal.nodes.choice import real_nodes
from rehearsal.scaleway import Credentials
from rehearsal.session import Session

PARENT_ZONE = "example.org"
ZONE = f"hunt.{PARENT_ZONE}"
CHART_NAMES = ("nginx-ingress", "cert-manager", "grafana", "loki", "logging-operator", "prometheus", "rancher")
PLAYERS = 2
"""In each rehearsed team."""


@dataclass(frozen=True)
class Secrets:
    """What the local cloud must know itself, and what must outlive a rehearsal without teams."""

    rancher_bootstrap_password: str
    delivery_master_key: str
    signing_password: str


def load_or_make_secrets(session: Session) -> Secrets:
    """The rehearsal's secrets; what it lacks is made."""
    file = session.home / "secrets.json"
    made = Secrets(
        rancher_bootstrap_password=secrets.token_urlsafe(24),
        delivery_master_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        signing_password=secrets.token_urlsafe(24),
    )
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    kept = {**asdict(made), **{key: value for key, value in known.items() if key in asdict(made)}}
    write_private(file, json.dumps(kept))
    return Secrets(**kept)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where the rehearsal's own services are."""

    scaleway: str
    charts: str
    rancher: str
    """URL at which the program reaches Rancher; operators go through nginx."""
    acme_directory: str
    acme_certificate: str
    """What the directory's own certificate is checked against (PEM)."""
    k3s: Download
    helm: Download


def settings(session: Session, own: Secrets, account: Credentials, sources: Sources) -> dict[str, Any]:
    """What an operator would give `init`, with the rehearsal's own slice of addresses; `init` makes the keys."""
    return {
        "domain": PARENT_ZONE,
        "subdomain": ZONE.removesuffix(f".{PARENT_ZONE}"),
        "parentZone": "scaleway",
        "scaleway": {
            "region": "fr-par",
            "zone": "fr-par-1",
            "projectId": account.project_id,
            "organizationId": account.organization_id,
            "accessKey": account.access_key,
            "secretKey": account.secret_key,
            "apiUrl": sources.scaleway,
        },
        # The operators call from loopback; an Instance sees Docker's gateway as their address.
        "operators": {"cidrs": ["127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]},
        # A rehearsal is taken down as readily as it is raised.
        "gamemaster": {"type": "PLAY2-MICRO", "subnet": f"10.{session.slot}.0.0/24", "allowReplacement": True},
        # Nobody asks the parent zone's servers here: the authority asks the game master itself.
        "certificates": {"authority": "production", "delegationTimeoutSeconds": 0},
        # Rancher's stand-in is started with this first password, as an operator starts a real one.
        "rancher": {
            "enabled": True,
            "bootstrapPassword": own.rancher_bootstrap_password,
            "apiUrl": sources.rancher,
        },
        "boards": {
            "blue": {
                "kubernetesVersion": "1.36",
                "subnet": f"10.{session.slot}.4.0/22",
                "pools": {"main": {"nodeType": "PRO2-XXS", "size": 2, "minSize": 1, "maxSize": 3}},
                "apiCidrs": ["127.0.0.0/8"],
                "autoUpgrade": {"day": "tuesday", "startHour": 3},
                "allowReplacement": True,
            }
        },
        "activeBoard": "blue",
        "sources": {
            "charts": dict.fromkeys(CHART_NAMES, sources.charts),
            # Operators' own charts bring schemas at which an API server works for a while.
            "chartTimeoutSeconds": 600 if real_nodes(session) else 120,
            "acmeDirectory": sources.acme_directory,
            "acmeCaBundle": sources.acme_certificate,
            "k3sUrl": sources.k3s.url,
            "k3sSha256": sources.k3s.sha256,
            "helmUrl": sources.helm.url,
            "helmSha256": sources.helm.sha256,
            # Debian signs its packages; a mirror on plain HTTP also works behind a proxy that opens TLS.
            "debian": "http://deb.debian.org/debian",
        },
    }


def delivery(own: Secrets, teams: int) -> dict[str, Any]:
    """The settings that add source control, continuous deployment and a number of teams."""
    names = [f"t{number}" for number in range(1, teams + 1)]
    return {
        "delivery": {
            "masterKey": own.delivery_master_key,
            # No image is built here: nothing is pushed to the registry that the program makes, and the key never signs.
            "signingKey": "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
            "signingPassword": own.signing_password,
            "allowReplacement": True,
        },
        "teams": {
            "list": [
                {"name": name, "players": [f"{name}-{player}" for player in range(1, PLAYERS + 1)]} for name in names
            ]
        },
    }


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(text)
