"""The door of a board: F5's NGINX ingress controller behind a reserved address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumiverse_scaleway import loadbalancers

from common.helm import Charts
from common.naming import baseline_namespace, tags

CLASS = "nginx"
"""Ingress class of everything that a board exposes."""


@dataclass(frozen=True, kw_only=True)
class IngressControllerArgs:
    """What the controller is made of."""

    environment: str
    board: str
    charts: Charts


class IngressController(pulumi.ComponentResource):
    """The ingress controller and the reserved IP of its load balancer."""

    ip: pulumi.Output[str]
    """Public IPv4 address, known once the controller is ready to serve at it."""
    ingress_class: pulumi.Output[str]

    def __init__(self, name: str, args: IngressControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:IngressController", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        address = loadbalancers.Ip(f"{name}-ip", tags=tags(args.environment, args.board), opts=child)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace", metadata={"name": "ingress", "labels": dict(baseline_namespace("ingress"))}, opts=child
        )
        release = args.charts.release(
            "nginx-ingress",
            name=f"{name}-controller",
            namespace=namespace.metadata.name,
            values=controller_values(address.id.apply(_bare_id)),
            opts=child,
        )
        self.ip = pulumi.Output.all(address.ip_address, release.id).apply(lambda values: str(values[0]))
        self.ingress_class = release.id.apply(lambda _: CLASS)
        self.register_outputs({"ip": self.ip, "ingress_class": self.ingress_class})


def controller_values(reserved_ip: pulumi.Input[str]) -> Mapping[str, Any]:
    """Values of the chart `nginx-ingress`.

    reserved_ip: id (UUID, without its zone) of the load balancer's reserved IP.
    """
    return {
        "controller": {
            "ingressClass": {"name": CLASS, "create": True, "setAsDefaultIngress": True},
            # Plain Ingress objects are all that the game needs: no custom resources to upgrade by hand.
            "enableCustomResources": False,
            "telemetryReporting": {"enable": False},
            "service": {
                # Keeps the players' own addresses.
                "externalTrafficPolicy": "Local",
                "annotations": {"service.beta.kubernetes.io/scw-loadbalancer-ip-ids": reserved_ip},
            },
        }
    }


def _bare_id(regional: str) -> str:
    """The UUID of an id of the form <zone>/<uuid>."""
    return regional.rpartition("/")[2]
