"""What is to be destroyed, and what was found out about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from rich.table import Table

from cli.destroy.lost_hosts import SERVER, Hosts, lived_on
from cli.leftovers.survey import Survey
from cli.stack import Tree
from cli.state import resources
from common.settings import Settings

PLACES: Final = {
    "scaleway": "resources at Scaleway",
    "kubernetes": "objects on the boards",
    "command": "steps on the game master",
    "rancher2": "resources in Rancher",
}
"""What the resources of each plugin are."""


@dataclass(frozen=True)
class Plan:
    """An environment that is to be destroyed."""

    settings: Settings
    state: Tree
    """With its secrets shown; only to be read."""
    hosts: Hosts
    standing: Survey
    """What stands at Scaleway."""

    @property
    def servers(self) -> list[str]:
        """The ids of the Instances that are there, with their zones."""
        servers = [resource for resource in resources(self.state) if resource["type"] == SERVER]
        return [server["id"] for server in servers if server["urn"] not in self.hosts.gone]

    @property
    def lost(self) -> set[str]:
        """The URNs of what nobody can be asked to remove."""
        return lived_on(self.state, [*self.hosts.gone, *(cluster.urn for cluster in self.hosts.silent)])


def identities(state: Tree) -> Sequence[str]:
    """The bare ids of what a state holds at Scaleway, and of the volumes that its Instances have."""
    scaleway = [each for each in resources(state) if each["type"].startswith("scaleway:") and "id" in each]
    # A volume outlives an Instance that is lost, and nothing at Scaleway says any more whose it was.
    volumes = [_root_volume(each) for each in scaleway if each["type"] == SERVER]
    return [identity.rpartition("/")[2] for identity in [*(each["id"] for each in scaleway), *volumes] if identity]


def _root_volume(server: Tree) -> str:
    """The id of an Instance's root volume; empty for one whose making was cut off."""
    root: Tree = server.get("outputs", {}).get("rootVolume") or {}
    return str(root.get("volumeId", ""))


def plan_table(plan: Plan) -> Table:
    """How much of each kind will be destroyed, and what it costs while it stands."""
    name, standing = plan.settings.environment, plan.standing.ours
    table = Table("", "what", "EUR/hour", title=f"To be destroyed: the environment {name}", title_justify="left")
    for column in (0, 2):
        table.columns[column].justify = "right"
    packages = Counter(str(resource["type"]).partition(":")[0] for resource in resources(plan.state))
    for package, place in PLACES.items():
        if packages[package]:
            table.add_row(str(packages[package]), place, "")
    table.add_section()
    for (product, kind), number in Counter((each.product, each.kind) for each in standing).items():
        of_a_kind = [each.hourly_price for each in standing if (each.product, each.kind) == (product, kind)]
        price = sum((price for price in of_a_kind if price is not None), Decimal())
        table.add_row(str(number), f"{product}: {kind}", f"{price:.4f}" if price else "")
    return table
