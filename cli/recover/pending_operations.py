"""Operations in a state that were begun and not ended, and the state without them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cli.account import Account, Item
from cli.leftovers.inventory import LISTED
from cli.stack import Tree
from cli.state import operations, resources

UNREADABLE: Final = frozenset({"scaleway:iam/apiKey:ApiKey"})
"""Types of which Scaleway tells the most important half at creation alone, so that what was made is of no use."""


@dataclass(frozen=True)
class Creation:
    """A creation that was cut off."""

    urn: str
    type: str
    inputs: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]

    def made(self, item: Item) -> bool:
        """Whether something at Scaleway is what this creation made."""
        if item.inputs:
            return all(self.inputs.get(key) == value for key, value in item.inputs.items())
        # Addresses have no name at all, and a name that the program leaves to the provider is not known here.
        name = self.inputs.get("name")
        tags = frozenset(map(str, self.inputs.get("tags", [])))
        return item.tags == tags and (not name or not item.name or name == item.name)


class AmbiguousError(Exception):
    """Several resources could be what one creation made."""


def cut_off(state: Tree) -> list[Creation]:
    """The creations that a state says were begun and not ended."""
    return [
        Creation(operation["resource"]["urn"], operation["resource"]["type"], operation["resource"].get("inputs", {}))
        for operation in operations(state)
        if operation["type"] == "creating"
    ]


def changed(state: Tree) -> list[str]:
    """URNs of what the state holds and was being changed or removed."""
    return [operation["resource"]["urn"] for operation in operations(state) if operation["type"] != "creating"]


def find(creations: Iterable[Creation], known: Iterable[str], account: Account) -> dict[str, str]:
    """URN to id, as the provider writes it, of what cut-off creations made; what is not there is left out.

    known: the ids in the state, which belong to others. Raises AmbiguousError for a creation that several fit.
    """
    taken, found = set(known), dict[str, str]()
    for creation in creations:
        kind = LISTED.get(creation.type)
        if kind is None:
            continue
        fits = [item.id for item in kind.list(account) if creation.made(item) and item.id not in taken]
        if len(fits) > 1:
            raise AmbiguousError(f"{creation.urn} may have made any of {', '.join(fits)}: remove the others by hand.")
        if fits:
            found[creation.urn] = fits[0]
            taken.add(fits[0])
    return found


def superfluous(state: Tree, creation: Creation) -> bool:
    """Whether what a creation made is to go: another was made meanwhile, or it cannot be used."""
    return creation.type in UNREADABLE or creation.urn in {resource["urn"] for resource in resources(state)}


def recovered(state: Tree, found: Mapping[str, str], failed: Collection[str] = (), left: Collection[str] = ()) -> Tree:
    """A state in which what cut-off creations made (URN to id) is there, and none is begun any more.

    failed: URNs of resources that the next update has to go on with, whether their settings changed or not.

    The engine has written down what it asked for; what came of it, the next refresh reads, and what of the state was
    being changed or removed, too. (Its own `refresh --import-pending-creates` loses the resource, seen with engine
    3.259; and `stack import` drops every operation that it is given.)
    """
    deployment: Tree = state["deployment"]
    unwanted = {creation.urn for creation in cut_off(state) if superfluous(state, creation)}
    # The provider reads again what it is told to have set, and leaves out what not: an Instance's addresses.
    adopted: list[Tree] = [
        {
            **operation["resource"],
            "id": found[operation["resource"]["urn"]],
            "outputs": _set(operation["resource"]),
            # As the engine marks what another has taken the place of; the next update removes it.
            **({"delete": True, "protect": False} if operation["resource"]["urn"] in unwanted else {}),
        }
        for operation in operations(state)
        if operation["type"] == "creating" and operation["resource"]["urn"] in found
    ]
    marked = [
        {**resource, "initErrors": [INTERRUPTED]} if resource["urn"] in failed else resource
        for resource in (*resources(state), *adopted)
    ]
    return {**state, "deployment": {**deployment, "resources": marked, "pending_operations": []}}


INTERRUPTED: Final = "an update that was killed left it half done"


def _set(resource: Tree) -> Tree:
    """What a creation set, as if it had been written down."""
    return {key: value for key, value in resource.get("inputs", {}).items() if not key.startswith("__")}
