"""Facts about a cluster that are kept on disk, so that a control plane goes on with them after a crash."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rehearsal.kapsule.pki import write_private
from rehearsal.scaleway.backends import Cluster


@dataclass(frozen=True)
class ClusterRecord:
    """One cluster's addresses, names and token."""

    id: str
    name: str
    address: str
    pod_cidr: str
    service_cidr: str
    admission_plugins: Sequence[str]
    apiserver_cert_sans: Sequence[str]
    token: str

    @classmethod
    def new(cls, cluster: Cluster, address: str) -> ClusterRecord:
        """A cluster that is not on disk yet, with a token of its own."""
        return cls(
            id=cluster.id,
            name=cluster.name,
            address=address,
            pod_cidr=cluster.pod_cidr,
            service_cidr=cluster.service_cidr,
            admission_plugins=list(cluster.admission_plugins),
            apiserver_cert_sans=list(cluster.apiserver_cert_sans),
            token=secrets.token_urlsafe(32),
        )

    @classmethod
    def read(cls, folder: Path) -> ClusterRecord | None:
        """The record in a folder, or None when the folder holds no cluster."""
        file = folder / "cluster.json"
        return cls(**json.loads(file.read_text())) if file.exists() else None

    def write(self, folder: Path) -> None:
        """Keep the record in a folder, as a whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / "cluster.json.fresh"
        write_private(fresh, json.dumps(asdict(self)).encode())
        fresh.rename(folder / "cluster.json")
