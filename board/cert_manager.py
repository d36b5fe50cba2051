"""cert-manager, and a ClusterIssuer for each ACME server, whose DNS-01 challenges are answered by the game master."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from common.certificates import API
from common.helm import Charts
from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    NetworkRule,
    allow_apiserver_ingress,
    allow_dns_egress,
    allow_egress,
    allow_kubernetes_api_egress,
    allow_metrics_scrape,
    anywhere,
    network,
    ports,
)
from common.outputs import known_after
from common.settings import Settings
from common.versions import ACME_DIRECTORIES

OWN_ISSUER: Final = "own"
"""ClusterIssuer of the ACME server at `sources.acmeDirectory`."""
DNS_PORT: Final = 53
METRICS_PORT: Final = 9402
WEBHOOK_PORT: Final = 10250
"""Ports of cert-manager's pods: the chart's defaults."""
QUOTA: Final = Quota(
    # Three programs and the chart's own check, all of them twice during a roll-out.
    pods=8,
    cpu="4",
    memory="2Gi",
    storage="8Gi",
    container_cpu="500m",
    container_memory="256Mi",
    container_storage="1Gi",
)


class UpdateKey(Protocol):
    """TSIG key (HMAC-SHA256) that may write the board's own challenges."""

    @property
    def name(self) -> pulumi.Output[str]: ...
    @property
    def secret(self) -> pulumi.Output[str]:
        """In base64."""
        ...


@dataclass(frozen=True, kw_only=True)
class AcmeServer:
    """ACME server that signs certificates."""

    directory: str
    """URL of the ACME directory."""
    ca_bundle: str | None = None
    """Certificates (PEM) to trust for the directory; None for those that every system trusts."""


def acme_servers(settings: Settings) -> Mapping[str, AcmeServer]:
    """ACME servers by the name of their ClusterIssuer; none where the board serves plain HTTP.

    Let's Encrypt's two stand beside a server of the operators' own: an Ingress can name the staging one for a trial.
    """
    if settings.acme_directory is None:
        return {}
    servers = {f"letsencrypt-{name}": AcmeServer(directory=url) for name, url in ACME_DIRECTORIES.items()}
    if settings.sources.acme_directory:
        own = AcmeServer(directory=settings.sources.acme_directory, ca_bundle=settings.sources.acme_ca_bundle)
        servers[OWN_ISSUER] = own
    return servers


def default_issuer(settings: Settings) -> str:
    """ClusterIssuer of every certificate that names no other."""
    return OWN_ISSUER if settings.sources.acme_directory else f"letsencrypt-{settings.certificates.authority}"


@dataclass(frozen=True, kw_only=True)
class CertManagerArgs:
    """Settings of the environment, and outputs of the board and of the game master."""

    settings: Settings
    name_server: pulumi.Input[str]
    """Public IPv4 address of the game master, where challenges are written and looked up."""
    key: UpdateKey
    priority_class: pulumi.Input[str]
    """PriorityClass of cert-manager's pods."""
    api: ApiServer
    """The board's own Kubernetes API."""
    charts: Charts


class CertManager(pulumi.ComponentResource):
    """cert-manager and a ClusterIssuer for each ACME server."""

    cluster_issuer: pulumi.Output[str] | None
    """Default ClusterIssuer, known once it is there; None on a board that serves plain HTTP."""

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:CertManager", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        name_server, servers = pulumi.Output.from_input(args.name_server), acme_servers(args.settings)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name="cert-manager",
                app="cert-manager",
                quota=QUOTA,
                network_rules=network_rules(name_server, servers, args.api),
            ),
            opts=child,
        ).name
        release = args.charts.release(
            "cert-manager",
            name=f"{name}-release",
            namespace=namespace,
            values=cert_manager_values(name_server, args.priority_class),
            opts=child,
        )
        self.cluster_issuer = None
        if servers:
            key = k8s.core.v1.Secret(
                f"{name}-dns-key",
                metadata={"name": "dns-key", "namespace": namespace},
                string_data={"tsig": pulumi.Output.secret(args.key.secret)},
                opts=child,
            )
            issuers = {
                issuer: k8s.apiextensions.CustomResource(
                    f"{name}-issuer-{issuer}",
                    api_version=API,
                    kind="ClusterIssuer",
                    metadata={"name": issuer},
                    spec=issuer_spec(
                        issuer,
                        server,
                        args.settings.certificates.email,
                        name_server=name_server,
                        key_name=args.key.name,
                        key_secret=key.metadata.name,
                    ),
                    # No value flows, but the chart brings the kind, and ends once the webhook for issuers answers.
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[release]),
                )
                for issuer, server in servers.items()
            }
            default = default_issuer(args.settings)
            self.cluster_issuer = known_after(default, issuers[default].id)
        self.register_outputs({"cluster_issuer": self.cluster_issuer})


def network_rules(
    name_server: pulumi.Output[str], servers: Mapping[str, AcmeServer], api: ApiServer
) -> Sequence[NetworkRule]:
    """Network of cert-manager's pods. name_server: IPv4 address of the game master."""
    dns = ports(DNS_PORT) + ports(DNS_PORT, protocol="UDP")
    game_master = network(name_server.apply(lambda ip: f"{ip}/32"))
    rules = [
        allow_dns_egress(),
        allow_kubernetes_api_egress(api),
        NetworkRule(name="allow-dns-challenges", egress=[{"to": [game_master], "ports": dns}]),
        allow_apiserver_ingress(WEBHOOK_PORT),
        allow_metrics_scrape(METRICS_PORT),
    ]
    if servers:
        acme_ports = {urlsplit(server.directory).port or 443 for server in servers.values()}
        rules.append(allow_egress("allow-acme", anywhere(), *sorted(acme_ports)))
    return rules


def cert_manager_values(name_server: pulumi.Output[str], priority_class: pulumi.Input[str]) -> Mapping[str, Any]:
    """Values of the chart `cert-manager`."""

    def resources(memory: str) -> Mapping[str, Any]:
        return {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": memory}}

    return {
        "crds": {"enabled": True},
        # By default cert-manager writes its lease into kube-system.
        "global": {"leaderElection": {"namespace": "cert-manager"}, "priorityClassName": priority_class},
        # The game master knows a challenge at once; a resolver between may remember that there was none.
        "dns01RecursiveNameservers": name_server.apply(lambda ip: f"{ip}:{DNS_PORT}"),
        "dns01RecursiveNameserversOnly": True,
        "resources": resources("256Mi"),
        "webhook": {"resources": resources("128Mi")},
        "cainjector": {"resources": resources("256Mi")},
        # Helm waits for this Job: whatever depends on the release finds a webhook that answers.
        "startupapicheck": {"enabled": True, "timeout": "3m"},
    }


def issuer_spec(
    issuer: str,
    server: AcmeServer,
    email: str | None,
    *,
    name_server: pulumi.Output[str],
    key_name: pulumi.Input[str],
    key_secret: pulumi.Input[str],
) -> Mapping[str, Any]:
    """Specification of a ClusterIssuer with DNS-01 challenges, by dynamic update (RFC 2136) at the game master.

    issuer: the ClusterIssuer's name; each has an account of its own at the ACME server.
    email: address for the ACME server's messages.
    key_secret: Secret in cert-manager's own namespace with the TSIG key.
    Source: https://cert-manager.io/docs/configuration/acme/dns01/rfc2136/
    """
    optional = {
        "email": email,
        "caBundle": server.ca_bundle and base64.b64encode(server.ca_bundle.encode()).decode(),
    }
    return {
        "acme": {
            "server": server.directory,
            **{name: value for name, value in optional.items() if value},
            "privateKeySecretRef": {"name": f"acme-account-{issuer}"},
            "solvers": [
                {
                    "dns01": {
                        # Challenges of names that boards have in turn are CNAMEs to names below this board's own.
                        "cnameStrategy": "Follow",
                        "rfc2136": {
                            "nameserver": name_server.apply(lambda ip: f"{ip}:{DNS_PORT}"),
                            "protocol": "TCP",
                            "tsigKeyName": key_name,
                            "tsigAlgorithm": "HMACSHA256",
                            "tsigSecretSecretRef": {"name": key_secret, "key": "tsig"},
                        },
                    }
                }
            ],
        }
    }
