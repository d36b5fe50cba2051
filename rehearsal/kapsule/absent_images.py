"""Events of pods that wait for an image: which image, why, and what to do."""

from __future__ import annotations

from rehearsal.kapsule.controllers import Informer, Reconciler
from rehearsal.kapsule.events import record_event
from rehearsal.kapsule.kube import Kube, Object

REASON = "ImageNotThere"
_WAITING = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
"""Reasons of the kubelet for a container that waits for its image."""


class AbsentImages:
    """Tells the owner of each pod of one cluster of an image that the node does not have."""

    def __init__(self, kube: Kube, pods: Informer) -> None:
        self._kube = kube
        self._pods = pods
        self._told: set[tuple[str, str]] = set()

    @property
    def reconcilers(self) -> list[Reconciler]:
        return [Reconciler(self._pods, self._reconcile)]

    async def _reconcile(self, pod: Object) -> None:
        uid: str = pod["metadata"]["uid"]
        for container in _containers(pod):
            waiting: Object = container.get("state", {}).get("waiting", {})
            image: str = container["image"]
            if waiting.get("reason") in _WAITING and (uid, image) not in self._told:
                message = (
                    f"Image {image} of container {container['name']} is not on the node and cannot be pulled "
                    f"({waiting['reason']}): build it and give it to the node, or let this machine reach its registry."
                )
                await record_event(self._kube, pod, "Pod", REASON, message, bad=True)
                self._told.add((uid, image))


def _containers(pod: Object) -> list[Object]:
    status: Object = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
