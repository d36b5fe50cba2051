"""Events of pods that wait for an image: which image, why, and what to do."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rehearsal.kapsule.controllers import Informer, Reconciler
from rehearsal.kapsule.events import record_event
from rehearsal.kapsule.kube import Kube, Object

REASON = "ImageNotThere"
_WAITING = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
"""Reasons of the kubelet for a container that waits for its image."""


def absent_images_file(cluster: Path) -> Path:
    """File of a cluster's folder with one line for each image that a pod waits for now."""
    return cluster / "absent-images"


class AbsentImages:
    """Tells the owner of each pod of one cluster, and whoever reads a file, of an image that cannot be had.

    file: as absent_images_file names it.
    """

    def __init__(self, kube: Kube, pods: Informer, file: Path) -> None:
        self._kube = kube
        self._pods = pods
        self._file = file
        self._told: set[tuple[str, str]] = set()
        self._written: list[str] = []

    @property
    def reconcilers(self) -> list[Reconciler]:
        return [Reconciler(self._pods, self._reconcile)]

    async def _reconcile(self, pod: Object) -> None:
        await self._write()
        uid: str = pod["metadata"]["uid"]
        for image, message in _waits(pod).items():
            if (uid, image) not in self._told:
                await record_event(self._kube, pod, "Pod", REASON, message, bad=True)
                self._told.add((uid, image))

    async def _write(self) -> None:
        lines = sorted(
            f"{pod['metadata']['namespace']}/{pod['metadata']['name']}: {message}"
            for pod in self._pods.objects
            for message in _waits(pod).values()
        )
        if lines != self._written:
            self._written = lines
            await asyncio.to_thread(self._file.write_text, "".join(f"{line}\n" for line in lines))


def _waits(pod: Object) -> dict[str, str]:
    """Image to what is said of it, for each image that a pod waits for."""
    found: dict[str, str] = {}
    for container in _containers(pod):
        waiting: Object = container.get("state", {}).get("waiting", {})
        image: str = container["image"]
        if waiting.get("reason") in _WAITING:
            registry = image.partition("/")[0] if "." in image.partition("/")[0] else "docker.io"
            found[image] = (
                f"image {image} of container {container['name']} is not built here, and {registry} does not give it "
                f"({waiting['reason']}): let this machine reach {registry}, or name another image in the settings "
                "(key sources.images), and raise the rehearsal again."
            )
    return found


def _containers(pod: Object) -> list[Object]:
    status: Object = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
