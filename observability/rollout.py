"""Job that waits for workloads which an operator, and not the program, makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.naming import labels

REVISION: Final = "shambhala/revision"
"""Annotation of a workload with the revision that it is made from."""


@dataclass(frozen=True, kw_only=True)
class RolloutArgs:
    """Workloads to wait for."""

    image: str
    """Of kubectl."""
    namespace: pulumi.Input[str]
    workloads: Mapping[str, str]
    """Workload, such as `daemonset/agents`, to the revision in its annotation. The Job waits until each is there, has
    the revision and is rolled out: a workload that is ready before may be about to change."""
    timeout: int
    """Seconds for each of them."""
    after: Sequence[pulumi.Resource]
    """Objects from which the operator makes the workloads; no value flows."""


class Rollout(pulumi.ComponentResource):
    """Job that ends when the workloads are ready: the engine waits for Jobs, and a Job can wait for anything."""

    done: pulumi.Output[str]
    """Name of the Job, known once all are ready."""

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Rollout", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        mark = dict(labels("rollout"))
        metadata = k8s.meta.v1.ObjectMetaArgs(name="rollout", namespace=args.namespace, labels=mark)
        account = k8s.core.v1.ServiceAccount(f"{name}-account", metadata=metadata, opts=child)
        role = k8s.rbac.v1.Role(
            f"{name}-role",
            metadata=metadata,
            rules=[
                {
                    "api_groups": ["apps"],
                    "resources": ["statefulsets", "daemonsets"],
                    "verbs": ["get", "list", "watch"],
                }
            ],
            opts=child,
        )
        binding = k8s.rbac.v1.RoleBinding(
            f"{name}-binding",
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": args.namespace}],
            opts=child,
        )
        *first, last = [
            step for workload in args.workloads.items() for step in _steps(args.image, *workload, args.timeout)
        ]
        job = k8s.batch.v1.Job(
            f"{name}-job",
            metadata={
                "name": f"rollout-{revision(args.workloads)[:10]}",
                "namespace": args.namespace,
                "labels": mark,
            },
            spec=k8s.batch.v1.JobSpecArgs(
                backoff_limit=3,
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=mark),
                    spec=k8s.core.v1.PodSpecArgs(
                        service_account_name=account.metadata.name,
                        restart_policy="Never",
                        security_context=k8s.core.v1.PodSecurityContextArgs(
                            run_as_non_root=True,
                            run_as_user=65534,
                            seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
                        ),
                        init_containers=first,
                        containers=[last],
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                # No value flows: the objects behind the workloads, and the right to read the workloads.
                depends_on=[*args.after, binding],
                # Two minutes beyond what its steps allow themselves: they say better what was not ready.
                custom_timeouts=pulumi.CustomTimeouts(create=f"{3 * args.timeout * len(args.workloads) + 120}s"),
                delete_before_replace=True,
            ),
        )
        self.done = job.metadata.name
        self.register_outputs({"done": self.done})


def revision(*parts: object) -> str:
    """Digest of the parts that workloads are made from."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _steps(image: str, workload: str, version: str, timeout: int) -> list[k8s.core.v1.ContainerArgs]:
    """The waits for one workload: kubectl's others fail at once for what is not there yet."""
    name, bound = workload.replace("/", "-"), f"--timeout={timeout}s"
    new = f"--for=jsonpath={{.metadata.annotations.{REVISION}}}={version}"
    return [
        _kubectl(image, f"{name}-there", ["wait", "--for=create", workload, bound]),
        _kubectl(image, f"{name}-new", ["wait", new, workload, bound]),
        # `rollout status` waits for the workload's newest generation.
        _kubectl(image, f"{name}-ready", ["rollout", "status", workload, bound]),
    ]


def _kubectl(image: str, name: str, arguments: list[str]) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name=name,
        image=image,
        args=arguments,
        resources=k8s.core.v1.ResourceRequirementsArgs(
            requests={"cpu": "10m", "memory": "32Mi"}, limits={"memory": "64Mi"}
        ),
        security_context=k8s.core.v1.SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
        ),
    )
