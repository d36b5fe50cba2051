"""Clusters and Instances that are gone or silent, and the resources in a state that went with them.

The engine cannot remove what is on a cluster that does not answer: the `kubernetes` plugin refuses for a Helm release
whatever PULUMI_K8S_DELETE_UNREACHABLE says (https://github.com/pulumi/pulumi-kubernetes/issues/2675). Nor can the
`scaleway` plugin remove an Instance that is gone, as it first asks for the Instance's interfaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast

from scaleway import Client, ScalewayException
from scaleway.instance.v1 import InstanceV1API
from scaleway.k8s.v1 import K8SV1API, ClusterStatus

from cli.kubernetes_api import UnreachableError, ask_api
from cli.stack import Tree
from cli.state import operations, plaintext, resources

CLUSTER: Final = "scaleway:kubernetes/cluster:Cluster"
SERVER: Final = "scaleway:instance/server:Server"
KUBERNETES: Final = "pulumi:providers:kubernetes"
_ENDED: Final = (ClusterStatus.DELETING, ClusterStatus.DELETED)
_ONE_URN: Final = frozenset({"parent", "deletedWith", "viewOf"})
_MANY_URNS: Final = frozenset({"dependencies", "replaceWith"})
"""Fields of a resource in a state that name others."""


@dataclass(frozen=True)
class SilentCluster:
    """A cluster that is there, and whose API does not answer."""

    name: str
    urn: str
    """Of the provider in the state that places objects on it."""
    reason: str


@dataclass(frozen=True)
class Hosts:
    """What a look at the hosts of a state has shown."""

    gone: Mapping[str, str]
    """URN of what went to the sentence that says why: an Instance, or the provider of a cluster's objects."""
    silent: Sequence[SilentCluster]


def look_at_hosts(state: Tree, client: Client) -> Hosts:
    """Ask for every cluster and Instance of a state whose secrets are shown. Raises ScalewayException."""
    known = resources(state)
    gone = {
        server["urn"]: f"The Instance {_name(server)} is gone at Scaleway"
        for server in known
        if server["type"] == SERVER and not _server_is_there(server["id"], client)
    }
    silent: list[SilentCluster] = []
    clusters = {cluster["id"]: cluster for cluster in known if cluster["type"] == CLUSTER}
    for provider in known:
        cluster = clusters.get(provider.get("inputs", {}).get("clusterIdentifier", ""))
        if provider["type"] != KUBERNETES or cluster is None:
            continue
        if not _cluster_is_there(cluster["id"], client):
            gone[provider["urn"]] = f"The cluster {_name(cluster)} is gone at Scaleway"
            continue
        try:
            ask_api(str(plaintext(provider["inputs"]["kubeconfig"])))
        except UnreachableError as error:
            silent.append(SilentCluster(_name(cluster), provider["urn"], str(error)))
    return Hosts(gone, silent)


def lived_on(state: Tree, hosts: Iterable[str]) -> set[str]:
    """The URNs of hosts and of all that goes with them: what a provider placed there, what is deleted with them.

    What was only begun there is among them.
    """
    lost = set(hosts)
    known = [*resources(state), *(operation["resource"] for operation in operations(state))]
    while True:
        found = {
            resource["urn"]
            for resource in known
            if resource.get("deletedWith") in lost or resource.get("provider", "").rpartition("::")[0] in lost
        }
        if found <= lost:
            return lost
        lost |= found


def without(state: Tree, lost: set[str]) -> Tree:
    """The state (as `pulumi stack export` gives it) with neither these resources nor a word of them in others."""
    kept = [_forgetting(resource, lost) for resource in resources(state) if resource["urn"] not in lost]
    begun = [
        {**operation, "resource": _forgetting(operation["resource"], lost)}
        for operation in operations(state)
        if operation["resource"]["urn"] not in lost
    ]
    return {**state, "deployment": {**state["deployment"], "resources": kept, "pending_operations": begun}}


def _forgetting(resource: Tree, lost: set[str]) -> Tree:
    """A resource with every mention of what is lost taken out."""
    kept = {key: value for key, value in resource.items() if not (key in _ONE_URN and value in lost)}
    for key in _MANY_URNS & kept.keys():
        kept[key] = [urn for urn in kept[key] if urn not in lost]
    if "propertyDependencies" in kept:
        by_input = cast("Mapping[str, Sequence[str] | None]", kept["propertyDependencies"] or {})
        kept["propertyDependencies"] = {
            name: [urn for urn in urns or () if urn not in lost] for name, urns in by_input.items()
        }
    return kept


def _name(resource: Tree) -> str:
    return resource["urn"].rpartition("::")[2]


def _server_is_there(identity: str, client: Client) -> bool:
    zone, _, bare = identity.rpartition("/")
    try:
        InstanceV1API(client).get_server(zone=zone, server_id=bare)
    except ScalewayException as error:
        if error.status_code == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True


def _cluster_is_there(identity: str, client: Client) -> bool:
    region, _, bare = identity.rpartition("/")
    try:
        return K8SV1API(client).get_cluster(region=region, cluster_id=bare).status not in _ENDED
    except ScalewayException as error:
        if error.status_code == HTTPStatus.NOT_FOUND:
            return False
        raise
