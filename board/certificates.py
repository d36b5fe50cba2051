"""Certificates for what a board exposes: cert-manager, and an issuer that proves names at the game master."""

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
from common.settings import Settings
from common.versions import ACME_DIRECTORIES

OWN: Final = "own"
"""Name of the ClusterIssuer of an authority that the settings name by its directory."""
DNS_PORT: Final = 53
METRICS: Final = 9402
WEBHOOK: Final = 10250
"""Ports of cert-manager's pods: the chart's defaults."""
QUOTA: Final = Quota(
    # Three programs, the chart's own check, and for a moment of a roll-out all of them twice.
    pods=8,
    cpu="4",
    memory="2Gi",
    storage="8Gi",
    container_cpu="500m",
    container_memory="256Mi",
    container_storage="1Gi",
)


class UpdateKey(Protocol):
    """A TSIG key (HMAC-SHA256) that may write the board's own challenges."""

    @property
    def name(self) -> pulumi.Output[str]: ...
    @property
    def secret(self) -> pulumi.Output[str]:
        """In base64."""
        ...


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Who signs."""

    directory: str
    """URL of the ACME directory."""
    email: str | None
    """Where it may write to."""
    ca_bundle: str | None = None
    """Certificates (PEM) to trust when talking to it; None for those that the world trusts."""


@dataclass(frozen=True, kw_only=True)
class Authorities:
    """All who may sign, side by side: an Ingress can try the one for trials before it asks the real one."""

    known: Mapping[str, Authority]
    """By the name of their ClusterIssuer."""
    chosen: str
    """The one that everything on the board asks unless it says otherwise."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Authorities | None:
        """Let's Encrypt's two, and another that the game master may ask; None where no certificates are wanted."""
        directory = settings.acme_directory
        if directory is None:
            return None
        email, own = settings.certificates.email, settings.sources.acme_directory
        known = {f"letsencrypt-{name}": Authority(directory=url, email=email) for name, url in ACME_DIRECTORIES.items()}
        if own is None:
            return cls(known=known, chosen=f"letsencrypt-{settings.certificates.authority}")
        known[OWN] = Authority(directory=own, email=email, ca_bundle=settings.sources.acme_ca_bundle)
        return cls(known=known, chosen=OWN)


@dataclass(frozen=True, kw_only=True)
class CertificatesArgs:
    """What a board's certificates need."""

    authorities: Authorities | None
    """None for a board that serves without TLS."""
    name_server: pulumi.Input[str]
    """Public IPv4 address of the game master, where challenges are written and looked up."""
    key: UpdateKey
    priority: pulumi.Input[str]
    """Priority class of its pods."""
    api: ApiServer
    """The board's own Kubernetes API."""
    charts: Charts


class Certificates(pulumi.ComponentResource):
    """cert-manager and an issuer for each authority."""

    cluster_issuer: pulumi.Output[str] | None
    """Name of the chosen authority's ClusterIssuer; None where there is none."""

    def __init__(self, name: str, args: CertificatesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:Certificates", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        name_server = pulumi.Output.from_input(args.name_server)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name="cert-manager",
                app="cert-manager",
                quota=QUOTA,
                network_rules=network_rules(name_server, args.authorities, args.api),
            ),
            opts=child,
        ).name
        release = args.charts.release(
            "cert-manager",
            name=f"{name}-manager",
            namespace=namespace,
            values=manager_values(name_server, args.priority),
            opts=child,
        )
        self.cluster_issuer = None
        if args.authorities:
            key = k8s.core.v1.Secret(
                f"{name}-dns-key",
                metadata={"name": "dns-key", "namespace": namespace},
                string_data={"tsig": pulumi.Output.secret(args.key.secret)},
                opts=child,
            )
            issuers = {
                label: k8s.apiextensions.CustomResource(
                    f"{name}-issuer-{label}",
                    api_version=API,
                    kind="ClusterIssuer",
                    metadata={"name": label},
                    spec=issuer_spec(label, authority, name_server, args.key.name, key.metadata.name),
                    # The chart brings the kind, and ends only when the webhook that checks issuers answers.
                    opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[release])),
                )
                for label, authority in args.authorities.known.items()
            }
            chosen = args.authorities.chosen
            self.cluster_issuer = issuers[chosen].id.apply(lambda _: chosen)
        self.register_outputs({"cluster_issuer": self.cluster_issuer})


def network_rules(
    name_server: pulumi.Output[str], authorities: Authorities | None, api: ApiServer
) -> Sequence[NetworkRule]:
    """Network of cert-manager's pods. name_server: IPv4 address of the game master."""
    dns = ports(DNS_PORT) + ports(DNS_PORT, protocol="UDP")
    game_master = network(name_server.apply(lambda ip: f"{ip}/32"))
    rules = [
        allow_dns_egress(),
        allow_kubernetes_api_egress(api),
        NetworkRule(name="allow-dns-challenges", egress=[{"to": [game_master], "ports": dns}]),
        allow_apiserver_ingress(WEBHOOK),
        allow_metrics_scrape(METRICS),
    ]
    if authorities:
        acme_ports = {urlsplit(authority.directory).port or 443 for authority in authorities.known.values()}
        rules.append(allow_egress("allow-acme", anywhere(), *sorted(acme_ports)))
    return rules


def manager_values(name_server: pulumi.Output[str], priority: pulumi.Input[str]) -> Mapping[str, Any]:
    """Values of the chart `cert-manager`. priority: priority class of its pods."""

    def resources(memory: str) -> Mapping[str, Any]:
        return {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": memory}}

    return {
        "crds": {"enabled": True},
        # Otherwise it writes its lease into kube-system.
        "global": {"leaderElection": {"namespace": "cert-manager"}, "priorityClassName": priority},
        # The game master knows a challenge at once; a resolver between may remember that there was none.
        "dns01RecursiveNameservers": name_server.apply(lambda ip: f"{ip}:{DNS_PORT}"),
        "dns01RecursiveNameserversOnly": True,
        "resources": resources("256Mi"),
        "webhook": {"resources": resources("128Mi")},
        "cainjector": {"resources": resources("256Mi")},
        # Helm waits for this job, and so whatever depends on the release finds a webhook that answers.
        "startupapicheck": {"enabled": True, "timeout": "3m"},
    }


def issuer_spec(
    label: str,
    authority: Authority,
    name_server: pulumi.Output[str],
    key_name: pulumi.Input[str],
    secret: pulumi.Input[str],
) -> Mapping[str, Any]:
    """A ClusterIssuer that proves names by dynamic update (RFC 2136) at the game master.

    label: the issuer's name; its account at the authority is its own.
    secret: name of the Secret, in cert-manager's own namespace, that has the TSIG key.
    Source: https://cert-manager.io/docs/configuration/acme/dns01/rfc2136/
    """
    optional = {
        "email": authority.email,
        "caBundle": authority.ca_bundle and base64.b64encode(authority.ca_bundle.encode()).decode(),
    }
    return {
        "acme": {
            "server": authority.directory,
            **{name: value for name, value in optional.items() if value},
            "privateKeySecretRef": {"name": f"acme-account-{label}"},
            "solvers": [
                {
                    "dns01": {
                        # The proofs of names that several boards may have in turn lie below this board's own name.
                        "cnameStrategy": "Follow",
                        "rfc2136": {
                            "nameserver": name_server.apply(lambda ip: f"{ip}:{DNS_PORT}"),
                            "protocol": "TCP",
                            "tsigKeyName": key_name,
                            "tsigAlgorithm": "HMACSHA256",
                            "tsigSecretSecretRef": {"name": secret, "key": "tsig"},
                        },
                    }
                }
            ],
        }
    }
