"""Drone's runners: each takes the builds of one kind, and starts their pods where its policies say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.versions import Images
from game_app.budget import CORES, ENDING, LONGEST, MEMORY
from game_app.delivery.policies import DENIED, NOBODY, Trust, policy_file
from game_app.workload import container, deployment, files_volume, pod, scratch_volume

NAMESPACE: Final = "runners"
"""No pipeline's pods run here: whoever has the runners' secret gets every build's."""
_POLICIES: Final = "/etc/runner"


@dataclass(frozen=True, kw_only=True)
class RunnerArgs:
    """Which builds a runner takes."""

    images: Images
    namespace: pulumi.Input[str]
    trust: Trust
    organisation: str
    repositories: Sequence[str]
    """Names of the repositories whose builds have a namespace."""
    server: str
    """Host and port of Drone's server inside the cluster."""
    rpc_secret: pulumi.Input[str]
    capacity: int
    """Builds at the same time. Drone hands out the oldest first: with fewer places than there are repositories, those
    that queue many builds keep the others waiting until all of theirs are over."""


class Runner(pulumi.ComponentResource):
    """One runner with its account, which by itself may do nothing: each namespace of builds lets it in."""

    account: pulumi.Output[str]

    def __init__(self, name: str, args: RunnerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Runner", name, None, opts)
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
        k8s.core.v1.Secret(
            f"{name}-secret",
            metadata={"name": app, "namespace": args.namespace},
            string_data={"DRONE_RPC_SECRET": pulumi.Output.secret(args.rpc_secret)},
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
            # Told to end, it takes no more builds, but sees its own to their end; the one that takes its place takes
            # the next ones meanwhile.
            grace_seconds=60 * (LONGEST + ENDING),
        )
        deployment(
            name,
            app,
            args.namespace,
            spec,
            replicas=1,
            files={"policies": policies, "secret": args.rpc_secret},
            opts=child,
        )
        self.register_outputs({"account": self.account})


def runner_environment(args: RunnerArgs) -> Mapping[str, str]:
    """The runner's settings, without its secret. Source: docs.drone.io, runner/kubernetes/configuration/reference"""
    return {
        "DRONE_RPC_HOST": args.server,
        "DRONE_RPC_PROTO": "http",
        "DRONE_RUNNER_NAME": args.trust.name,
        "DRONE_RUNNER_LABELS": f"trust:{args.trust.name}",
        "DRONE_RUNNER_CAPACITY": str(args.capacity),
        # By itself it asks Kubernetes five times a second, for all its builds together: each takes about ten.
        "DRONE_KUBE_CLIENT_QPS": "50",
        "DRONE_KUBE_CLIENT_BURST": "100",
        # A stage that went to the wrong runner ends here, whatever its labels say.
        "DRONE_LIMIT_EVENTS": args.trust.event,
        "DRONE_LIMIT_REPOS": f"{args.organisation}/*",
        "DRONE_POLICY_FILE": f"{_POLICIES}/policies.yaml",
        "DRONE_NAMESPACE_DEFAULT": DENIED,
        "DRONE_SERVICE_ACCOUNT_DEFAULT": NOBODY,
        # The clone's password goes to the step that clones, not to those that run what was cloned.
        "DRONE_NETRC_CLONE_ONLY": "true",
        # By default anybody who may restart a build gets a shell in it.
        "DRONE_TMATE_ENABLED": "false",
        "DRONE_RESOURCE_LIMIT_CPU": str(1000 * CORES),
        "DRONE_RESOURCE_LIMIT_MEMORY": f"{MEMORY}GiB",
        "DRONE_IMAGE_CLONE": args.images.git,
        "DRONE_IMAGE_PLACEHOLDER": args.images.drone_placeholder,
    }
