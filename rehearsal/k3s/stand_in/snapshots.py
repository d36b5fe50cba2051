"""Snapshots of etcd: `k3s etcd-snapshot` and `k3s server --cluster-reset`."""

from __future__ import annotations

import json
import shutil
import socket
import time
from pathlib import Path

from rehearsal.k3s.stand_in.control_plane import SERVER, ControlPlane, etcd_call
from rehearsal.k3s.stand_in.waiting import write

SNAPSHOTS = SERVER / "db" / "snapshots"


def save(name: str) -> None:
    """`k3s etcd-snapshot save`: here, all keys and values, as JSON."""
    everything = etcd_call("/v3/kv/range", {"key": "AA==", "range_end": "AA=="})
    SNAPSHOTS.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = write(SNAPSHOTS / f"{name}-{socket.gethostname()}-{int(time.time())}", json.dumps(everything["kvs"]))
    print(f"Snapshot {file.name} saved.")


def prune(name: str, keep: int) -> None:
    """`k3s etcd-snapshot prune`: the newest of a name stay."""
    found = sorted(
        SNAPSHOTS.glob(f"{name}-{socket.gethostname()}-*"), key=lambda file: int(file.name.rpartition("-")[2])
    )
    for file in found[: max(0, len(found) - keep)]:
        file.unlink()
        print(f"Snapshot {file.name} deleted.")


def reset(snapshot: Path) -> None:
    """`k3s server --cluster-reset --cluster-reset-restore-path`: begin anew with what a snapshot holds."""
    saved = json.loads(snapshot.read_text())
    shutil.rmtree(SERVER / "db" / "etcd", ignore_errors=True)
    control_plane = ControlPlane()
    try:
        control_plane.etcd()
        for pair in saved:
            etcd_call("/v3/kv/put", {"key": pair["key"], "value": pair.get("value", "")})
    finally:
        control_plane.stop()
    print("Managed etcd cluster membership has been reset, restart without --cluster-reset flag now.")
