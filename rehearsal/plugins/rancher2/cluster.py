"""`rancher2:Cluster`: a cluster that Rancher imports: one that is there already, and joins by its manifest."""

from __future__ import annotations

from typing import ClassVar, cast

import yaml

from rehearsal.plugins.properties import Properties, Secret, text_of
from rehearsal.plugins.provider_model import Call, Created, Found
from rehearsal.plugins.rancher2.client import Rancher, RancherError, View, part, parts, until
from rehearsal.plugins.rancher2.resource import LABELS, RancherResource, described, description_of
from rehearsal.plugins.schema import Field, Fields, Kind

# The official provider's default for creating, updating and deleting, in seconds.
TIMEOUT = 30 * 60.0

_UNSUPPORTED = {
    name: Field(kind=kind, computed=True, refused="it only imports clusters, and leaves the agent as it is.")
    for kind, names in {
        Kind.OBJECT: (
            "aksConfigV2 eksConfigV2 gkeConfigV2 k3sConfig okeConfig rke2Config importedConfig clusterAuthEndpoint"
        ),
        Kind.LIST: "agentEnvVars clusterAgentDeploymentCustomizations fleetAgentDeploymentCustomizations",
        Kind.TEXT: (
            "defaultPodSecurityAdmissionConfigurationTemplateName desiredAgentImage desiredAuthImage dockerRootDir "
            "fleetWorkspaceName"
        ),
        Kind.BOOLEAN: "enableNetworkPolicy",
    }.items()
    for name in names.split()
}


class Cluster(RancherResource):
    """Exists once it waits for its agent (`pending`); `ClusterSync` waits until it is active."""

    autonamed = True
    fields: ClassVar[Fields] = {
        "name": Field(kind=Kind.TEXT, required=True),
        "description": Field(kind=Kind.TEXT),
        "driver": Field(kind=Kind.TEXT, choices=("imported",), computed=True),
        "windowsPreferedCluster": Field(kind=Kind.BOOLEAN, default=False, replaces=True),
        **LABELS,
        **_UNSUPPORTED,
    }
    outputs: ClassVar[frozenset[str]] = frozenset(
        {
            "caCert",
            "clusterAuthEndpoint",
            "clusterRegistrationToken",
            "defaultProjectId",
            "dockerRootDir",
            "enableNetworkPolicy",
            "fleetWorkspaceName",
            "istioEnabled",
            "kubeConfig",
            "systemProjectId",
        }
    )
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"caCert", "kubeConfig"})

    async def create(self, call: Call[Rancher], inputs: Properties) -> Created:
        rancher = call.configuration
        body = {
            "type": "cluster",
            "driver": "imported",
            "name": text_of(inputs, "name"),
            "description": text_of(inputs, "description"),
            **description_of(inputs, {}),
        }
        identity = str((await rancher.create("clusters", body))["id"])
        view = await _in_state(call, identity, {"pending", "active"})
        return Created(identity, await _outputs(rancher, view, {}))

    async def read(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Found | None:
        view = await call.configuration.find("clusters", identity)
        if view is None:
            return None
        return Found(identity, await _outputs(call.configuration, view, state), inputs)

    async def update(self, call: Call[Rancher], identity: str, state: Properties, inputs: Properties) -> Properties:
        rancher = call.configuration
        body = {
            "name": text_of(inputs, "name"),
            "description": text_of(inputs, "description"),
            **description_of(inputs, state),
        }
        await rancher.update(await rancher.get("clusters", identity), body)
        view = await _in_state(call, identity, {"pending", "active", "provisioning"})
        return await _outputs(rancher, view, state)

    async def delete(self, call: Call[Rancher], identity: str, state: Properties) -> None:
        rancher = call.configuration
        view = await rancher.find("clusters", identity)
        if view is None:
            return
        await rancher.delete(view)

        async def removed() -> bool | None:
            return True if await rancher.find("clusters", identity) is None else None

        await until(removed, call.timeout or TIMEOUT, f"Rancher at {rancher.url} did not remove cluster {identity}.")


async def _in_state(call: Call[Rancher], identity: str, states: set[str]) -> View:
    rancher = call.configuration

    async def look() -> View | None:
        view = await rancher.get("clusters", identity)
        await call.log.status(f"{view['state']} {view.get('transitioningMessage') or ''}".strip())
        return view if view["state"] in states else None

    wanted = " or ".join(sorted(states))
    return await until(look, call.timeout or TIMEOUT, f"Cluster {identity} did not become {wanted}.")


async def _outputs(rancher: Rancher, view: View, state: Properties) -> Properties:
    identity = str(view["id"])
    default_project, system_project = await special_projects(rancher, identity)
    return {
        "name": str(view["name"]),
        "description": str(view.get("description") or ""),
        "driver": str(view["driver"]),
        "windowsPreferedCluster": bool(view.get("windowsPreferedCluster")),
        **described(view),
        "caCert": str(view.get("caCert") or ""),
        "clusterAuthEndpoint": {"enabled": bool(part(view, "localClusterAuthEndpoint").get("enabled"))},
        "clusterRegistrationToken": await _registration(rancher, identity),
        "defaultProjectId": default_project,
        "systemProjectId": system_project,
        "dockerRootDir": str(view.get("dockerRootDir") or ""),
        "enableNetworkPolicy": bool(view.get("enableNetworkPolicy")),
        "fleetWorkspaceName": str(view.get("fleetWorkspaceName") or ""),
        "istioEnabled": bool(view.get("istioEnabled")),
        "kubeConfig": await kubeconfig(rancher, identity, text_of(state, "kubeConfig")),
    }


async def _registration(rancher: Rancher, cluster: str) -> Properties:
    """The token with which the cluster joins, and the commands that use it; made if there is none."""
    view: View | None = None
    for name in ("default-token", "system"):
        view = view or await rancher.find("clusterregistrationtokens", f"{cluster}:{name}")
    if view is None:
        body = {"type": "clusterRegistrationToken", "clusterId": cluster, "name": "default-token"}
        view = await rancher.create("clusterregistrationtokens", body)
    texts = (
        "id clusterId name command insecureCommand nodeCommand insecureNodeCommand windowsNodeCommand "
        "insecureWindowsNodeCommand manifestUrl"
    )
    shown: Properties = {name: str(view.get(name) or "") for name in texts.split()}
    return {**shown, **described(view), "token": Secret(str(view["token"]))}


async def special_projects(rancher: Rancher, cluster: str) -> tuple[str, str]:
    """The ids of the cluster's projects Default and System; empty while they are not there."""
    found = {"default": "", "system": ""}
    for view in await rancher.list("projects", clusterId=cluster):
        for kind in found:
            if part(view, "labels").get(f"authz.management.cattle.io/{kind}-project") == "true":
                found[kind] = str(view["id"])
    return found["default"], found["system"]


async def kubeconfig(rancher: Rancher, cluster: str, last: str) -> str:
    """A kubeconfig through Rancher: the last one as long as its token is valid, else a new one."""
    if last and await _token_valid(rancher, last):
        return last

    async def generate() -> str | None:
        view = await rancher.find("clusters", cluster)
        if view is None or "generateKubeconfig" not in view.get("actions", {}):
            return None
        try:
            return str((await rancher.act(view, "generateKubeconfig", {}))["config"])
        except RancherError as error:
            if error.gone or error.status == 503:
                return None
            raise

    return await until(generate, rancher.timeout, f"Rancher at {rancher.url} gave no kubeconfig for {cluster}.")


async def _token_valid(rancher: Rancher, config: str) -> bool:
    users = parts(cast("View", yaml.safe_load(config)), "users")
    token = part(users[0], "user").get("token") if users else ""
    view = await rancher.find("tokens", str(token).partition(":")[0])
    return view is not None and bool(view["enabled"]) and not view["expired"]
