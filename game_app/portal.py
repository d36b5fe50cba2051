"""The portal: the first page that a player sees."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from common.naming import labels
from common.templates import render

_PAGE = Path(__file__).parent / "pages" / "index.html.j2"
_PORT = 8080


@dataclass(frozen=True)
class _Page:
    host: str


@dataclass(frozen=True, kw_only=True)
class PortalArgs:
    """What the portal needs."""

    namespace: pulumi.Input[str]
    host: pulumi.Input[str]
    """Full name at which it is exposed."""
    ingress_class: pulumi.Input[str]
    image: pulumi.Input[str]
    """An nginx that runs without rights and listens on port 8080."""
    replicas: pulumi.Input[int]


class Portal(pulumi.ComponentResource):
    """A static page behind the board's ingress."""

    url: pulumi.Output[str]
    """Known once the page is served: its pods are ready and the ingress has an address."""

    def __init__(self, name: str, args: PortalArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Portal", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        mark = dict(labels("portal"))
        select = {"app.kubernetes.io/name": mark["app.kubernetes.io/name"]}
        metadata = k8s.meta.v1.ObjectMetaArgs(name="portal", namespace=args.namespace, labels=mark)
        page = pulumi.Output.from_input(args.host).apply(lambda host: render(_PAGE, _Page(host)))
        pages = k8s.core.v1.ConfigMap(f"{name}-pages", metadata=metadata, data={"index.html": page}, opts=child)
        deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata,
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=args.replicas,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=select),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        labels=mark,
                        # A new page rolls the pods, for a mounted ConfigMap alone would change unseen.
                        annotations={"shambhala/page": page.apply(_fingerprint)},
                    ),
                    spec=_pod(args.image, pages.metadata.name),
                ),
            ),
            opts=child,
        )
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name="portal",
                namespace=args.namespace,
                labels=mark,
                # Its pods are waited for with the Deployment; Pulumi would watch the Service for ten seconds more.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=select, ports=[k8s.core.v1.ServicePortArgs(name="http", port=80, target_port="http")]
            ),
            opts=child,
        )
        ingress = k8s.networking.v1.Ingress(
            f"{name}-ingress",
            metadata=metadata,
            spec=k8s.networking.v1.IngressSpecArgs(
                ingress_class_name=args.ingress_class, rules=[_rule(args.host, service.metadata.name)]
            ),
            opts=child,
        )
        self.url = pulumi.Output.all(args.host, ingress.id, deployment.id).apply(lambda known: f"http://{known[0]}/")
        self.register_outputs({"url": self.url})


def _pod(image: pulumi.Input[str], pages: pulumi.Input[str]) -> k8s.core.v1.PodSpecArgs:
    """A pod that fits Kubernetes' `restricted` Pod Security standard."""
    core = k8s.core.v1
    return core.PodSpecArgs(
        automount_service_account_token=False,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True, seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault")
        ),
        containers=[
            core.ContainerArgs(
                name="nginx",
                image=image,
                ports=[core.ContainerPortArgs(name="http", container_port=_PORT)],
                readiness_probe=core.ProbeArgs(http_get=core.HTTPGetActionArgs(path="/", port="http")),
                resources=core.ResourceRequirementsArgs(
                    requests={"cpu": "10m", "memory": "16Mi"}, limits={"memory": "64Mi"}
                ),
                security_context=core.SecurityContextArgs(
                    allow_privilege_escalation=False,
                    read_only_root_filesystem=True,
                    capabilities=core.CapabilitiesArgs(drop=["ALL"]),
                ),
                volume_mounts=[
                    core.VolumeMountArgs(name="pages", mount_path="/usr/share/nginx/html", read_only=True),
                    core.VolumeMountArgs(name="scratch", mount_path="/tmp"),  # noqa: S108 - nginx's own scratch folder
                ],
            )
        ],
        volumes=[
            core.VolumeArgs(name="pages", config_map=core.ConfigMapVolumeSourceArgs(name=pages)),
            core.VolumeArgs(name="scratch", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit="16Mi")),
        ],
    )


def _rule(host: pulumi.Input[str], service: pulumi.Input[str]) -> k8s.networking.v1.IngressRuleArgs:
    networking = k8s.networking.v1
    backend = networking.IngressBackendArgs(
        service=networking.IngressServiceBackendArgs(name=service, port=networking.ServiceBackendPortArgs(name="http"))
    )
    path = networking.HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)
    return networking.IngressRuleArgs(host=host, http=networking.HTTPIngressRuleValueArgs(paths=[path]))


def _fingerprint(page: str) -> str:
    return hashlib.sha256(page.encode()).hexdigest()
