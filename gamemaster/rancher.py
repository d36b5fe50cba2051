"""Rancher on the game master's K3s: installed by Helm on the host, reached through nginx only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import pulumi

from common import settings
from common.versions import CHARTS
from gamemaster.nginx import Site
from gamemaster.ssh_steps import Host

SERVICE_IP: Final = "10.43.0.80"
"""Cluster IP of the Service behind nginx, among the lowest 256 of the Services' range: those are for addresses chosen
by hand (https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/)."""


@dataclass(frozen=True, kw_only=True)
class RancherArgs:
    """Arguments of Rancher."""

    host: Host
    k3s: pulumi.Input[str]
    """Output of K3s: its node is ready."""
    hostname: str
    """Full name under which Rancher is reached."""
    bootstrap_password: pulumi.Input[str]
    """First password of the user admin; RancherBootstrap replaces it."""
    settings: settings.Rancher
    sources: settings.Sources
    """The section with Helm's archive and the chart's repository."""


class Rancher(pulumi.ComponentResource):
    """Rancher without an Ingress of its own: nginx terminates TLS."""

    answers: pulumi.Output[str]
    """Known once Rancher answers on the host."""

    def __init__(self, name: str, args: RancherArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Rancher", name, None, opts)
        ca_bundle, sources = args.settings.ca_bundle, args.sources
        script = args.host.run_script(
            f"{name}-setup",
            "rancher",
            {
                "helm-url": sources.helm_url,
                "helm-sha256": sources.helm_sha256,
                "repository": sources.charts["rancher"],
                "version": CHARTS["rancher"].version,
                "values.yaml": pulumi.Output.secret(args.bootstrap_password).apply(
                    lambda password: json.dumps(helm_values(args.hostname, password, private_ca=ca_bundle is not None))
                ),
                "cacerts.pem": ca_bundle or "",
                "service.yaml": json.dumps(service()),
                "address": SERVICE_IP,
                "seconds": str(sources.chart_timeout_seconds),
            },
            parent=self,
            after=args.k3s,
        )
        self.answers = script.stdout
        self.register_outputs({"answers": self.answers})


def rancher_site(hostname: str) -> Site:
    """Rancher's server block: large uploads by operators, and shells and logs that are silent for half an hour."""
    return Site(host=hostname, upstream=f"http://{SERVICE_IP}", body_mb=256, idle_seconds=1800, buffered=False)


def helm_values(hostname: str, bootstrap_password: str, *, private_ca: bool) -> dict[str, object]:
    """The chart's values; JSON of them is YAML too.

    private_ca: whether the certificate comes from a private certificate authority. Rancher then tells its agents what
    to trust (the Secret `tls-ca`), and the checksum of it; otherwise Rancher forgets at each start what it was told.
    """
    return {
        "hostname": hostname,
        "replicas": 1,
        "tls": "external",
        # Agents then trust what their own system trusts. By default they trust Rancher's own list, which is empty.
        "agentTLSMode": "system-store",
        "privateCA": private_ca,
        "networkExposure": {"type": "none"},
        "bootstrapPassword": bootstrap_password,
        "antiAffinity": "preferred",
        "postDelete": {"enabled": True, "timeout": 300, "ignoreTimeoutError": True},
    }


def service() -> dict[str, object]:
    """The Service behind nginx: the chart's own Service has no fixed cluster IP, which nginx needs."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "rancher-web", "namespace": "cattle-system"},
        "spec": {
            "clusterIP": SERVICE_IP,
            "selector": {"app": "rancher"},
            "ports": [{"name": "http", "port": 80, "targetPort": 80}],
        },
    }
