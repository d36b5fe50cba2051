"""Rancher on the game master's K3s: installed by Helm on the host, reached through nginx only."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi

from common.helm import Charts
from common.versions import CHARTS
from gamemaster.kubernetes import Download
from gamemaster.proxy import Site
from gamemaster.remote import Host

ADDRESS = "10.43.0.80"
"""Of the Service that nginx asks. Among the lowest 256 of the Services' range: those are for addresses chosen by
hand (https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/)."""

UPSTREAM = f"http://{ADDRESS}"


@dataclass(frozen=True, kw_only=True)
class RancherArgs:
    """Which Rancher, where."""

    host: Host
    kubernetes: pulumi.Input[str]
    """Output of Kubernetes: its node is ready."""
    hostname: str
    """Full name under which it is reached."""
    bootstrap_password: pulumi.Input[str]
    """The admin's first password, with which Bootstrap sets the real one."""
    authority: str | None = None
    """Certificates (PEM) that agents must trust in order to reach it; None where every system trusts its own."""
    helm: Download
    """Helm's archive for Linux on amd64, as its project packs it."""
    charts: Charts
    """Where the chart comes from, and how long it may take."""


class Rancher(pulumi.ComponentResource):
    """Rancher without an ingress of its own: TLS ends at nginx."""

    answers: pulumi.Output[str]
    """Known once it answers on the host."""

    def __init__(self, name: str, args: RancherArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Rancher", name, None, opts)
        step = args.host.step(
            f"{name}-helm",
            "rancher",
            {
                "helm-url": args.helm.url,
                "helm-sha256": args.helm.sha256,
                "repository": args.charts.repositories["rancher"],
                "version": CHARTS["rancher"].version,
                "values.yaml": pulumi.Output.secret(args.bootstrap_password).apply(
                    lambda password: json.dumps(values(args.hostname, password, private=args.authority is not None))
                ),
                "cacerts.pem": args.authority or "",
                "web.yaml": json.dumps(web_service()),
                "address": ADDRESS,
                "seconds": str(args.charts.timeout),
            },
            parent=self,
            after=args.kubernetes,
        )
        self.answers = step.stdout
        self.register_outputs({"answers": self.answers})


def rancher_site(hostname: str) -> Site:
    """How nginx passes Rancher on: what operators upload, and shells and logs that are silent for half an hour."""
    return Site(host=hostname, upstream=UPSTREAM, body_mb=256, idle_seconds=1800, buffered=False)


def values(hostname: str, bootstrap_password: str, *, private: bool) -> dict[str, object]:
    """The chart's values; JSON of them is YAML too.

    private: whether the certificate comes from an authority that nobody knows. Rancher then tells its agents what to
    trust (the Secret `tls-ca`), and the sum of it; without, it forgets at each start what it was told.
    """
    return {
        "hostname": hostname,
        "replicas": 1,
        "tls": "external",
        # Agents then trust what their own system trusts. By default they trust Rancher's own list, which is empty.
        "agentTLSMode": "system-store",
        "privateCA": private,
        "networkExposure": {"type": "none"},
        "bootstrapPassword": bootstrap_password,
        "antiAffinity": "preferred",
        "postDelete": {"enabled": True, "timeout": 300, "ignoreTimeoutError": True},
    }


def web_service() -> dict[str, object]:
    """The chart's own Service has no address that stays, which nginx needs."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "rancher-web", "namespace": "cattle-system"},
        "spec": {
            "clusterIP": ADDRESS,
            "selector": {"app": "rancher"},
            "ports": [{"name": "http", "port": 80, "targetPort": 80}],
        },
    }
