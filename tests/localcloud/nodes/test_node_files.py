"""What a node and its pods are given, without a node."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from rehearsal.kapsule import pki
from rehearsal.kapsule.kubeconfig import ClusterEntry
from rehearsal.kapsule.node_files import node_files, pod_range


def test_simulated_pods_and_real_ones_get_addresses_of_their_own() -> None:
    assert pod_range("100.64.0.0/15") == "100.65.255.0/24"


def test_a_nodes_files_name_its_identity_and_leave_nothing_to_fill_in(tmp_path: Path) -> None:
    certificates = pki.provide(tmp_path / "certificates", "127.0.0.1", [])
    entry = ClusterEntry("blue", "https://172.18.0.1:6443", certificates.authority)
    files = node_files(
        "node-1",
        entry=entry,
        certificates=certificates,
        service_cidr="10.32.0.0/20",
        pods="100.65.255.0/24",
        gateway="172.18.0.1",
        addresses=["127.10.1.0/24"],
    )
    assert yaml.safe_load(files["kubelet.yaml"])["clusterDNS"] == ["10.32.0.10"]
    assert yaml.safe_load(files["kube-proxy.yaml"])["clusterCIDR"] == "100.65.255.0/24"
    cluster = yaml.safe_load(files["kubelet.kubeconfig"])["clusters"][0]["cluster"]
    assert files["resolv.conf"].startswith("nameserver 172.18.0.1\n")
    assert json.loads(files["cni.conflist"])["plugins"][1]["networks"] == ["127.10.1.0/24"]
    # The address in the board's network is in no certificate.
    assert cluster["tls-server-name"] == "kubernetes"
    assert not [
        name
        for name, text in files.items()
        for left in ("POD_RANGE", "PAUSE_IMAGE", "REGISTRY", "REHEARSAL_ADDRESSES")
        if left in text
    ]
