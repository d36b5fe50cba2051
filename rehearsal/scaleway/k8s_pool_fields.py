"""Kubernetes v1: sizes, upgrade policy and taints of a pool, as a request body sends them."""

from __future__ import annotations

from rehearsal.scaleway.records import Record
from rehearsal.scaleway.request_body import RequestBody

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
LARGEST_POOL = 150


def fit_size(pool: Record, body: RequestBody) -> None:
    """Keep an autoscaled pool within its bounds."""
    if pool["autoscaling"]:
        if pool["min_size"] > pool["max_size"]:
            body.refuse("min_size", "min_size must not be greater than max_size")
        pool["size"] = max(pool["min_size"], min(pool["size"], pool["max_size"]))


def upgrade_policy(current: Record, body: RequestBody) -> Record:
    """Upgrade policy with the sent values over the current ones. Raises ApiError (400)."""
    sent = RequestBody(body.object("upgrade_policy"))
    policy = {name: sent.integer(name, value, 0, LARGEST_POOL) for name, value in current.items()}
    sent.check()
    return policy


def taints_of(body: RequestBody, name: str) -> list[Record]:
    """Taints in a request body, by key. Raises ApiError (400)."""
    taints: list[Record] = []
    for sent in body.objects(name):
        taint = RequestBody(sent)
        taints.append(
            {
                "key": taint.text("key"),
                "value": taint.text("value", ""),
                "effect": taint.choice("effect", EFFECTS, EFFECTS[0]),
            }
        )
        taint.check()
    return sorted(taints, key=lambda taint: str(taint["key"]))
