"""What the resources of this provider have in common, and owe to Terraform's way of comparing.

Inputs are compared with what was last seen of the resource, not with the last inputs: what somebody else
has changed is put right. What is not given and the resource fills in by itself is no change.
"""

from __future__ import annotations

import hashlib

from rehearsal.plugins.properties import Properties, Value, reveal
from rehearsal.plugins.provider_model import Resource
from rehearsal.plugins.rancher2.client import Rancher, View, part
from rehearsal.plugins.schema import Change, Difference, Failure, Field, Fields, Kind

# terraform-provider-rancher2, schema_common.go: Rancher's own labels and annotations are left alone, but for this one.
_OWN = ("cattle.io/", "rancher.io/")
_NOT_OWN = "rancher.io/imported-cluster-version-management"

LABELS: Fields = {
    "labels": Field(kind=Kind.TEXTS, computed=True),
    "annotations": Field(kind=Kind.TEXTS, computed=True),
}


class RancherResource(Resource[Rancher]):
    """A resource whose changes show against its state."""

    autonamed: bool = False
    """Whether `name`, if it is not given, is made from the resource's name in the program."""

    def check(self, name: str, olds: Properties, news: Properties, seed: bytes) -> tuple[Properties, list[Failure]]:
        if self.autonamed and news.get("name") is None:
            suffix = hashlib.sha256(seed).hexdigest()[:7]
            news = {**news, "name": olds.get("name") or f"{name}-{suffix}"}
        return super().check(name, olds, news, seed)

    def diff(self, state: Properties, olds: Properties, news: Properties) -> list[Difference]:
        del olds
        return [found for name, known in self.fields.items() if (found := _difference(name, known, state, news))]

    def preview_update(self, state: Properties, news: Properties) -> Properties:
        """Outputs stay as they are, as far as Terraform knows before the update."""
        return {**state, **news}


def _difference(name: str, known: Field, state: Properties, news: Properties) -> Difference | None:
    before, after = reveal(state.get(name)), reveal(news.get(name))
    if known.kind is Kind.TEXTS and isinstance(after, dict):
        before = {key: value for key, value in _map(before).items() if key in after or not _is_ranchers(key)}
    if after is None and (known.computed or not before):
        return None
    if before == after:
        return None
    change = Change.ADDED if before is None else Change.DELETED if after is None else Change.UPDATED
    return Difference(name, change, known.replaces)


def _map(value: Value) -> Properties:
    return value if isinstance(value, dict) else {}


def _is_ranchers(key: str) -> bool:
    return any(own in key for own in _OWN) and not key.endswith(_NOT_OWN)


def described(view: View) -> Properties:
    """The labels and annotations of an object."""
    return {name: part(view, name) for name in LABELS}


def description_of(inputs: Properties, state: Properties) -> View:
    """The labels and annotations to write: those given, and Rancher's own that are there."""
    body: View = {}
    for name in LABELS:
        kept = {key: value for key, value in _map(state.get(name)).items() if _is_ranchers(key)}
        body[name] = {**kept, **_map(inputs.get(name))} if name in inputs else _map(state.get(name))
    return body
