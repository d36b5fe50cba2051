"""Events, by which a controller tells the owner of an object what happened to it."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Literal

from rehearsal.kapsule.kube import Kube, KubeError, Object


async def record_event(kube: Kube, about: Object, kind: str, reason: str, message: str, *, bad: bool) -> None:
    """Attach an event to an object, or count once more the same one recorded before.

    about: the object, of the core API group; kind: what it is, such as Service.
    """
    level: Literal["Warning", "Normal"] = "Warning" if bad else "Normal"
    meta: Object = about["metadata"]
    digest = hashlib.sha256(f"{meta['uid']} {reason} {message}".encode()).hexdigest()[:16]
    name = f"{meta['name']}.{digest}"
    collection = f"/api/v1/namespaces/{meta['namespace']}/events"
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    involved = {
        "apiVersion": "v1",
        "kind": kind,
        **{key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")},
    }
    event: Object = {
        "metadata": {"name": name, "namespace": meta["namespace"]},
        "involvedObject": involved,
        "type": level,
        "reason": reason,
        "message": message,
        "source": {"component": "kapsule-stand-in"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    try:
        await kube.call("POST", collection, event)
    except KubeError as error:
        if error.status != 409:
            raise
        known = await kube.call("GET", f"{collection}/{name}")
        await kube.merge(f"{collection}/{name}", {"count": known["count"] + 1, "lastTimestamp": now})
