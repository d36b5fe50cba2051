"""Adopts what an interrupted update made and could not write down.

An engine that is killed knows that it was creating something, but not whether that came about. What did is there and
billed, and the next update would make it a second time. This finds it at Scaleway, by the tags and the name that the
program gave it, and lets the engine take it in. Steps on the game master, objects on a board and releases need none of
that: the next update does them again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from scaleway import Client
from scaleway.instance.v1 import InstanceV1API
from scaleway.k8s.v1 import K8SV1API
from scaleway.lb.v1 import LbV1ZonedAPI
from scaleway.vpc.v2 import VpcV2API

from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.scaleway_client import client
from cli.stack import PROJECT, Stack, Tree
from common.settings import parse


class Found(Protocol):
    """What every kind of resource at Scaleway has."""

    id: str
    tags: list[str]


Lookup = Callable[[Client], Iterable[Found]]


def _pools(client: Client) -> Generator[Found]:
    api = K8SV1API(client)
    for cluster in api.list_clusters_all():
        yield from api.list_pools_all(cluster_id=cluster.id)


LOOKUPS: Final[Mapping[str, Lookup]] = {
    "scaleway:network/vpc:Vpc": lambda client: VpcV2API(client).list_vp_cs_all(),
    "scaleway:network/privateNetwork:PrivateNetwork": lambda client: VpcV2API(client).list_private_networks_all(),
    "scaleway:instance/ip:Ip": lambda client: InstanceV1API(client).list_ips_all(),
    "scaleway:instance/securityGroup:SecurityGroup": lambda client: InstanceV1API(client).list_security_groups_all(),
    "scaleway:instance/server:Server": lambda client: InstanceV1API(client).list_servers_all(),
    "scaleway:kubernetes/cluster:Cluster": lambda client: K8SV1API(client).list_clusters_all(),
    "scaleway:kubernetes/pool:Pool": _pools,
    "scaleway:loadbalancers/ip:Ip": lambda client: LbV1ZonedAPI(client).list_i_ps_all(),
}
"""How each type of billed resource is listed; the program tags all of them."""


@dataclass(frozen=True)
class Creation:
    """A creation that was cut off."""

    urn: str
    type: str
    tags: frozenset[str]
    name: str | None
    """The name that the program chose, where it chose one."""

    def made(self, resource: Found) -> bool:
        """Whether a resource at Scaleway is what this creation made."""
        # Addresses have no name at all, and a name that the program leaves to the provider is not known here.
        name = getattr(resource, "name", None)
        return frozenset(resource.tags) == self.tags and (self.name is None or name is None or name == self.name)


class AmbiguousError(Exception):
    """Several resources could be what one creation made."""


def cut_off(state: Tree) -> list[Creation]:
    """The creations that a state (as `pulumi stack export` gives it) says were begun and not ended."""
    operations = cast("Sequence[Tree]", state["deployment"].get("pending_operations") or [])
    creations: list[Creation] = []
    for operation in operations:
        resource = operation["resource"]
        if operation["type"] == "creating":
            inputs: Mapping[str, Any] = resource.get("inputs", {})
            tags = frozenset(map(str, inputs.get("tags", [])))
            creations.append(Creation(resource["urn"], resource["type"], tags, inputs.get("name")))
    return creations


def find(creations: Iterable[Creation], known: Iterable[str], client: Client) -> dict[str, str]:
    """URN to id, with its zone or region, of what cut-off creations made; what is not there is left out.

    known: the ids in the state, which belong to others. Raises AmbiguousError for a creation that several fit.
    """
    taken, found = set(known), dict[str, str]()
    for creation in creations:
        lookup = LOOKUPS.get(creation.type)
        if lookup is None:
            continue
        fits = [full for resource in lookup(client) if creation.made(resource) if (full := _id(resource)) not in taken]
        if len(fits) > 1:
            raise AmbiguousError(f"{creation.urn} may have made any of {', '.join(fits)}: remove the others by hand.")
        if fits:
            found[creation.urn] = fits[0]
            taken.add(fits[0])
    return found


def recovered(state: Tree, found: Mapping[str, str]) -> Tree:
    """A state in which what cut-off creations made (URN to id) is there, and none is begun any more.

    The engine has written down what it asked for; what came of it, the next refresh reads. (Its own
    `refresh --import-pending-creates` loses the resource, seen with engine 3.259.)
    """
    deployment: Tree = state["deployment"]
    operations = cast("Sequence[Tree]", deployment["pending_operations"])
    adopted: list[Tree] = [
        # The provider reads again what it is told to have set, and leaves out what not: an Instance's addresses.
        {**operation["resource"], "id": found[operation["resource"]["urn"]], "outputs": _set(operation["resource"])}
        for operation in operations
        if operation["resource"]["urn"] in found
    ]
    others = [operation for operation in operations if operation["type"] != "creating"]
    resources: list[Tree] = [*cast("Sequence[Tree]", deployment["resources"]), *adopted]
    return {**state, "deployment": {**deployment, "resources": resources, "pending_operations": others}}


def _set(resource: Tree) -> Tree:
    """What a creation set, as if it had been written down."""
    return {key: value for key, value in resource.get("inputs", {}).items() if not key.startswith("__")}


def _id(resource: Found) -> str:
    """As the provider writes it: with the zone of what has one, else with the region."""
    return f"{getattr(resource, 'zone', None) or getattr(resource, 'region', None)}/{resource.id}"


def recover(stack: StackName, project: ProjectFolder = PROJECT, pulumi: EngineProgram = DEFAULT_ENGINE) -> int:
    """Adopt what an update that was killed had made and could not write down."""
    of = Stack(stack, project, pulumi)
    state = of.export()
    creations = cut_off(state)
    if not creations:
        print(f"Stack {stack}: no creation was cut off; there is nothing to recover.")
        return 0
    known = [resource["id"] for resource in state["deployment"].get("resources", []) if "id" in resource]
    found = find(creations, known, client(parse(of.read(), stack).scaleway))
    of.replace(recovered(state, found))
    for creation in creations:
        fate = (
            f"adopted {found[creation.urn]}" if creation.urn in found else "not there, will be made by the next update"
        )
        print(f"{creation.urn.rpartition('::')[2]}: {fate}")
    print(f"Next: pulumi up --stack {stack}")
    return 0
