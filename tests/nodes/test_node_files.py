"""What a node and its pods are given, without a node."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import yaml

from rehearsal.kapsule import pki
from rehearsal.kapsule.kubeconfig import ClusterEntry
from rehearsal.kapsule.node_files import node_files, pod_range
from rehearsal.nodes.pod_images import PodImage, write


def test_an_image_is_the_same_whenever_it_is_made_of_the_same(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    image = PodImage("registry.example/one:1", {"bin/program": program}, ["/bin/program"], user="65532")
    write(image, tmp_path / "first.tar")
    program.touch()
    write(image, tmp_path / "second.tar")
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()
    with tarfile.open(tmp_path / "first.tar") as archive:
        manifest, layer = archive.extractfile("manifest.json"), archive.extractfile("layer.tar")
        assert manifest
        assert layer
        [described] = json.load(manifest)
        config_file = archive.extractfile(described["Config"])
        assert config_file
        config = json.load(config_file)
        assert described["RepoTags"] == ["registry.example/one:1"]
        assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer.read()).hexdigest()}"]
        assert config["config"]["User"] == "65532"


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
        name_server="172.18.0.1",
    )
    assert yaml.safe_load(files["kubelet.yaml"])["clusterDNS"] == ["10.32.0.10"]
    assert yaml.safe_load(files["kube-proxy.yaml"])["clusterCIDR"] == "100.65.255.0/24"
    cluster = yaml.safe_load(files["kubelet.kubeconfig"])["clusters"][0]["cluster"]
    assert files["resolv.conf"].startswith("nameserver 172.18.0.1\n")
    # The address in the board's network is in no certificate.
    assert cluster["tls-server-name"] == "kubernetes"
    assert not [name for name, text in files.items() if "POD_RANGE" in text or "PAUSE_IMAGE" in text]
