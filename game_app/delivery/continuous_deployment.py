"""Continuous deployment: Drone with PostgreSQL, BuildKit, the runners and the namespaces in which builds run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

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
from common.settings import Delivery as DeliverySettings
from common.versions import Images
from game_app.cluster_addresses import DRONE, GUARD, POSTGRES, RUNNERS_NAMESPACE
from game_app.delivery.build_namespaces import BuildEgress, BuildNamespace, BuildNamespaceArgs, DeniedBuildNamespace
from game_app.delivery.buildkit import BuildKit, BuildKitArgs
from game_app.delivery.deployer_rights import bind_deployer, component_credentials, component_deployer_role
from game_app.delivery.drone import Drone, DroneArgs
from game_app.delivery.drone_postgres import Postgres, PostgresArgs
from game_app.delivery.drone_runner import DroneRunner, DroneRunnerArgs
from game_app.delivery.image_registry import ImageRegistry
from game_app.delivery.runner_policies import DEPLOYMENT, TRUSTS, Trust, namespace_of
from game_app.guard.guard import Guard, GuardArgs
from game_app.guard.pipelines import COMPONENT, TEAM, containers, template_name
from game_app.guard.signing_secrets import SigningSecrets
from game_app.ingress import Endpoint
from game_app.source_control import SourceControl

_DRONE_QUOTA: Final = Quota(
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
"""Each added team replaces both runners, and the replaced ones stay until their last build is over."""


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """Arguments of the continuous deployment."""

    settings: DeliverySettings
    images: Images
    endpoint: Endpoint
    """Public address of Drone, for operators."""
    source_control: SourceControl
    pipelines: Mapping[str, str]
    """Files of the guard (`guard.pipelines.pipeline_files`)."""
    component_namespace: pulumi.Input[str]
    """Namespace that components are deployed into."""
    teams: Mapping[str, pulumi.Input[str]]
    """Name of each team's repository to the namespace that it is deployed into."""
    registry: ImageRegistry
    """Registry of the components' images."""
    api: ApiServer
    """The cluster's own API."""

    @property
    def repositories(self) -> Sequence[str]:
        """Names of all repositories that are built."""
        return [*self.settings.components, *self.teams]


class Delivery(pulumi.ComponentResource):
    """Continuous deployment in which the guard, and no pull request, says what a build runs."""

    guard_url: pulumi.Output[str]
    url: pulumi.Output[str]
    """URL of Drone for people, known once Drone is ready and its certificate is signed."""

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Delivery", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        signing_secrets = SigningSecrets.derived(args.settings)
        guard = Guard(
            f"{name}-guard",
            GuardArgs(image=args.images.python, pipelines=args.pipelines, signing_secrets=signing_secrets),
            opts=child,
        )
        self.guard_url = guard.url
        self.url = self._drone(name, args, guard.url, signing_secrets)
        BuildKit(
            f"{name}-buildkit",
            BuildKitArgs(
                image=args.images.buildkit,
                client_namespaces=[namespace_of(DEPLOYMENT, component) for component in args.settings.components],
                api=args.api,
            ),
            opts=child,
        )
        component_deployer_role(name, args.component_namespace, child)
        DeniedBuildNamespace(f"{name}-denied", opts=child)
        runners = self._runners_namespace(name, args.api)
        for trust in TRUSTS:
            self._runner(name, args, trust, runners)
        self.register_outputs({"guard_url": self.guard_url, "url": self.url})

    def _drone(
        self, name: str, args: DeliveryArgs, guard_url: pulumi.Output[str], signing_secrets: SigningSecrets
    ) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        webhook_ingress = args.source_control.webhook_ingress
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=DRONE.namespace,
                app="delivery",
                quota=_DRONE_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    NetworkRule(
                        name="allow-postgresql",
                        egress=[{"to": [POSTGRES.pods], "ports": ports(POSTGRES.port)}],
                        ingress=[{"from_": [pods_of(POSTGRES.namespace)], "ports": ports(POSTGRES.port)}],
                    ),
                    allow_egress("allow-guard", GUARD.pods, GUARD.port),
                    args.source_control.egress,
                    allow_ingress("allow-runners", pods_of(RUNNERS_NAMESPACE)),
                    allow_ingress_controller(),
                    allow_metrics_scrape(),
                    *([webhook_ingress] if webhook_ingress else []),
                ],
            ),
            opts=child,
        ).name
        database = Postgres(
            f"{name}-postgres",
            PostgresArgs(settings=args.settings, image=args.images.postgres, namespace=namespace),
            opts=child,
        )
        return Drone(
            f"{name}-drone",
            DroneArgs(
                settings=args.settings,
                image=args.images.drone,
                namespace=namespace,
                endpoint=args.endpoint,
                source_control=args.source_control,
                database=database.address,
                guard_url=guard_url,
                signing_secrets=signing_secrets,
            ),
            opts=child,
        ).url

    def _runners_namespace(self, name: str, api: ApiServer) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        return SecureNamespace(
            f"{name}-runners-namespace",
            SecureNamespaceArgs(
                name=RUNNERS_NAMESPACE,
                app="runners",
                quota=_RUNNERS_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    allow_egress("allow-drone", DRONE.pods, DRONE.port),
                    allow_kubernetes_api_egress(api),
                ],
            ),
            opts=child,
        ).name

    def _runner(self, name: str, args: DeliveryArgs, trust: Trust, namespace: pulumi.Output[str]) -> None:
        """The runner of one trust, and a namespace for each repository's builds of that trust."""
        child = pulumi.ResourceOptions(parent=self)
        runner = DroneRunner(
            f"{name}-runner-{trust.name}",
            DroneRunnerArgs(
                settings=args.settings,
                images=args.images,
                namespace=namespace,
                trust=trust,
                organisation=args.source_control.organisation,
                repositories=args.repositories,
            ),
            opts=child,
        )
        sizes = {kind: containers(args.pipelines[template_name(kind, trust.event)]) for kind in (COMPONENT, TEAM)}
        for repository in args.repositories:
            is_component = repository in args.settings.components
            builds = BuildNamespace(
                f"{name}-{trust.prefix}{repository}",
                BuildNamespaceArgs(
                    repository=repository,
                    trust=trust,
                    egress=BuildEgress(source_control=args.source_control.egress, api=args.api),
                    runner_account=runner.account,
                    runner_namespace=namespace,
                    builds_images=is_component,
                    containers=sizes[COMPONENT if is_component else TEAM],
                ),
                opts=child,
            )
            if trust is not DEPLOYMENT:
                continue
            target = args.component_namespace if is_component else args.teams[repository]
            bind_deployer(f"{name}-{repository}", repository, target, builds, child)
            if is_component:
                component_credentials(f"{name}-{repository}", args.settings, args.registry, builds, child)
