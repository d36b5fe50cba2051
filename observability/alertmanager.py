"""Alertmanager: groups alerts and notifies the operators, where the settings say how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from common.naming import labels
from common.settings import Notify
from observability.rollout import revision
from observability.sizing import resources

NAME: Final = "alertmanager"
PORT: Final = 9093
_SECRETS: Final = "/etc/alertmanager-secrets"
_WEBHOOK, _MAIL = "webhook-url", "mail-password"


@dataclass(frozen=True, kw_only=True)
class AlertmanagerArgs:
    """Settings of notifications."""

    image: str
    namespace: pulumi.Input[str]
    notify: Notify
    """Receivers of alerts."""
    players: int


class Alertmanager(pulumi.ComponentResource):
    """Alertmanager as one pod; alerts that a restart loses, Prometheus sends again."""

    address: pulumi.Output[str]
    """HOST:PORT for Prometheus, known once Alertmanager is ready."""

    def __init__(self, name: str, args: AlertmanagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Alertmanager", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = k8s.meta.v1.ObjectMetaArgs(name=NAME, namespace=args.namespace, labels=dict(labels(NAME)))
        mark = {"app.kubernetes.io/name": NAME}
        written = json.dumps(configuration(args.notify), indent=2)
        rules = k8s.core.v1.ConfigMap(
            f"{name}-configuration", metadata=metadata, data={"alertmanager.yml": written}, opts=child
        )
        secrets = k8s.core.v1.Secret(
            f"{name}-secrets", metadata=metadata, string_data=dict(_secrets(args.notify)), opts=child
        )
        deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata,
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=mark),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        labels=dict(labels(NAME)),
                        # Alertmanager reads its configuration at the start, and files of secrets at each use.
                        annotations={"shambhala/configuration": revision(written)[:10]},
                    ),
                    spec=_pod(args.image, rules.metadata.name, secrets.metadata.name, args.players),
                ),
            ),
            opts=child,
        )
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata=metadata,
            spec=k8s.core.v1.ServiceSpecArgs(selector=mark, ports=[k8s.core.v1.ServicePortArgs(port=PORT)]),
            # No value flows, but Prometheus has no use for an address at which nothing answers.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        self.address = pulumi.Output.concat(service.metadata.name, ":", str(PORT))
        self.register_outputs({"address": self.address})


def configuration(notify: Notify) -> Mapping[str, Any]:
    """Alertmanager's configuration, in which secrets are files.

    Source of the keys: https://prometheus.io/docs/alerting/latest/configuration/
    """
    receiver: dict[str, Any] = {"name": "operators"}
    if notify.webhook_url:
        receiver["webhook_configs"] = [{"url_file": f"{_SECRETS}/{_WEBHOOK}", "send_resolved": True}]
    if notify.mail:
        receiver["email_configs"] = [
            {
                "to": notify.mail.to,
                "from": notify.mail.sender,
                "smarthost": notify.mail.server,
                "auth_username": notify.mail.user,
                "auth_password_file": f"{_SECRETS}/{_MAIL}",
                "require_tls": True,
                "send_resolved": True,
            }
        ]
    return {
        "route": {
            "receiver": "operators",
            # Ten teams stuck at one step are one message.
            "group_by": ["alertname"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [{"receiver": "operators", "matchers": ['severity="page"'], "repeat_interval": "30m"}],
        },
        "receivers": [receiver],
    }


def _secrets(notify: Notify) -> Mapping[str, pulumi.Output[str]]:
    webhook = {_WEBHOOK: notify.webhook_url.output} if notify.webhook_url else {}
    mail = {_MAIL: notify.mail.password.output} if notify.mail else {}
    return {**webhook, **mail}


def _pod(image: str, rules: pulumi.Input[str], secrets: pulumi.Input[str], players: int) -> k8s.core.v1.PodSpecArgs:
    core, asked = k8s.core.v1, resources("alertmanager", players, cpu="10m")
    return core.PodSpecArgs(
        automount_service_account_token=False,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=65534,
            fs_group=65534,
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        containers=[
            core.ContainerArgs(
                name=NAME,
                image=image,
                args=[
                    "--config.file=/etc/alertmanager/alertmanager.yml",
                    "--storage.path=/alertmanager",
                    # One pod needs no gossip.
                    "--cluster.listen-address=",
                ],
                ports=[core.ContainerPortArgs(container_port=PORT)],
                readiness_probe=core.ProbeArgs(http_get=core.HTTPGetActionArgs(path="/-/ready", port=PORT)),
                resources=core.ResourceRequirementsArgs(requests=asked["requests"], limits=asked["limits"]),
                security_context=core.SecurityContextArgs(
                    allow_privilege_escalation=False,
                    read_only_root_filesystem=True,
                    capabilities=core.CapabilitiesArgs(drop=["ALL"]),
                ),
                volume_mounts=[
                    core.VolumeMountArgs(name="rules", mount_path="/etc/alertmanager"),
                    core.VolumeMountArgs(name="secrets", mount_path=_SECRETS, read_only=True),
                    core.VolumeMountArgs(name="state", mount_path="/alertmanager"),
                ],
            )
        ],
        volumes=[
            core.VolumeArgs(name="rules", config_map=core.ConfigMapVolumeSourceArgs(name=rules)),
            core.VolumeArgs(name="secrets", secret=core.SecretVolumeSourceArgs(secret_name=secrets)),
            core.VolumeArgs(name="state", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit="64Mi")),
        ],
    )
