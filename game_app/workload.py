"""Pods that fit Kubernetes' `restricted` Pod Security standard, and their Deployments, StatefulSets and Services."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from common.naming import labels


def container(
    name: str,
    image: pulumi.Input[str],
    *,
    cpu: str,
    memory: str,
    port: int | None = None,
    command: Sequence[str] = (),
    args: Sequence[pulumi.Input[str]] = (),
    env: Sequence[k8s.core.v1.EnvVarArgs] = (),
    env_from: Sequence[str] = (),
    mounts: Mapping[str, str] | None = None,
    writable: Sequence[str] = (),
    probe: k8s.core.v1.ProbeArgs | None = None,
    working_dir: str | None = None,
    pre_stop_seconds: int = 0,
) -> k8s.core.v1.ContainerArgs:
    """Container without privileges and with a read-only root filesystem.

    cpu: request; memory: request and limit, both in Kubernetes' notation.
    command: replaces the image's entry point; args: arguments of the command, or of the image's entry point.
    env_from: names of Secrets whose keys are variables.
    mounts: name of a volume to its folder in the container, read-only but for the names in `writable`.
    pre_stop_seconds: seconds before SIGTERM in which the container still serves, while the Service sends nothing new.
    """
    core = k8s.core.v1
    return core.ContainerArgs(
        name=name,
        image=image,
        command=list(command) or None,
        args=list(args) or None,
        env=list(env),
        env_from=[core.EnvFromSourceArgs(secret_ref=core.SecretEnvSourceArgs(name=secret)) for secret in env_from],
        ports=[core.ContainerPortArgs(name="main", container_port=port)] if port else None,
        readiness_probe=probe,
        working_dir=working_dir,
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(exec_=core.ExecActionArgs(command=["sleep", str(pre_stop_seconds)]))
        )
        if pre_stop_seconds
        else None,
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": cpu, "memory": memory, "ephemeral-storage": "64Mi"},
            limits={"memory": memory, "ephemeral-storage": "256Mi"},
        ),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        ),
        volume_mounts=[
            core.VolumeMountArgs(name=volume, mount_path=path, read_only=volume not in writable)
            for volume, path in (mounts or {}).items()
        ],
    )


def pod(
    containers: Sequence[k8s.core.v1.ContainerArgs],
    *,
    volumes: Sequence[k8s.core.v1.VolumeArgs] = (),
    user: int = 65532,
    service_account: pulumi.Input[str] | None = None,
    automount: bool = True,
    init_containers: Sequence[k8s.core.v1.ContainerArgs] = (),
    restart: bool = True,
    grace_seconds: int | None = None,
) -> k8s.core.v1.PodSpecArgs:
    """Pod of an unprivileged user, with a ServiceAccount only where one is given.

    automount: whether every container gets the ServiceAccount's token. init_containers: run before the others, in turn.
    restart: False for a pod of a Job. grace_seconds: seconds from SIGTERM to SIGKILL; None: Kubernetes' 30.
    """
    core = k8s.core.v1
    return core.PodSpecArgs(
        service_account_name=service_account,
        automount_service_account_token=automount and service_account is not None,
        enable_service_links=False,
        restart_policy=None if restart else "Never",
        termination_grace_period_seconds=grace_seconds,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=user,
            run_as_group=user,
            fs_group=user,
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        init_containers=list(init_containers) or None,
        containers=list(containers),
        volumes=list(volumes),
    )


def selector(app: str) -> Mapping[str, str]:
    """Labels that select the pods of one app."""
    return {"app.kubernetes.io/name": app}


def deployment(
    name: str,
    app: str,
    namespace: pulumi.Input[str],
    spec: k8s.core.v1.PodSpecArgs,
    *,
    replicas: int,
    files: Mapping[str, pulumi.Input[str]] | None = None,
    recreate: bool = False,
    metrics_port: int | None = None,
    opts: pulumi.ResourceOptions,
) -> k8s.apps.v1.Deployment:
    """Deployment of one app. name: prefix of the resource's name.

    files: contents of the mounted files: a change replaces the pods, which a changed ConfigMap alone does not.
    recreate: the old pod ends before the new one starts, for a program that must not run twice.
    metrics_port: port at which Prometheus scrapes /metrics.
    """
    fingerprint = pulumi.Output.all(**(files or {})).apply(_fingerprint)
    return k8s.apps.v1.Deployment(
        f"{name}-deployment",
        metadata={"name": app, "namespace": namespace, "labels": dict(labels(app))},
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=replicas,
            strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate") if recreate else None,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(selector(app))),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    labels=dict(labels(app)),
                    annotations={"shambhala/files": fingerprint, **_scraped(metrics_port)},
                ),
                spec=spec,
            ),
        ),
        opts=opts,
    )


def service(
    name: str, app: str, namespace: pulumi.Input[str], port: int, opts: pulumi.ResourceOptions
) -> k8s.core.v1.Service:
    """Service of one app's pods, on the port of the same number."""
    return k8s.core.v1.Service(
        f"{name}-service",
        metadata={"name": app, "namespace": namespace, "labels": dict(labels(app))},
        spec=k8s.core.v1.ServiceSpecArgs(
            selector=dict(selector(app)),
            ports=[k8s.core.v1.ServicePortArgs(name="main", port=port, target_port="main")],
        ),
        opts=opts,
    )


def http_probe(path: str) -> k8s.core.v1.ProbeArgs:
    """Readiness probe of a path on the main port."""
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="main"), period_seconds=5, timeout_seconds=3
    )


def secret_volume(name: str, secret: pulumi.Input[str], *, optional: bool = False) -> k8s.core.v1.VolumeArgs:
    """Volume with a Secret's keys as files that only the pod's own user reads."""
    source = k8s.core.v1.SecretVolumeSourceArgs(secret_name=secret, optional=optional, default_mode=0o440)
    return k8s.core.v1.VolumeArgs(name=name, secret=source)


def files_volume(name: str, config_map: pulumi.Input[str], *, mode: int | None = None) -> k8s.core.v1.VolumeArgs:
    """Volume with a ConfigMap's keys as files. mode: of each file; None: everybody reads and nobody executes."""
    source = k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map, default_mode=mode)
    return k8s.core.v1.VolumeArgs(name=name, config_map=source)


def flat(files: Mapping[str, str]) -> Mapping[str, str]:
    """Files by path as data of a ConfigMap, whose keys have no slash."""
    return {_key(path): text for path, text in files.items()}


def folder_volume(name: str, config_map: pulumi.Input[str], paths: Iterable[str]) -> k8s.core.v1.VolumeArgs:
    """Volume with the files of `flat` in their folders again. paths: the files' paths."""
    items = [k8s.core.v1.KeyToPathArgs(key=_key(path), path=path) for path in paths]
    source = k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map, items=items)
    return k8s.core.v1.VolumeArgs(name=name, config_map=source)


def _key(path: str) -> str:
    return path.replace("/", "--")


def scratch_volume(name: str, size: str) -> k8s.core.v1.VolumeArgs:
    """Empty volume that is removed with the pod. size: in Kubernetes' notation."""
    return k8s.core.v1.VolumeArgs(name=name, empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(size_limit=size))


def _fingerprint(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()


def template(
    app: str, spec: k8s.core.v1.PodSpecArgs, *, metrics_port: int | None = None
) -> k8s.core.v1.PodTemplateSpecArgs:
    """Pod template of one app. metrics_port: port at which Prometheus scrapes /metrics."""
    metadata = k8s.meta.v1.ObjectMetaArgs(labels=dict(labels(app)), annotations=_scraped(metrics_port) or None)
    return k8s.core.v1.PodTemplateSpecArgs(metadata=metadata, spec=spec)


def _scraped(metrics_port: int | None) -> dict[str, pulumi.Input[str]]:
    """Annotations by which Prometheus finds a pod's metrics."""
    if metrics_port is None:
        return {}
    return {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(metrics_port),
        "prometheus.io/path": "/metrics",
    }


def claim(size: str) -> k8s.core.v1.PersistentVolumeClaimSpecArgs:
    """Claim of a volume that one node mounts at a time. size: in Kubernetes' notation."""
    return k8s.core.v1.PersistentVolumeClaimSpecArgs(
        access_modes=["ReadWriteOnce"],
        resources=k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": size}),
    )


def stateful_set(
    name: str,
    app: str,
    namespace: pulumi.Input[str],
    spec: k8s.core.v1.PodSpecArgs,
    *,
    volume: str,
    size: str,
    metrics_port: int | None = None,
    opts: pulumi.ResourceOptions,
) -> k8s.apps.v1.StatefulSet:
    """StatefulSet of one pod with a volume.

    volume: its name in the pod; size: in Kubernetes' notation. metrics_port: port at which Prometheus scrapes /metrics.
    """
    return k8s.apps.v1.StatefulSet(
        f"{name}-server",
        metadata={"name": app, "namespace": namespace, "labels": dict(labels(app))},
        spec=k8s.apps.v1.StatefulSetSpecArgs(
            replicas=1,
            service_name=app,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(selector(app))),
            template=template(app, spec, metrics_port=metrics_port),
            volume_claim_templates=[
                k8s.core.v1.PersistentVolumeClaimArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(name=volume), spec=claim(size)
                )
            ],
        ),
        opts=opts,
    )
