"""Import of a board into Rancher: the cluster's registration, the agent on the board, and the wait for the agent."""

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
"""Namespace of the agent in Rancher's manifest."""
WEBHOOK_PORT: Final = 9443
"""Port of the webhook that the agent installs, where Rancher wants one."""
AGENT_PORT: Final = 444
"""Port of the agent for the cluster's own API server."""
_SCRIPT: Final = Path(__file__).parent / "scripts" / "registration.py"


class RancherServer(Protocol):
    """Rancher, set up."""

    @property
    def provider(self) -> rancher2.Provider:
        """Provider of the objects in Rancher."""
        ...

    @property
    def api_url(self) -> pulumi.Output[str]:
        """Rancher's URL for this program."""
        ...

    @property
    def ca_certs(self) -> str | None:
        """Certificates (PEM) to trust for that URL; None for those that this machine trusts."""
        ...

    @property
    def machine(self) -> pulumi.Resource:
        """Machine that Rancher runs on, and is removed with."""
        ...

    @property
    def datastore(self) -> pulumi.Output[str]:
        """Identity of Rancher's store: with another store, Rancher knows no board."""
        ...


@dataclass(frozen=True, kw_only=True)
class RancherImportArgs:
    """Board to import, and the Rancher that imports the board."""

    environment: str
    board: str
    rancher: RancherServer
    cluster: pulumi.Resource
    """The board's cluster; another cluster is imported anew."""
    api: ApiServer
    """The board's own Kubernetes API."""
    removed_after: Sequence[pulumi.Resource]
    """Components on the board that are removed after the import."""


class RancherImport(pulumi.ComponentResource):
    """Board as an active cluster of Rancher's."""

    cluster_id: pulumi.Output[str]
    """Rancher's id of the board, known once its agent has reported."""

    def __init__(self, name: str, args: RancherImportArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:board:RancherImport", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        server = args.rancher
        # Rancher's store is removed with its machine: a call to a Rancher that is down or gone would fail a destroy.
        in_rancher = pulumi.ResourceOptions(parent=self, provider=server.provider, deleted_with=server.machine)
        cluster = rancher2.Cluster(
            f"{name}-cluster",
            name=f"{PROJECT}-{args.environment}-{args.board}",
            description="A board of the game; its program made it and removes it.",
            opts=pulumi.ResourceOptions.merge(
                in_rancher,
                pulumi.ResourceOptions(
                    # No value flows, but on a destroy Rancher removes its webhooks first: the API server would call
                    # them for whatever is removed from the board.
                    depends_on=list(args.removed_after),
                    replace_with=[args.cluster],
                    replacement_trigger=server.datastore,
                    # Names of Rancher's clusters are unique.
                    delete_before_replace=True,
                    additional_secret_outputs=["clusterRegistrationToken", "kubeConfig", "caCert"],
                    custom_timeouts=pulumi.CustomTimeouts(create="10m", delete="10m"),
                ),
            ),
        )
        manifest = local.Command(
            f"{name}-manifest",
            # The script comes by stdin with its arguments: the plugin prints the command in each of its errors.
            create="python3 -",
            stdin=pulumi.Output.secret(
                pulumi.Output.all(server.api_url, cluster.cluster_registration_token.manifest_url).apply(
                    lambda urls: registration(reached_at(str(urls[0]), str(urls[1])), server.ca_certs)
                )
            ),
            # The manifest holds the token.
            logging=local.Logging.NONE,
            add_previous_output_in_env=False,
            # Another Rancher has another agent.
            triggers=[cluster.id, CHARTS["rancher"].version],
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(additional_secret_outputs=["stdout"])),
        )
        agent = k8s.yaml.v2.ConfigGroup(
            f"{name}-agent",
            yaml=pulumi.Output.secret(manifest.stdout.apply(prepared)),
            # Rancher removes its agent with the cluster, and hangs where the agent is gone before.
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
                in_rancher,
                # No value flows, but the cluster becomes active only with its agent on the board.
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
        allow_apiserver_ingress(WEBHOOK_PORT, AGENT_PORT),
    ]


def registration(url: str, certificates: str | None) -> str:
    """Script that prints the manifest at a URL.

    certificates: PEM, trusted besides those that this machine trusts; None for those alone.
    """
    return f"{_SCRIPT.read_text()}\n\nmain({url!r}, {certificates!r})\n"


def reached_at(api_url: str, manifest_url: str) -> str:
    """URL of the manifest for this program; Rancher gives the URL for everybody else."""
    return f"{api_url.rstrip('/')}{urlsplit(manifest_url).path}"


def prepared(manifest: str) -> str:
    """Rancher's manifest, with the labels of a SecureNamespace.

    Rancher renews its agent by itself, and so both write the objects' fields: with `patchForce` the manifest of the
    running Rancher wins without a conflict.
    """
    objects: list[dict[str, Any]] = [each for each in yaml.safe_load_all(manifest) if each]
    for each in objects:
        metadata = each["metadata"]
        metadata["annotations"] = {**metadata.get("annotations", {}), "pulumi.com/patchForce": "true"}
        if each["kind"] == "Namespace":
            # The agent runs as root, which `restricted` refuses.
            metadata["labels"] = {**metadata.get("labels", {}), **namespace_labels(NAMESPACE, "baseline")}
    return yaml.safe_dump_all(objects, sort_keys=False)
