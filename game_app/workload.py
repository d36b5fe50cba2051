"""Pods that fit Kubernetes' `restricted` Pod Security standard."""

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
    command: Sequence[pulumi.Input[str]] = (),
    entrypoint: Sequence[str] = (),
    env: Sequence[k8s.core.v1.EnvVarArgs] = (),
    env_from: Sequence[str] = (),
    mounts: Mapping[str, str] | None = None,
    writable: Sequence[str] = (),
    probe: k8s.core.v1.ProbeArgs | None = None,
    work_in: str | None = None,
    linger: int = 0,
) -> k8s.core.v1.ContainerArgs:
    """A container without rights.

    cpu: what it asks for; memory: what it asks for and may have at most, both in Kubernetes' notation.
    command: what the image's own entry point gets; entrypoint: what runs in its place.
    env_from: names of Secrets whose keys are variables.
    linger: seconds in which it goes on serving before it is told to end, while nobody new is sent to it.
    mounts: name of a volume to the folder at which it appears, read-only but for the names in `writable`.
    """
    core = k8s.core.v1
    return core.ContainerArgs(
        name=name,
        image=image,
        command=list(entrypoint) or None,
        args=list(command) or None,
        env=list(env),
        env_from=[core.EnvFromSourceArgs(secret_ref=core.SecretEnvSourceArgs(name=secret)) for secret in env_from],
        ports=[core.ContainerPortArgs(name="main", container_port=port)] if port else None,
        readiness_probe=probe,
        working_dir=work_in,
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(exec_=core.ExecActionArgs(command=["sleep", str(linger)]))
        )
        if linger
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
    init: Sequence[k8s.core.v1.ContainerArgs] = (),
    once: bool = False,
    grace_seconds: int | None = None,
) -> k8s.core.v1.PodSpecArgs:
    """A pod of a user without a name, which gets an account of the cluster only where one is given.

    automount: every container gets that account. init: what runs before the others, one after the other.
    once: it ends, and is not started again. grace_seconds: how long it may take to end when told to; None: 30.
    """
    core = k8s.core.v1
    return core.PodSpecArgs(
        service_account_name=service_account,
        automount_service_account_token=automount and service_account is not None,
        enable_service_links=False,
        restart_policy="Never" if once else None,
        termination_grace_period_seconds=grace_seconds,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=user,
            run_as_group=user,
            fs_group=user,
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        init_containers=list(init) or None,
        containers=list(containers),
        volumes=list(volumes),
    )


def selector(app: str) -> Mapping[str, str]:
    """What finds one component's pods."""
    return {"app.kubernetes.io/name": app}


def deployment(
    name: str,
    app: str,
    namespace: pulumi.Input[str],
    spec: k8s.core.v1.PodSpecArgs,
    *,
    replicas: int,
    files: Mapping[str, pulumi.Input[str]] | None = None,
    replace: bool = False,
    metrics_port: int | None = None,
    opts: pulumi.ResourceOptions,
) -> k8s.apps.v1.Deployment:
    """A Deployment of one component.

    files: what is mounted; a change of it rolls the pods, which a mounted file alone would not.
    replace: the old pod ends before the new one starts, for a program that may not run twice.
    metrics_port: where Prometheus finds /metrics.
    """
    scraped = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(metrics_port),
        "prometheus.io/path": "/metrics",
    }
    fingerprint = pulumi.Output.all(**(files or {})).apply(_fingerprint)
    return k8s.apps.v1.Deployment(
        f"{name}-deployment",
        metadata={"name": app, "namespace": namespace, "labels": dict(labels(app))},
        spec=k8s.apps.v1.DeploymentSpecArgs(
            replicas=replicas,
            strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate") if replace else None,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(selector(app))),
            template=k8s.core.v1.PodTemplateSpecArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    labels=dict(labels(app)),
                    annotations={"shambhala/files": fingerprint, **(scraped if metrics_port else {})},
                ),
                spec=spec,
            ),
        ),
        opts=opts,
    )


def service(
    name: str, app: str, namespace: pulumi.Input[str], port: int, opts: pulumi.ResourceOptions
) -> k8s.core.v1.Service:
    """A Service of one component's pods on the port of the same number."""
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
    """Ready once a path of the main port answers."""
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="main"), period_seconds=5, timeout_seconds=3
    )


def secret_volume(name: str, secret: pulumi.Input[str], *, optional: bool = False) -> k8s.core.v1.VolumeArgs:
    """A volume with a Secret's keys as files that only the pod's own user reads."""
    source = k8s.core.v1.SecretVolumeSourceArgs(secret_name=secret, optional=optional, default_mode=0o440)
    return k8s.core.v1.VolumeArgs(name=name, secret=source)


def files_volume(name: str, config_map: pulumi.Input[str]) -> k8s.core.v1.VolumeArgs:
    """A volume with a ConfigMap's keys as files."""
    return k8s.core.v1.VolumeArgs(name=name, config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map))


def flat(files: Mapping[str, str]) -> Mapping[str, str]:
    """Files by their path, as keys of a ConfigMap, which knows no folders."""
    return {_key(path): text for path, text in files.items()}


def folder_volume(name: str, config_map: pulumi.Input[str], paths: Iterable[str]) -> k8s.core.v1.VolumeArgs:
    """A volume in which the keys that `flat` made of these paths lie in their folders again."""
    items = [k8s.core.v1.KeyToPathArgs(key=_key(path), path=path) for path in paths]
    source = k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map, items=items)
    return k8s.core.v1.VolumeArgs(name=name, config_map=source)


def _key(path: str) -> str:
    return path.replace("/", "--")


def scratch_volume(name: str, size: str) -> k8s.core.v1.VolumeArgs:
    """An empty volume that goes with the pod."""
    return k8s.core.v1.VolumeArgs(name=name, empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(size_limit=size))


def _fingerprint(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()


def template(app: str, spec: k8s.core.v1.PodSpecArgs) -> k8s.core.v1.PodTemplateSpecArgs:
    """The pods of one component."""
    return k8s.core.v1.PodTemplateSpecArgs(metadata=k8s.meta.v1.ObjectMetaArgs(labels=dict(labels(app))), spec=spec)


def claim(size: str) -> k8s.core.v1.PersistentVolumeClaimSpecArgs:
    """A claim of a volume that one node mounts at a time; its size in Kubernetes' notation."""
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
    opts: pulumi.ResourceOptions,
) -> k8s.apps.v1.StatefulSet:
    """One pod that keeps a volume of its own."""
    return k8s.apps.v1.StatefulSet(
        f"{name}-server",
        metadata={"name": app, "namespace": namespace, "labels": dict(labels(app))},
        spec=k8s.apps.v1.StatefulSetSpecArgs(
            replicas=1,
            service_name=app,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(selector(app))),
            template=template(app, spec),
            volume_claim_templates=[
                k8s.core.v1.PersistentVolumeClaimArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(name=volume), spec=claim(size)
                )
            ],
        ),
        opts=opts,
    )
