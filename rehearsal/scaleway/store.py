"""State of the stand-in: one table per kind of resource, in one file that is rewritten after each change."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from rehearsal.scaleway.api_errors import not_found
from rehearsal.scaleway.records import Record


class Table:
    """The resources of one kind, by id, oldest first.

    resource: the API's word for the kind in its 404 answers.
    """

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.records: dict[str, Record] = {}

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self.records.values()))

    def add(self, record: Record) -> Record:
        self.records[str(record["id"])] = record
        return record

    def find(self, identity: str | None) -> Record | None:
        return self.records.get(identity or "")

    def get(self, identity: str, **place: str) -> Record:
        """The resource of that id, in that zone or region. Raises ApiError (404)."""
        record = self.records.get(identity)
        if record is None or any(record.get(key) != value for key, value in place.items()):
            raise not_found(self.resource, identity)
        return record

    def where(self, **values: object) -> list[Record]:
        """Those whose fields have these values."""
        return [record for record in self if all(record.get(key) == value for key, value in values.items())]

    def remove(self, identity: str) -> None:
        self.records.pop(identity, None)


class Store:
    """Every table, and the file they are saved to (mode 600: user data holds secrets)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.servers = Table("instance_server")
        self.ips = Table("instance_ip")
        self.security_groups = Table("instance_security_group")
        self.nics = Table("instance_private_nic")
        self.local_volumes = Table("instance_volume")
        self.block_volumes = Table("volume")
        self.local_snapshots = Table("instance_snapshot")
        self.block_snapshots = Table("snapshot")
        self.images = Table("instance_image")
        self.placement_groups = Table("instance_placement_group")
        self.vpcs = Table("vpc")
        self.private_networks = Table("private_network")
        self.ipam_ips = Table("ip")
        self.clusters = Table("cluster")
        self.pools = Table("pool")
        self.nodes = Table("node")
        self.dns_zones = Table("dns_zone")
        self.dns_records = Table("record")
        self.lb_ips = Table("ip")
        self.lbs = Table("lb")
        self.gateway_ips = Table("ip")
        self.gateways = Table("gateway")
        self.gateway_networks = Table("gateway_network")
        self.ssh_keys = Table("ssh_key")
        self.iam_applications = Table("application")
        self.iam_policies = Table("policy")
        self.iam_api_keys = Table("access_key")
        self.registry_namespaces = Table("namespace")

    def tables(self) -> dict[str, Table]:
        """The tables by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Table)}

    def load(self) -> None:
        """Go on with what was saved, if anything was."""
        if not self._path.exists():
            return
        saved: dict[str, dict[str, Record]] = json.loads(self._path.read_text())
        for name, table in self.tables().items():
            table.records = saved.get(name, {})

    def save(self) -> None:
        """Write everything; a crash leaves either the old file or the new one."""
        draft = self._path.with_suffix(".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump({name: table.records for name, table in self.tables().items()}, out)
        draft.replace(self._path)
