"""How Rancher's API shows what it keeps: JSON objects with links to themselves and actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from rehearsal.rancher.state import ADMIN, DEFAULTS, READ_ONLY, Cluster, Setting, State, Token

View = dict[str, object]

# Milliseconds that a new cluster is "provisioning" before it waits for its agent, and that a deleted one
# stays before it is gone: Rancher passes through both states, and a client has to bear with them.
PROVISIONING, REMOVING = 250, 500


@dataclass(frozen=True)
class Kind:
    """A type of the API: its name, the name of its collection, and what can be done with it."""

    id: str
    plural: str
    collection: tuple[str, ...] = ("GET",)
    resource: tuple[str, ...] = ("GET",)


TOKEN = Kind("token", "tokens", ("GET", "POST"), ("GET", "DELETE"))
USER = Kind("user", "users")
SETTING = Kind("setting", "settings", ("GET", "POST"), ("GET", "PUT", "DELETE"))
CLUSTER = Kind("cluster", "clusters", ("GET", "POST"), ("GET", "PUT", "DELETE"))
REGISTRATION = Kind("clusterRegistrationToken", "clusterregistrationtokens", ("GET", "POST"))
PROJECT = Kind("project", "projects")
NODE = Kind("node", "nodes")
KINDS = (TOKEN, USER, SETTING, CLUSTER, REGISTRATION, PROJECT, NODE)


def moment(milliseconds: int) -> str:
    """RFC 3339, as Rancher writes times."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Views:
    """The views for one request.

    base: where the client reached the API (scheme, host, port). now: milliseconds since 1970.
    """

    state: State
    base: str
    now: int

    def collection(self, kind: Kind, data: list[View], filters: Mapping[str, str]) -> View:
        """The members whose fields equal all the filters."""
        kept = [view for view in data if all(str(view.get(name)) == value for name, value in filters.items())]
        return {
            "type": "collection",
            "resourceType": kind.id,
            "links": {"self": f"{self.base}/v3/{kind.plural}"},
            "pagination": {"limit": 1000, "total": len(kept)},
            "data": kept,
        }

    def schemas(self) -> View:
        """What a client learns first: each type's methods, and where its collection is."""
        data: list[View] = [
            {
                "id": kind.id,
                "type": "schema",
                "baseType": "schema",
                "pluralName": kind.plural,
                "collectionMethods": list(kind.collection),
                "resourceMethods": list(kind.resource),
                "links": {
                    "self": f"{self.base}/v3/schemas/{kind.id}",
                    "collection": f"{self.base}/v3/{kind.plural}",
                },
            }
            for kind in KINDS
        ]
        return {"type": "collection", "resourceType": "schema", "data": data}

    def _object(self, kind: Kind, identity: str, **fields: object) -> View:
        url = f"{self.base}/v3/{kind.plural}/{identity}"
        links = {"self": url} | ({"update": url} if "PUT" in kind.resource else {})
        links |= {"remove": url} if "DELETE" in kind.resource else {}
        return {"id": identity, "type": kind.id, "baseType": kind.id, "links": links, "actions": {}, **fields}

    def token(self, token: Token, current: Token | None) -> View:
        return self._object(
            TOKEN,
            token.id,
            name=token.id,
            userId=ADMIN,
            authProvider="local",
            description=token.description,
            clusterId=token.cluster or None,
            created=moment(token.created),
            ttl=token.ttl,
            expiresAt=moment(token.created + token.ttl) if token.ttl else "",
            expired=token.expired(self.now),
            enabled=True,
            current=current is not None and current.id == token.id,
            isDerived=True,
            labels=token.labels,
            annotations=token.annotations,
        )

    def user(self) -> View:
        view = self._object(
            USER,
            ADMIN,
            username="admin",
            name="Default Admin",
            enabled=True,
            mustChangePassword=False,
            principalIds=[f"local://{ADMIN}"],
        )
        url = f"{self.base}/v3/users/{ADMIN}"
        return {**view, "actions": {"setpassword": f"{url}?action=setpassword"}}

    def setting(self, setting: Setting) -> View:
        return self._object(
            SETTING,
            setting.name,
            name=setting.name,
            value=setting.effective,
            default=DEFAULTS.get(setting.name, ""),
            customized=setting.value != "",
            source="default" if setting.value == "" else "db",
            readOnly=setting.name in READ_ONLY,
            creatorId=setting.creator or None,
            labels=setting.labels,
            annotations=setting.annotations,
        )

    def cluster(self, cluster: Cluster, *, connected: bool) -> View:
        url = f"{self.base}/v3/clusters/{cluster.id}"
        state = self._state(cluster, connected=connected)
        view = self._object(
            CLUSTER,
            cluster.id,
            name=cluster.name,
            description=cluster.description,
            driver="imported",
            provider="" if not cluster.joined else "kubernetes",
            state=state,
            transitioning="yes" if state in {"provisioning", "pending", "removing"} else "no",
            transitioningMessage="Waiting for the cluster's agent" if state == "pending" else "",
            conditions=_conditions(cluster, connected=connected),
            created=moment(cluster.created),
            removed=moment(cluster.removed) if cluster.removed else None,
            creatorId=ADMIN,
            internal=False,
            localClusterAuthEndpoint={"enabled": False},
            dockerRootDir="/var/lib/docker",
            enableNetworkPolicy=False,
            fleetWorkspaceName="fleet-default",
            windowsPreferedCluster=False,
            istioEnabled=False,
            labels=cluster.labels,
            annotations=cluster.annotations,
        )
        return {**view, "actions": {"generateKubeconfig": f"{url}?action=generateKubeconfig"}}

    def _state(self, cluster: Cluster, *, connected: bool) -> str:
        if cluster.removed:
            return "removing"
        if cluster.joined:
            return "active" if connected else "unavailable"
        return "provisioning" if self.now < cluster.created + PROVISIONING else "pending"

    def registration(self, cluster: Cluster) -> View:
        """The token with which a cluster joins, and the commands that use it."""
        server = self.server()
        manifest = f"{server}/v3/import/{cluster.registration}_{cluster.id}.yaml"
        node = (
            "docker run -d --privileged --restart=unless-stopped --net=host "
            f"rancher/rancher-agent:v2.15.0 --server {server} --token {cluster.registration}"
        )
        return self._object(
            REGISTRATION,
            f"{cluster.id}:default-token",
            name="default-token",
            clusterId=cluster.id,
            namespaceId=cluster.id,
            state="active",
            token=cluster.registration,
            manifestUrl=manifest,
            command=f"kubectl apply -f {manifest}",
            insecureCommand=f"curl --insecure -sfL {manifest} | kubectl apply -f -",
            nodeCommand=node,
            insecureNodeCommand=node,
            windowsNodeCommand="",
            insecureWindowsNodeCommand="",
            labels={},
            annotations={},
        )

    def server(self) -> str:
        """Where agents reach Rancher: the setting, or where this request did."""
        return self.state.setting("server-url") or self.base

    def projects(self) -> list[View]:
        return [view for cluster in self.state.clusters.values() for view in self._projects_of(cluster)]

    def _projects_of(self, cluster: Cluster) -> list[View]:
        kinds = (("Default", cluster.default_project, "default"), ("System", cluster.system_project, "system"))
        return [
            self._object(
                PROJECT,
                project,
                name=name,
                clusterId=cluster.id,
                state="active",
                labels={f"authz.management.cattle.io/{kind}-project": "true"},
                annotations={},
            )
            for name, project, kind in kinds
        ]

    def kubeconfig(self, cluster: Cluster, token: Token) -> View:
        """A kubeconfig through Rancher's proxy, which this stand-in has only in name."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster.name, "cluster": {"server": f"{self.server()}/k8s/clusters/{cluster.id}"}}],
            "users": [{"name": cluster.name, "user": {"token": token.value}}],
            "contexts": [{"name": cluster.name, "context": {"cluster": cluster.name, "user": cluster.name}}],
            "current-context": cluster.name,
        }
        return {"type": "generateKubeConfigOutput", "config": yaml.safe_dump(content, sort_keys=False)}


def _conditions(cluster: Cluster, *, connected: bool) -> list[View]:
    since = moment(cluster.created)
    met = {"Pending": True, "Provisioned": cluster.joined, "Connected": connected, "Ready": connected}
    # A cluster that waits for its agent has no condition Updated at all; the provider waits for it to be there.
    met |= {"Updated": True} if cluster.joined else {}
    return [{"type": name, "status": "True" if so else "False", "lastUpdateTime": since} for name, so in met.items()]
