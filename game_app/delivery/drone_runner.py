"""Drone's runners for Kubernetes: each takes the builds of one trust, and starts their pods as its policy file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.settings import Delivery
from common.versions import Images
from game_app.build_limits import (
    CONTAINER_CORES,
    CONTAINER_MEMORY_GIB,
    LONGEST_BUILD_TIMEOUT_MINUTES,
    TERMINATION_MINUTES,
)
from game_app.cluster_addresses import DRONE
from game_app.delivery.drone_secrets import rpc_secret
from game_app.delivery.runner_policies import DENIED, NOBODY, Trust, policy_file
from game_app.workload import container, deployment, files_volume, pod, scratch_volume

MAX_CAPACITY: Final = 100
"""Builds of one trust at the same time: up to so many repositories have a place each, and none waits for another."""
_POLICIES: Final = "/etc/runner"


@dataclass(frozen=True, kw_only=True)
class DroneRunnerArgs:
    """Arguments of one runner."""

    settings: Delivery
    images: Images
    namespace: pulumi.Input[str]
    trust: Trust
    organisation: str
    """Owner of the repositories."""
    repositories: Sequence[str]
    """Names of the repositories whose builds have a namespace."""

    @property
    def capacity(self) -> int:
        """Builds at the same time.

        Drone hands out the oldest build first: with fewer places than repositories, a repository that queues many
        builds keeps the others waiting until all of them are over.
        """
        return min(len(self.repositories), MAX_CAPACITY)


class DroneRunner(pulumi.ComponentResource):
    """A runner with a ServiceAccount, to which each namespace of builds grants a Role of its own."""

    account: pulumi.Output[str]
    """Name of the ServiceAccount."""

    def __init__(self, name: str, args: DroneRunnerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:DroneRunner", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        app = f"runner-{args.trust.name}"
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": app, "namespace": args.namespace},
            automount_service_account_token=False,
            opts=child,
        )
        self.account = account.metadata.name
        policies = policy_file(args.trust, args.organisation, args.repositories)
        files = k8s.core.v1.ConfigMap(
            f"{name}-policies",
            metadata={"name": app, "namespace": args.namespace},
            data={"policies.yaml": policies},
            opts=child,
        )
        secret = rpc_secret(args.settings)
        k8s.core.v1.Secret(
            f"{name}-secret",
            metadata={"name": app, "namespace": args.namespace},
            string_data={"DRONE_RPC_SECRET": secret},
            opts=child,
        )
        environment = [k8s.core.v1.EnvVarArgs(name=key, value=value) for key, value in runner_environment(args).items()]
        spec = pod(
            [
                container(
                    "runner",
                    args.images.drone_runner,
                    cpu="100m",
                    memory="256Mi",
                    port=3000,
                    env=environment,
                    env_from=[app],
                    mounts={"policies": _POLICIES, "scratch": "/tmp"},  # noqa: S108 - the runner's own scratch folder
                    writable=["scratch"],
                )
            ],
            volumes=[files_volume("policies", files.metadata.name), scratch_volume("scratch", "64Mi")],
            service_account=self.account,
            # Told to end, a runner takes no more builds, but sees its own to their end; its successor takes the next
            # builds meanwhile.
            grace_seconds=60 * (LONGEST_BUILD_TIMEOUT_MINUTES + TERMINATION_MINUTES),
        )
        deployment(
            name, app, args.namespace, spec, replicas=1, files={"policies": policies, "secret": secret}, opts=child
        )
        self.register_outputs({"account": self.account})


def runner_environment(args: DroneRunnerArgs) -> Mapping[str, str]:
    """Variables of the runner without its secret. Source: docs.drone.io, runner/kubernetes/configuration/reference"""
    return {
        "DRONE_RPC_HOST": DRONE.host_and_port,
        "DRONE_RPC_PROTO": "http",
        "DRONE_RUNNER_NAME": args.trust.name,
        "DRONE_RUNNER_LABELS": f"trust:{args.trust.name}",
        "DRONE_RUNNER_CAPACITY": str(args.capacity),
        # The default is five requests a second to Kubernetes for all builds together: each build takes about ten.
        "DRONE_KUBE_CLIENT_QPS": "50",
        "DRONE_KUBE_CLIENT_BURST": "100",
        # A stage that came to the wrong runner ends here, whatever its labels say.
        "DRONE_LIMIT_EVENTS": args.trust.event,
        "DRONE_LIMIT_REPOS": f"{args.organisation}/*",
        "DRONE_POLICY_FILE": f"{_POLICIES}/policies.yaml",
        "DRONE_NAMESPACE_DEFAULT": DENIED,
        "DRONE_SERVICE_ACCOUNT_DEFAULT": NOBODY,
        # The clone's password goes to the step that clones, not to the steps that run the cloned files.
        "DRONE_NETRC_CLONE_ONLY": "true",
        # By default whoever may restart a build gets a shell in it.
        "DRONE_TMATE_ENABLED": "false",
        "DRONE_RESOURCE_LIMIT_CPU": str(1000 * CONTAINER_CORES),
        "DRONE_RESOURCE_LIMIT_MEMORY": f"{CONTAINER_MEMORY_GIB}GiB",
        "DRONE_IMAGE_CLONE": args.images.git,
        "DRONE_IMAGE_PLACEHOLDER": args.images.drone_placeholder,
    }
