"""A board joins Rancher: the cluster's entry there, the agent on the board, and the wait until both have met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s
import pulumi_rancher2 as rancher2
import yaml
from pulumi_command import local

from common.kubernetes_api import ApiServer
from common.namespaces import disable_default_token, namespace_labels
from common.naming import PROJECT
from common.network_policies import (
    NetworkRule,
    allow_apiserver_ingress,
    allow_dns_egress,
    allow_https_egress,
    allow_kubernetes_api_egress,
    network_policies,
)
from common.versions import CHARTS

NAMESPACE: Final = "cattle-system"
"""Where Rancher's manifest puts its agent."""
WEBHOOK: Final = 9443
"""Port of the webhook that the agent installs, where Rancher wants one."""
INTERNAL: Final = 444
"""Port at which the agent answers the cluster's own API server."""
_SCRIPT: Final = Path(__file__).parent / "scripts" / "registration.py"


class RancherServer(Protocol):
    """A Rancher that is set up."""

    @property
    def provider(self) -> rancher2.Provider:
        """What makes objects in it."""
        ...

    @property
    def api_url(self) -> pulumi.Output[str]:
        """Where this program reaches it."""
        ...

    @property
    def ca_certs(self) -> str | None:
        """Certificates (PEM) to trust there; None for those that this machine trusts."""
        ...

    @property
    def machine(self) -> pulumi.Resource:
        """What it runs on, and goes with."""
        ...

    @property
    def datastore(self) -> pulumi.Output[str]:
        """Which Rancher it is: another one knows no board of the last."""
        ...


@dataclass(frozen=True, kw_only=True)
class RancherImportArgs:
    """Which board joins which Rancher."""

    environment: str
    board: str
    rancher: RancherServer
    cluster: pulumi.Resource
    """What joins; another one joins anew."""
    api: ApiServer
    """The board's own Kubernetes API."""
    equipment: Sequence[pulumi.Resource]
    """What is on the board: Rancher lets go of the board before any of it goes."""


class RancherImport(pulumi.ComponentResource):
    """The board as a cluster of Rancher's, active."""

    cluster_id: pulumi.Output[str]
    """Rancher's id of the board, known once its agent has reported."""

    def __init__(self, name: str, args: RancherImportArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:RancherImport", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        server = args.rancher
        # Rancher's books go with the machine that holds them: asked for then, a Rancher that is down or gone would
        # hold up a destroy for nothing.
        within = pulumi.ResourceOptions(parent=self, provider=server.provider, deleted_with=server.machine)
        cluster = rancher2.Cluster(
            f"{name}-cluster",
            name=f"{PROJECT}-{args.environment}-{args.board}",
            description="A board of the game; its program made it and removes it.",
            opts=pulumi.ResourceOptions.merge(
                within,
                pulumi.ResourceOptions(
                    # No value flows, but at the end Rancher goes first: it takes its own webhooks with it, and none
                    # of them is asked about what is removed from the board then.
                    depends_on=list(args.equipment),
                    replace_with=[args.cluster],
                    replacement_trigger=server.datastore,
                    # Rancher takes a name once.
                    delete_before_replace=True,
                    additional_secret_outputs=["clusterRegistrationToken", "kubeConfig", "caCert"],
                    custom_timeouts=pulumi.CustomTimeouts(create="10m", delete="10m"),
                ),
            ),
        )
        manifest = local.Command(
            f"{name}-manifest",
            # The program travels with what it works on: the plugin puts the command into each of its errors.
            create="python3 -",
            stdin=pulumi.Output.secret(
                pulumi.Output.all(server.api_url, cluster.cluster_registration_token.manifest_url).apply(
                    lambda urls: registration(reached_at(str(urls[0]), str(urls[1])), server.ca_certs)
                )
            ),
            # It holds the token.
            logging=local.Logging.NONE,
            add_previous_output_in_env=False,
            # Another Rancher has another agent.
            triggers=[cluster.id, CHARTS["rancher"].version],
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(additional_secret_outputs=["stdout"])),
        )
        agent = k8s.yaml.v2.ConfigGroup(
            f"{name}-agent",
            yaml=pulumi.Output.secret(manifest.stdout.apply(prepared)),
            # Rancher takes its agent away when it lets go of the board, and hangs where that is gone before it.
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(deleted_with=cluster)),
        )
        # The namespace comes with the manifest.
        in_namespace = pulumi.ResourceOptions(parent=self, depends_on=[agent])
        network_policies(name, NAMESPACE, network_rules(args.api), in_namespace)
        disable_default_token(name, NAMESPACE, in_namespace)
        joined = rancher2.ClusterSync(
            f"{name}-active",
            cluster_id=cluster.id,
            opts=pulumi.ResourceOptions.merge(
                within,
                # Only with its agent on the board does the cluster become active.
                pulumi.ResourceOptions(
                    depends_on=[agent],
                    additional_secret_outputs=["kubeConfig"],
                    custom_timeouts=pulumi.CustomTimeouts(create="10m", update="10m"),
                ),
            ),
        )
        self.cluster_id = joined.cluster_id
        self.register_outputs({"cluster_id": self.cluster_id})


def network_rules(api: ApiServer) -> Sequence[NetworkRule]:
    """Network of Rancher's agent."""
    return [
        allow_dns_egress(),
        allow_kubernetes_api_egress(api),
        # The agent calls Rancher; nobody calls the agent but the board's own API server.
        allow_https_egress(),
        allow_apiserver_ingress(WEBHOOK, INTERNAL),
    ]


def registration(url: str, certificates: str | None) -> str:
    """The program that prints the manifest at a URL.

    certificates: PEM, trusted besides those that this machine trusts; None for those alone.
    """
    return f"{_SCRIPT.read_text()}\n\nmain({url!r}, {certificates!r})\n"


def reached_at(api_url: str, manifest_url: str) -> str:
    """Where this program reads the manifest: Rancher gives the URL under which everybody else reaches it."""
    return f"{api_url.rstrip('/')}{urlsplit(manifest_url).path}"


def prepared(manifest: str) -> str:
    """Rancher's manifest, with what a namespace of ours has.

    Rancher renews its agent by itself, and so shares the objects' fields; where both say something, the manifest of
    the Rancher that runs is right, and a conflict between the two is none.
    """
    objects: list[dict[str, Any]] = [each for each in yaml.safe_load_all(manifest) if each]
    for each in objects:
        metadata = each["metadata"]
        metadata["annotations"] = {**metadata.get("annotations", {}), "pulumi.com/patchForce": "true"}
        if each["kind"] == "Namespace":
            # The agent runs as root, which `restricted` refuses.
            metadata["labels"] = {**metadata.get("labels", {}), **namespace_labels(NAMESPACE, "baseline")}
    return yaml.safe_dump_all(objects, sort_keys=False)
