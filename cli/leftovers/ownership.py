"""Whose the things at Scaleway are: by the tags and names that the program gives, and by what they are a part of.

What a cluster makes bears none of the program's tags, but mostly its cluster's id: load balancers in their tags and
name, Kapsule's own security group in its name. Claims' volumes are told by their name alone and by the node that they
are attached to. Sources: cloud-controller-manager and scaleway-csi of github.com/scaleway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from cli.account import Item
from cli.leftovers.inventory import Kind
from common.naming import PROJECT
from common.settings import ENVIRONMENTS

CLUSTER: Final = "scaleway:kubernetes/cluster:Cluster"
RECORD: Final = "scaleway:domain/record:Record"
_IDENTITY: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OWN_NAME: Final = re.compile(rf"(?:^|[^a-z0-9]){PROJECT}-({'|'.join(map(re.escape, ENVIRONMENTS))})(?:[^a-z0-9]|$)")
_CLAIM: Final = re.compile(rf"pvc-{_IDENTITY.pattern}")
_LOST: Final = "a cluster that is no longer there"
_BALANCER: Final = "managed-by-scaleway-cloud-controller-manager"


class Whose(Enum):
    """What is known of who made a thing."""

    OURS = auto()
    """This environment."""
    OF_A_LOST_CLUSTER = auto()
    """A cluster that is no longer there, and no other environment's as far as can be told."""
    OTHERS = auto()
    """Another environment."""
    UNKNOWN = auto()


@dataclass(frozen=True)
class Verdict:
    """Whose a thing is, and why this is thought."""

    whose: Whose
    why: str


Standing = Sequence[tuple[Kind, Item]]


def verdicts(standing: Standing, environment: str, project: str, clusters: Iterable[str] = ()) -> Mapping[str, Verdict]:
    """Id to verdict, for everything that stands.

    project: id of the environment's, for what is listed beyond a project.
    clusters: bare ids of clusters that were this environment's, where a state still tells them.
    """
    found: dict[str, tuple[str, str]] = dict.fromkeys(clusters, (environment, "was in the state, or made by what was"))
    for kind, item in standing:
        said = _marked(item, project)
        if said:
            found[item.bare_id] = said
        elif kind.type == RECORD:
            found[item.bare_id] = (environment, "bears the game's name")
    _hand_on(standing, found)
    living = [item.bare_id for kind, item in standing if kind.type == CLUSTER]
    foreign = [cluster for cluster in living if found.get(cluster, ("",))[0] != environment]
    lost = {
        item.bare_id: (_LOST, why)
        for _, item in standing
        if item.bare_id not in found and (why := _of_a_lost_cluster(item, living, foreign))
    }
    found |= lost
    _hand_on(standing, found)
    result: dict[str, Verdict] = {}
    for _, item in standing:
        owner, why = found.get(item.bare_id, ("", "bears no mark of the program"))
        known = {environment: Whose.OURS, _LOST: Whose.OF_A_LOST_CLUSTER, "": Whose.UNKNOWN}
        result[item.id] = Verdict(known.get(owner, Whose.OTHERS), why)
    return result


def _marked(item: Item, project: str) -> tuple[str, str] | None:
    """The environment that an item's own tags or name tell, and how."""
    told = dict(tag.split("=", 1) for tag in item.tags if "=" in tag)
    if PROJECT in item.tags and "environment" in told:
        if told.get("project", project) != project:
            return "another project's", "has another project's tag"
        return told["environment"], f"has the tag environment={told['environment']}"
    named = _OWN_NAME.search(item.name)
    if named:
        return named.group(1), f"its name has {named.group(0).strip(' _/')}"
    return None


def _hand_on(standing: Standing, found: dict[str, tuple[str, str]]) -> None:
    """Give what is a part of something, or bears its id, to the environment of that."""
    names = {item.bare_id: f"{kind.name} {item.name}".strip() for kind, item in standing}
    left = [item for _, item in standing if item.bare_id not in found]
    while True:
        handed = {item.bare_id: link for item in left for link in _links(item) if link in found}
        if not handed:
            return
        for identity, link in handed.items():
            why = f"belongs to the {names[link]}" if link in names else found[link][1]
            found[identity] = (found[link][0], why)
        left = [item for item in left if item.bare_id not in found]


def _links(item: Item) -> list[str]:
    text = " ".join([item.name, *sorted(item.tags)])
    return [*item.parts_of, *(identity for identity in _IDENTITY.findall(text) if identity != item.bare_id)]


def _of_a_lost_cluster(item: Item, living: Sequence[str], foreign: Sequence[str]) -> str | None:
    """Why an item that no mark leads to an environment was made by a cluster that is no longer there; None if not."""
    if any(link in living for link in _links(item)):
        return None
    if _BALANCER in item.tags or "kapsule" in item.tags:
        return "made by a cluster that is no longer there"
    if _CLAIM.search(item.name) and not foreign:
        return "volume of a claim, and nobody else has a cluster"
    return None
