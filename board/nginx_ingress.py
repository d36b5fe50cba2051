"""Ingress controller of a board: F5's NGINX behind a load balancer with a reserved IP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumiverse_scaleway import loadbalancers

from common.certificates import certificate
from common.helm import Charts
from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.naming import INGRESS_NAMESPACE, tags
from common.network_policies import (
    NetworkRule,
    allow_dns_egress,
    allow_egress,
    allow_kubernetes_api_egress,
    allow_metrics_scrape,
    allow_public_ingress,
    every_pod,
)
from common.outputs import known_after
from common.settings import Settings

INGRESS_CLASS: Final = "nginx"
"""IngressClass of every Ingress on a board."""
REPLICAS: Final = 2
"""One pod may be lost with its node while the other serves."""
QUOTA: Final = Quota(
    # Twice the replicas: during a roll-out the old pods are there too.
    pods=2 * REPLICAS,
    cpu="4",
    memory="2Gi",
    storage="4Gi",
    container_cpu="1",
    container_memory="512Mi",
    container_storage="1Gi",
    load_balancers=1,
)
CARRIER_NETWORK: Final = "100.64.0.0/10"
"""Shared address space (RFC 6598), in which Scaleway's load balancers and Kapsule's pods may have their addresses."""
WILDCARD_SECRET: Final = "wildcard-tls"  # noqa: S105 - a name
"""Name of the board's wildcard Certificate, and of its Secret."""
METRICS_PORT: Final = 9113
"""Port of the controller's metrics: the chart's default."""
_ANNOTATION: Final = "service.beta.kubernetes.io/scw-loadbalancer"
"""Source: https://github.com/scaleway/scaleway-cloud-controller-manager/blob/main/docs/loadbalancer-annotations.md"""


@dataclass(frozen=True, kw_only=True)
class NginxIngressArgs:
    """Settings of the board, and outputs of its cluster, of cert-manager and of the game master."""

    settings: Settings
    board: str
    """Name of the board."""
    cluster: pulumi.Resource
    """Cluster of the controller; another cluster has another reserved IP."""
    zone: pulumi.Input[str]
    """The game's zone, known once the zone's name server answers."""
    cluster_issuer: pulumi.Input[str] | None
    """ClusterIssuer of the certificate for *.<board>.<zone>; None for plain HTTP."""
    priority_class: pulumi.Input[str]
    """PriorityClass of the controller's pods."""
    api: ApiServer
    """The board's own Kubernetes API."""
    charts: Charts


class NginxIngress(pulumi.ComponentResource):
    """Ingress controller and the reserved IP of its LoadBalancer Service."""

    ip: pulumi.Output[str]
    """Address (IPv4) of the LoadBalancer, known once the controller serves there with the board's certificate."""
    ingress_class: pulumi.Output[str]
    """IngressClass, known once the controller is ready."""

    def __init__(self, name: str, args: NginxIngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:NginxIngress", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        reserved_ip = loadbalancers.Ip(
            f"{name}-ip",
            tags=tags(args.settings.environment, args.board),
            # While one cluster follows another, both have a load balancer, and an address belongs to one.
            opts=pulumi.ResourceOptions(parent=self, replace_with=[args.cluster]),
        )
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=INGRESS_NAMESPACE, app=INGRESS_NAMESPACE, quota=QUOTA, network_rules=network_rules(args.api)
            ),
            opts=child,
        ).name
        secret = None
        signed: list[pulumi.Output[str]] = []
        if args.cluster_issuer is not None:
            wildcard = certificate(
                f"{name}-wildcard",
                secret_name=WILDCARD_SECRET,
                host=pulumi.Output.concat("*.", args.board, ".", args.zone),
                issuer=args.cluster_issuer,
                namespace=namespace,
                opts=child,
            )
            signed = [wildcard.id]
            # The controller starts while the certificate is signed: with an issuer, the Secret is there at once.
            secret = known_after(pulumi.Output.concat(namespace, "/", WILDCARD_SECRET), args.cluster_issuer)
        release = args.charts.release(
            "nginx-ingress",
            name=f"{name}-controller",
            namespace=namespace,
            values=controller_values(
                reserved_ip.id.apply(_bare_id),
                reserved_ip.zone,
                args.settings.boards[args.board].subnet,
                secret,
                args.priority_class,
            ),
            opts=child,
        )
        self.ip = known_after(reserved_ip.ip_address, release.id, *signed)
        self.ingress_class = known_after(INGRESS_CLASS, release.id)
        self.register_outputs({"ip": self.ip, "ingress_class": self.ingress_class})


def network_rules(api: ApiServer) -> Sequence[NetworkRule]:
    """Network of the controller's pods."""
    return [
        allow_public_ingress(80, 443),
        # An Ingress may lead to any pod; whether the controller is let in there is that namespace's matter.
        allow_egress("allow-every-pod", every_pod()),
        allow_dns_egress(),
        allow_kubernetes_api_egress(api),
        allow_metrics_scrape(METRICS_PORT),
    ]


def controller_values(
    reserved_ip: pulumi.Input[str],
    zone: pulumi.Input[str],
    subnet: str,
    certificate: pulumi.Input[str] | None,
    priority_class: pulumi.Input[str],
) -> Mapping[str, Any]:
    """Values of the chart `nginx-ingress`.

    reserved_ip: id (UUID, without the zone) of the load balancer's reserved IP, which lies in `zone`.
    subnet: private network of the nodes in CIDR notation, from which the load balancer calls.
    certificate: Secret (<namespace>/<name>) for every host that has none of its own; None for plain HTTP.
    """
    by_default = {"secret": certificate}
    return {
        "controller": {
            "replicaCount": REPLICAS,
            "priorityClassName": priority_class,
            "ingressClass": {"name": INGRESS_CLASS, "create": True, "setAsDefaultIngress": True},
            # Plain Ingress objects are all that the game needs: no custom resources to upgrade by hand.
            "enableCustomResources": False,
            # Whoever may write an Ingress must not write nginx's configuration with it.
            "enableSnippets": False,
            "telemetryReporting": {"enable": False},
            "enableLatencyMetrics": True,
            "resources": {
                "requests": {"cpu": "100m", "memory": "128Mi"},
                "limits": {"cpu": "1", "memory": "512Mi"},
            },
            "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
            # With externalTrafficPolicy Local only nodes that have a pod serve: two pods on one node would go with it.
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "nginx-ingress"}},
                }
            ],
            **({"defaultTLS": by_default, "wildcardTLS": by_default} if certificate is not None else {}),
            "config": {"entries": {**proxy_protocol(subnet), **LIMITS}},
            "service": {
                # Keeps the health check of the load balancer to the nodes that serve.
                "externalTrafficPolicy": "Local",
                "annotations": {
                    f"{_ANNOTATION}-ip-ids": reserved_ip,
                    # By default the region's first, in which an address of another is not found.
                    f"{_ANNOTATION}-zone": zone,
                    # The other end of `proxy_protocol`: with one of the two alone every request fails.
                    f"{_ANNOTATION}-proxy-protocol-v2": "*",
                },
            },
        },
        "prometheus": {"create": True, "port": METRICS_PORT, "scheme": "http"},
    }


def proxy_protocol(subnet: str) -> Mapping[str, str]:
    """nginx's end of the proxy protocol, by which the load balancer hands on the players' own addresses.

    nginx believes them from the networks of load balancers alone; NetworkPolicies keep out pods of the same networks.
    """
    return {
        "proxy-protocol": "True",
        "real-ip-header": "proxy_protocol",
        "set-real-ip-from": f"{subnet},{CARRIER_NETWORK}",
    }


CONNECTIONS_OF_A_CLIENT: Final = 500
"""Requests at once from one address; all players of a company may have the same."""
CONNECTIONS_OF_A_WORKER: Final = 16_384
"""Connections of one of nginx's processes, of which a node has as many as processors; a request has two of them.

By default 1,024: half a thousand requests that wait, as many as one address may have, would keep everybody out.
"""
LARGE_UPLOADS: Final = 16
"""Requests at once, of everybody together, whose bodies have a megabyte or more, or a length that they do not tell."""
LIMITS: Final = {
    # nginx puts a body into a file without a name before it passes it on: the file counts for no limit of the pod's
    # storage, and fills the node. The source control's Ingress allows more (game_app/ingress.py).
    "client-max-body-size": "1m",
    # No key and no annotation limits connections, nor lets a body through as it comes; snippets of this ConfigMap are
    # read though those of Ingresses are not. A request whose key is empty is not counted.
    "http-snippets": "\n".join(
        (
            'map "$http_transfer_encoding$content_length" $large_upload {',
            '    default "";',
            '    "~^[0-9]{1,6}$" "";',
            '    "~." "large";',
            "}",
            "limit_conn_zone $large_upload zone=large_uploads:1m;",
            "limit_conn_zone $binary_remote_addr zone=clients:10m;",
            f"limit_conn large_uploads {LARGE_UPLOADS};",
            f"limit_conn clients {CONNECTIONS_OF_A_CLIENT};",
            "limit_conn_status 429;",
            # The key of this name says so of Ingresses, and not of the page for a Service without pods.
            "server_tokens off;",
        )
    ),
    # nginx judges a path with '..' or '.' by where the path leads, and hands it on as it came: /metrics/../x is blocked
    # by no rule for /metrics, and Drone answers with its metrics. Neither browsers nor git send such paths.
    "server-snippets": 'if ($request_uri ~* "^[^?]*(/|%2f)(\\.|%2e){1,2}(/|%2f|[?]|$)") { return 400; }',
    "worker-connections": str(CONNECTIONS_OF_A_WORKER),
    # A connection is a file, and some files are none: newer versions of containerd begin pods with 1,024.
    "worker-rlimit-nofile": str(2 * CONNECTIONS_OF_A_WORKER),
    "proxy-connect-timeout": "5s",
    # Pages that follow a build or a log are open for long with nothing said.
    "proxy-read-timeout": "120s",
    "proxy-send-timeout": "60s",
    "keepalive-timeout": "75s",
    # Longest that an old worker serves after a reload; without it open connections keep each for ever.
    "worker-shutdown-timeout": "150s",
    "ssl-protocols": "TLSv1.2 TLSv1.3",
    "server-tokens": "False",
}
"""nginx's limits for every Ingress.

Source of the keys: https://docs.nginx.com/nginx-ingress-controller/configuration/global-configuration/configmap-resource/
"""


def _bare_id(regional: str) -> str:
    """The UUID of an id of the form <zone>/<uuid>."""
    return regional.rpartition("/")[2]
