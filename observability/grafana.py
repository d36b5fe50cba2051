"""Grafana, by its community chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from common.helm import Charts


@dataclass(frozen=True, kw_only=True)
class GrafanaArgs:
    """What Grafana needs."""

    charts: Charts
    namespace: pulumi.Input[str]
    host: pulumi.Input[str]
    """Full name at which it is exposed."""
    admin_password: pulumi.Input[str]
    ingress_class: pulumi.Input[str]


class Grafana(pulumi.ComponentResource):
    """Grafana with its admin's password in a Secret that no chart value repeats."""

    url: pulumi.Output[str]
    """Where it answers, known once it is ready."""

    def __init__(self, name: str, args: GrafanaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Grafana", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        admin = k8s.core.v1.Secret(
            f"{name}-admin",
            metadata={"name": "grafana-admin", "namespace": args.namespace},
            string_data={"admin-user": "admin", "admin-password": pulumi.Output.secret(args.admin_password)},
            opts=child,
        )
        release = args.charts.release(
            "grafana",
            name=f"{name}-release",
            namespace=args.namespace,
            values=grafana_values(args.host, args.ingress_class, admin.metadata.name),
            opts=child,
        )
        self.url = pulumi.Output.all(args.host, release.id).apply(lambda values: f"http://{values[0]}/")
        self.register_outputs({"url": self.url})


def grafana_values(
    host: pulumi.Input[str], ingress_class: pulumi.Input[str], admin_secret: pulumi.Input[str]
) -> Mapping[str, Any]:
    """Values of the chart `grafana`."""
    return {
        # Without it the chart makes a new password at every render.
        "admin": {"existingSecret": admin_secret, "userKey": "admin-user", "passwordKey": "admin-password"},
        "persistence": {"enabled": True, "size": "5Gi"},
        # A volume that one node mounts at a time cannot be held by two generations of the pod.
        "deploymentStrategy": {"type": "Recreate"},
        "testFramework": {"enabled": False},
        "ingress": {"enabled": True, "ingressClassName": ingress_class, "hosts": [host]},
        "grafana.ini": {
            "server": {"root_url": pulumi.Output.concat("http://", host, "/")},
            "analytics": {"reporting_enabled": False, "check_for_updates": False},
        },
    }
