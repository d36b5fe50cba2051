"""Configuration and identity of a board's node, as files that the node finds."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rehearsal.images.catalogue import PAUSE
from rehearsal.images.image_registry import PORT as REGISTRY_PORT
from rehearsal.kapsule import pki
from rehearsal.kapsule.cluster_objects import name_server_address
from rehearsal.kapsule.kubeconfig import ClusterEntry, kubeconfig
from rehearsal.kapsule.pki import Certificates, Identity
from rehearsal.nodes.machine_image import FILES

_NOBODY = "192.0.2.53"
"""Name server of a range kept for documentation (RFC 5737), where this machine has none that pods could reach."""


def pod_range(pod_cidr: str) -> str:
    """Addresses of the node's pods: the last /24 of the cluster's, for simulated nodes count from its beginning."""
    network = ipaddress.IPv4Network(pod_cidr)
    last = int(network.broadcast_address) & 0xFFFFFF00
    return f"{ipaddress.IPv4Address(last)}/24"


def node_files(
    node: str,
    *,
    entry: ClusterEntry,
    certificates: Certificates,
    service_cidr: str,
    pods: str,
    gateway: str,
    addresses: Sequence[str],
) -> Mapping[str, str]:
    """File name to text; secrets.

    entry: the cluster, as a node reaches its API.
    gateway: this machine's address in the board's network: of the authority for the game's names, which refuses all
    others, and of the registry that is asked first for images.
    addresses: networks of what the rehearsal offers to pods.
    """
    # Called by an address that no certificate knows.
    entry = replace(entry, called="kubernetes")
    identities = {
        "kubelet": pki.issue_to_node(certificates, node),
        "kube-proxy": certificates.of("kube-proxy"),
        "kube-network-policies": certificates.of("kube-network-policies"),
    }
    values = {
        "PAUSE_IMAGE": PAUSE.full,
        "CLUSTER_DNS": name_server_address(service_cidr),
        "POD_RANGE": pods,
        "REGISTRY": f"{gateway}:{REGISTRY_PORT}",
        "REHEARSAL_ADDRESSES": ", ".join(f'"{network}"' for network in addresses),
    }
    return {
        "ca.crt": certificates.authority.read_text(),
        "resolv.conf": _resolv_conf(gateway, Path("/etc/resolv.conf")),
        **{
            f"{program}.kubeconfig": kubeconfig(entry, program, _credentials(identity))
            for program, identity in identities.items()
        },
        **{
            name: _filled(FILES / name, values)
            for name in ("cni.conflist", "containerd.toml", "kubelet.yaml", "kube-proxy.yaml", "registries.toml")
        },
    }


def _credentials(identity: Identity) -> dict[str, str]:
    parts = {"client-certificate-data": identity.certificate, "client-key-data": identity.key}
    return {name: base64.b64encode(file.read_bytes()).decode() for name, file in parts.items()}


def _filled(file: Path, values: Mapping[str, str]) -> str:
    text = file.read_text()
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _resolv_conf(first: str, of_machine: Path) -> str:
    """Name servers for pods: that one, and those of this machine that do not listen on its loopback."""
    words = [line.split() for line in of_machine.read_text().splitlines()] if of_machine.exists() else []
    servers = [parts[1] for parts in words if len(parts) > 1 and parts[0] == "nameserver"]
    reached = [server for server in servers if not ipaddress.ip_address(server.partition("%")[0]).is_loopback]
    return "".join(f"nameserver {server}\n" for server in (first, *(reached or [_NOBODY])))
