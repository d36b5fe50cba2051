"""Stands in for Scaleway's block storage: claims get a volume that exists on paper only."""

from __future__ import annotations

import asyncio

from rehearsal.kapsule.kube import Kube, KubeError, Object

STORAGE_CLASS = "scw-bssd"
"""Kapsule's default class."""
_DRIVER = "csi.scaleway.com"


class VolumeController:
    """Follows the claims and volumes of one cluster."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def run(self) -> None:
        """Work until cancelled."""
        await self._ensure_class()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._provision())
            tasks.create_task(self._reclaim())

    async def _ensure_class(self) -> None:
        body: Object = {
            "metadata": {
                "name": STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": _DRIVER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
            "allowVolumeExpansion": True,
        }
        await _unless_there(self._kube, "/apis/storage.k8s.io/v1/storageclasses", body)

    async def _provision(self) -> None:
        async for event, claim in self._kube.watch("/api/v1/persistentvolumeclaims"):
            spec: Object = claim["spec"]
            if event == "DELETED" or spec.get("volumeName") or spec.get("storageClassName") != STORAGE_CLASS:
                continue
            meta: Object = claim["metadata"]
            name = f"pvc-{meta['uid']}"
            body: Object = {
                "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": _DRIVER}},
                "spec": {
                    "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                    "accessModes": spec["accessModes"],
                    "persistentVolumeReclaimPolicy": "Delete",
                    "storageClassName": STORAGE_CLASS,
                    "csi": {"driver": _DRIVER, "volumeHandle": name},
                    "claimRef": {
                        "apiVersion": "v1",
                        "kind": "PersistentVolumeClaim",
                        "namespace": meta["namespace"],
                        "name": meta["name"],
                        "uid": meta["uid"],
                    },
                },
            }
            await _unless_there(self._kube, "/api/v1/persistentvolumes", body)

    async def _reclaim(self) -> None:
        async for event, volume in self._kube.watch("/api/v1/persistentvolumes"):
            released = volume.get("status", {}).get("phase") in ("Released", "Failed")
            if event != "DELETED" and released and "deletionTimestamp" not in volume["metadata"]:
                await self._kube.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}")


async def _unless_there(kube: Kube, path: str, body: Object) -> None:
    try:
        await kube.call("POST", path, body)
    except KubeError as error:
        if error.status != 409:
            raise
