"""Continuous deployment as a whole: Drone, its database, the guard, the runners and the places where builds run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.keys import derived
from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    NetworkRule,
    allow_dns_egress,
    allow_egress,
    allow_ingress,
    allow_ingress_controller,
    allow_kubernetes_api_egress,
    allow_metrics_scrape,
    pods_of,
    ports,
)
from common.versions import Images
from game_app.delivery import buildkit, database, server
from game_app.delivery.buildkit import BuildKit, BuildKitArgs
from game_app.delivery.cells import Cell, CellArgs, DeniedCell, Reach
from game_app.delivery.database import Database, DatabaseArgs
from game_app.delivery.policies import DEPLOYER, DEPLOYMENT, TRUSTS
from game_app.delivery.policies import namespace_of as cell_namespace
from game_app.delivery.registry import ImageRegistry
from game_app.delivery.runners import NAMESPACE as RUNNERS
from game_app.delivery.runners import Runner, RunnerArgs
from game_app.delivery.server import Server, ServerArgs
from game_app.guard.component import APP as GUARD_APP
from game_app.guard.component import NAMESPACE as GUARD
from game_app.guard.component import PORT as GUARD_PORT
from game_app.guard.component import SIGNATURES, Guard, GuardArgs
from game_app.guard.pipelines import COMPONENT, TEAM, containers, pipeline_files, template_name
from game_app.ingress import Door
from game_app.scm.source import ServerPlace, Source

NAMESPACE: Final = "delivery"
COMPONENTS: Final = "game"
"""Namespace of the game's own components."""
CREDENTIALS: Final = "delivery"
"""Secret with what a component's deployment needs outside the cluster."""
MOST_BUILDS: Final = 100
"""Builds of one kind at the same time: up to so many repositories each has a place, and none waits for another."""
_ANY: Final = ["get", "list", "watch", "create", "update", "patch", "delete"]
_COMPONENT: Final = (
    ("", ["configmaps", "secrets", "services", "pods"]),
    ("apps", ["deployments", "statefulsets", "replicasets"]),
    ("networking.k8s.io", ["ingresses"]),
    ("policy", ["poddisruptionbudgets"]),
)
_QUOTA: Final = Quota(
    pods=8,
    cpu="8",
    memory="4Gi",
    storage="8Gi",
    container_cpu="2",
    container_memory="1Gi",
    container_storage="1Gi",
    volume_claims=2,
)
_RUNNERS_QUOTA: Final = Quota(
    pods=16,
    cpu="16",
    memory="8Gi",
    storage="8Gi",
    container_cpu="1",
    container_memory="512Mi",
    container_storage="512Mi",
)
"""Those that end stay until their last build is over, and with every team that is added two do."""


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """What is built and deployed, and by whose leave."""

    images: Images
    master_key: pulumi.Input[str]
    """Base64; every secret between the parts is derived from it."""
    door: Door
    """Where operators find Drone."""
    components: Sequence[str]
    """Names of the game's own repositories."""
    component_namespace: pulumi.Input[str]
    """Where the components run."""
    teams: Mapping[str, pulumi.Input[str]]
    """Name of each team's repository to the namespace that it deploys into."""
    registry: ImageRegistry
    """Where the components' images lie."""
    signing_key: pulumi.Input[str]
    signing_password: pulumi.Input[str]
    """What the images are signed with: cosign's private key, and its password."""
    source: Source
    """The source control that Drone builds from."""
    api: ApiServer
    """The cluster's own API."""


class Delivery(pulumi.ComponentResource):
    """Continuous deployment that no player can bend."""

    guard_url: pulumi.Output[str]
    url: pulumi.Output[str]
    """Where people find Drone, known once it is ready and its certificate is signed."""

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Delivery", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        files = catalogue(args.source, args.components, list(args.teams), args.registry.folder, args.images)
        guard = Guard(
            f"{name}-guard",
            GuardArgs(
                image=args.images.python,
                files=files,
                config_secret=self._secret(args, "drone-config"),
                validate_secret=self._secret(args, "drone-validate"),
                ended_secret=self._secret(args, "drone-ended"),
                setup=args.source.setup,
                server_namespace=NAMESPACE,
                server_app=server.APP,
            ),
            opts=child,
        )
        self.guard_url = guard.url
        self.url = self._server(name, args, guard.url)
        BuildKit(
            f"{name}-buildkit",
            BuildKitArgs(
                image=args.images.buildkit,
                namespaces=[cell_namespace(DEPLOYMENT, component) for component in args.components],
                api=args.api,
            ),
            opts=child,
        )
        self._runners(name, args, [*args.components, *args.teams], files)
        self.register_outputs({"guard_url": self.guard_url, "url": self.url})

    def _secret(self, args: DeliveryArgs, purpose: str) -> pulumi.Output[str]:
        return pulumi.Output.secret(args.master_key).apply(lambda key: derived(key, purpose))

    def _server(self, name: str, args: DeliveryArgs, guard_url: pulumi.Output[str]) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=NAMESPACE,
                app="delivery",
                quota=_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    NetworkRule(
                        name="allow-postgresql",
                        egress=[{"to": [pods_of(NAMESPACE, database.APP)], "ports": ports(database.PORT)}],
                        ingress=[{"from_": [pods_of(NAMESPACE)], "ports": ports(database.PORT)}],
                    ),
                    allow_egress("allow-guard", pods_of(GUARD, GUARD_APP), GUARD_PORT),
                    args.source.egress,
                    allow_ingress("allow-runners", pods_of(RUNNERS)),
                    allow_ingress_controller(),
                    allow_metrics_scrape(),
                    *([args.source.webhooks] if args.source.webhooks else []),
                ],
            ),
            opts=child,
        ).name
        database_password = self._secret(args, "postgres")
        held = Database(
            f"{name}-database",
            DatabaseArgs(image=args.images.postgres, namespace=namespace, password=database_password),
            opts=child,
        )
        return Server(
            f"{name}-server",
            ServerArgs(
                image=args.images.drone,
                namespace=namespace,
                door=args.door,
                internal_host=_internal_host(),
                source=args.source,
                admin_token=admin_token(args.master_key),
                rpc_secret=self._secret(args, "drone-rpc"),
                cookie_secret=self._secret(args, "drone-cookie"),
                database=held.address,
                database_password=database_password,
                database_secret=self._secret(args, "drone-database").apply(lambda secret: secret[:32]),
                guard_url=guard_url,
                config_secret=self._secret(args, "drone-config"),
                validate_secret=self._secret(args, "drone-validate"),
                ended_secret=self._secret(args, "drone-ended"),
            ),
            opts=child,
        ).url

    def _runners(
        self, name: str, args: DeliveryArgs, repositories: Sequence[str], pipelines: Mapping[str, str]
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        namespace = SecureNamespace(
            f"{name}-runners-namespace",
            SecureNamespaceArgs(
                name=RUNNERS,
                app="runners",
                quota=_RUNNERS_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    allow_egress("allow-drone", pods_of(NAMESPACE, server.APP), server.PORT),
                    allow_kubernetes_api_egress(args.api),
                ],
            ),
            opts=child,
        ).name
        DeniedCell(f"{name}-denied", opts=child)
        self._component_role(name, args.component_namespace)
        reach = Reach(
            scm=args.source.egress,
            buildkit_namespace=buildkit.NAMESPACE,
            buildkit_app=buildkit.APP,
            buildkit_port=buildkit.PORT,
            api=args.api,
        )
        for trust in TRUSTS:
            runner = Runner(
                f"{name}-runner-{trust.name}",
                RunnerArgs(
                    images=args.images,
                    namespace=namespace,
                    trust=trust,
                    organisation=args.source.organisation,
                    repositories=repositories,
                    server=_internal_host(),
                    rpc_secret=self._secret(args, "drone-rpc"),
                    capacity=min(len(repositories), MOST_BUILDS),
                ),
                opts=child,
            )
            builds = {kind: containers(pipelines[template_name(kind, trust.event)]) for kind in (COMPONENT, TEAM)}
            for repository in repositories:
                component = repository in args.components
                cell = Cell(
                    f"{name}-{trust.prefix}{repository}",
                    CellArgs(
                        repository=repository,
                        trust=trust,
                        reach=reach,
                        runner_account=runner.account,
                        runner_namespace=namespace,
                        components=component,
                        containers=builds[COMPONENT if component else TEAM],
                    ),
                    opts=child,
                )
                if trust is DEPLOYMENT:
                    self._let_deploy(f"{name}-{repository}", cell, repository, args)

    def _let_deploy(self, name: str, cell: Cell, repository: str, args: DeliveryArgs) -> None:
        """Let a repository's deployments into their target, by the Role that waits there."""
        child = pulumi.ResourceOptions(parent=self)
        component = repository in args.components
        target = args.component_namespace if component else args.teams[repository]
        if component:
            self._give_credentials(name, cell, args)
        k8s.rbac.v1.RoleBinding(
            f"{name}-deployer-binding",
            metadata={"name": f"deployer-{repository}", "namespace": target},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": DEPLOYER},
            subjects=[{"kind": "ServiceAccount", "name": cell.account, "namespace": cell.namespace}],
            opts=child,
        )

    def _give_credentials(self, name: str, cell: Cell, args: DeliveryArgs) -> None:
        """The registry's password and the signing key, for the account of this component's deployments alone."""
        child = pulumi.ResourceOptions(parent=self)
        held = k8s.core.v1.Secret(
            f"{name}-credentials",
            metadata={"name": CREDENTIALS, "namespace": cell.namespace},
            string_data={
                "config.json": pulumi.Output.secret(args.registry.config),
                "cosign.key": pulumi.Output.secret(args.signing_key),
                "cosign.password": pulumi.Output.secret(args.signing_password),
            },
            opts=child,
        )
        role = k8s.rbac.v1.Role(
            f"{name}-credentials-role",
            metadata={"name": CREDENTIALS, "namespace": cell.namespace},
            rules=[
                k8s.rbac.v1.PolicyRuleArgs(
                    api_groups=[""], resources=["secrets"], resource_names=[held.metadata.name], verbs=["get"]
                )
            ],
            opts=child,
        )
        k8s.rbac.v1.RoleBinding(
            f"{name}-credentials-binding",
            metadata={"name": CREDENTIALS, "namespace": cell.namespace},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": cell.account, "namespace": cell.namespace}],
            opts=child,
        )

    def _component_role(self, name: str, namespace: pulumi.Input[str]) -> None:
        """What a component's chart may be made of; Helm keeps its releases in Secrets."""
        k8s.rbac.v1.Role(
            f"{name}-deployer-role",
            metadata={"name": DEPLOYER, "namespace": namespace},
            rules=[
                k8s.rbac.v1.PolicyRuleArgs(api_groups=[group], resources=kinds, verbs=_ANY)
                for group, kinds in _COMPONENT
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )


def catalogue(
    source: Source, components: Sequence[str], teams: Sequence[str], registry: str, images: Images
) -> Mapping[str, str]:
    """The guard's files by name, for repositories of these names."""
    return pipeline_files(
        organisation=source.organisation,
        components=components,
        teams=teams,
        source=source.builds_url,
        registry=registry,
        buildkit=buildkit.URL,
        namespace=COMPONENTS,
        images=images,
    )


def admin_token(master_key: pulumi.Input[str]) -> pulumi.Output[str]:
    """Token of Drone's admin, a secret."""
    return pulumi.Output.secret(master_key).apply(lambda key: derived(key, "drone-admin"))


def server_place(door: Door, master_key: pulumi.Input[str]) -> ServerPlace:
    """Where Drone's server is, for the source control. door: where operators find it."""
    return ServerPlace(
        namespace=NAMESPACE,
        app=server.APP,
        port=server.PORT,
        host=_HOST,
        public_url=door.url,
        token=admin_token(master_key),
        application=f"{NAMESPACE}/{server.APPLICATION}",
        signatures=f"{GUARD}/{SIGNATURES}",
    )


_HOST: Final = f"{server.APP}.{NAMESPACE}.svc.cluster.local"
"""Drone's server inside the cluster."""


def _internal_host() -> str:
    return f"{_HOST}:{server.PORT}"
