"""The recordings of Scaleway's answers that come with the provider's own source, and which of them we replay."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

MODULE = "github.com/scaleway/terraform-provider-scaleway/v2"
MODULE_FOLDER = Path(__file__).parents[2] / "rehearsal" / "toolchain" / "modules" / "scaleway"
OVERRIDE = "SHAMBHALA_CASSETTES"
"""Environment variable: a folder with the provider's source, for machines that have it elsewhere."""

COVERED = {
    "instance": (
        "server-basic", "server-minimal", "server-ips", "server-ip-removed", "server-ips-removed",
        "server-state-start", "server-state-stop", "server-private-network",
        "server-private-network-missing-pnic", "server-root-volume-boot", "server-root-volume-size",
        "server-root-volume-from-image-block", "server-user-data-with-cloud-init-at-start",
        "server-user-data-without-cloud-init-at-start", "user-data-basic", "ip-basic", "ip-tags", "ip-with-zone",
        "ip-reverse-dns-basic", "security-group-basic", "security-group-any", "security-group-tags",
        "security-group-icmp", "security-group-with-no-port", "security-group-with-port-range",
        "security-group-remove-port", "security-group-enable-default-security", "security-group-rules-basic",
        "security-group-rules-ip-ranges", "security-group-rules-reapply-config", "private-nic-basic",
        "private-nic-tags", "private-nic-with-ipam",
    ),
    "k8s": (
        "cluster-basic", "cluster-private-network", "cluster-networking", "cluster-oidc", "cluster-autoscaling",
        "cluster-auto-upgrade", "cluster-upgrade-cluster-only", "cluster-upgrade-pools-with-cluster", "pool-basic",
        "pool-wait", "pool-size", "pool-zone", "pool-taints-and-labels", "pool-upgrade-policy", "pool-kubelet-args",
        "acl-basic", "acl-rules-order",
    ),
    "domain": (
        "domain-record-basic", "domain-record-basic2", "domain-record-cname", "domain-record-arobase",
        "domain-record-name-diff-suppress", "domain-zone-basic",
    ),
    "iam": ("ssh-key-basic", "ssh-key-disabled", "ssh-key-with-new-line", "ssh-key-change-resource-name"),
    "vpc": (
        "vpc-basic", "vpc-with-region", "vpc-with-tags", "vpc-disable-routing", "vpc-private-network-basic",
        "vpc-private-network-default-name", "vpc-private-network-one-subnet", "vpc-private-network-subnets",
    ),
    "lb": ("ip-basic", "ip-with-tags"),
}  # fmt: skip
"""Cassettes by service: those of the resources that the program uses."""

NAMES = [f"{service}/{cassette}" for service, cassettes in COVERED.items() for cassette in cassettes]


class CassettesMissing(Exception):
    """The provider's source is not on this machine; the text says how to get it."""


@dataclass(frozen=True)
class Interaction:
    """One request that was recorded, and what Scaleway answered."""

    number: int
    method: str
    path: str
    query: str
    body: str
    status: int
    answer: str

    @property
    def said(self) -> str:
        """The request in a few words."""
        return f"#{self.number} {self.method} {self.path}" + (f"?{self.query}" if self.query else "")


def go_is_missing() -> bool:
    return shutil.which("go") is None and OVERRIDE not in os.environ


@cache
def folder() -> Path:
    """The provider's source. Raises CassettesMissing."""
    override = os.environ.get(OVERRIDE)
    if override:
        found = Path(override)
    else:
        if not (MODULE_FOLDER / "go.mod").exists():
            raise CassettesMissing(
                f"{MODULE_FOLDER} is not there, so nobody knows which provider to hold the stand-in against: "
                f"restore it, or set {OVERRIDE} to a folder with the source of {MODULE}."
            )
        found = Path(_go("list", "-m", "-f", "{{.Dir}}", MODULE) or _download())
    if not (found / "internal" / "services").is_dir():
        raise CassettesMissing(f"{found} does not hold the source of {MODULE}: set {OVERRIDE} to a folder that does.")
    return found


def interactions(name: str) -> list[Interaction]:
    """What a cassette (service/name) holds, in order. Raises CassettesMissing."""
    service, _, cassette = name.partition("/")
    file = folder() / "internal" / "services" / service / "testdata" / f"{cassette}.cassette.yaml"
    if not file.exists():
        raise CassettesMissing(f"The provider's source has no {file}: take {name} out of tests/contract/cassettes.py.")
    recorded: list[dict[str, Any]] = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)["interactions"]
    return [_interaction(number, one) for number, one in enumerate(recorded)]


def _interaction(number: int, recorded: dict[str, Any]) -> Interaction:
    request, response = recorded["request"], recorded["response"]
    url = urlsplit(cast("str", request["url"]))
    return Interaction(
        number=number,
        method=request["method"],
        path=url.path,
        query=url.query,
        body=request.get("body") or "",
        status=response["code"],
        answer=response.get("body") or "",
    )


def _download() -> str:
    _go("mod", "download", MODULE)
    return _go("list", "-m", "-f", "{{.Dir}}", MODULE)


def _go(*arguments: str) -> str:
    done = subprocess.run(["go", *arguments], cwd=MODULE_FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CassettesMissing(
            f"'go {' '.join(arguments)}' failed in {MODULE_FOLDER}: {done.stderr.strip()} "
            f"Run it by hand, or set {OVERRIDE} to a folder with the source of {MODULE}."
        )
    return done.stdout.strip()
