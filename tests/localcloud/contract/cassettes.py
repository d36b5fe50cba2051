"""The recordings of Scaleway's answers that come with the provider's own source, and which of them we replay."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

MODULE = "github.com/scaleway/terraform-provider-scaleway/v2"
MODULE_FOLDER = Path(__file__).parents[3] / "rehearsal" / "toolchain" / "modules" / "scaleway"
"""Its go.mod says which version of the provider the rehearsal runs, hence whose recordings count."""

RESOURCES = {
    "instance IP": ("instance/ip-*", "instance/data-source-ip-*"),
    "security group": ("instance/security-group-*", "instance/data-source-security-group-*"),
    "server": (
        "instance/server-*",
        "instance/action-server-*",
        "instance/data-source-server-*",
        "instance/data-source-servers-*",
    ),
    "user data": ("instance/user-data-*",),
    "private NIC": ("instance/private-nic-*", "instance/data-source-private-nic-*"),
    "block volume": ("block/volume-*", "block/data-source-volume-*"),
    "image": ("marketplace/*",),
    "VPC": (
        "vpc/vpc-basic", "vpc/vpc-with-*", "vpc/vpc-disable-routing", "vpc/data-source-vpc-basic",
        "vpc/data-source-vpc-default", "vpc/data-source-vp-cs-*",
    ),
    "private network": ("vpc/vpc-private-network-*", "vpc/data-source-vpc-private-network-*"),
    "private network's address": ("ipam/ipamip-*", "ipam/data-source-*"),
    "cluster": ("k8s/cluster-*", "k8s/data-source-cluster-*", "k8s/data-source-version-*"),
    "pool": ("k8s/pool-*", "k8s/data-source-pool-*"),
    "cluster's ACL": ("k8s/acl-*",),
    "gateway's IP": ("vpcgw/vpc-public-gateway-ip-*", "vpcgw/data-source-vpc-public-gateway-ip-*"),
    "gateway": (
        "vpcgw/vpc-public-gateway-basic", "vpcgw/vpc-public-gateway-attach-*", "vpcgw/vpc-public-gateway-bastion*",
        "vpcgw/vpc-public-gateway-upgrade", "vpcgw/data-source-vpc-public-gateway-basic",
    ),
    "gateway's network": ("vpcgw/vpc-gateway-network-*", "vpcgw/data-source-vpc-gateway-network-*"),
    "load balancer IP": ("lb/ip-*", "lb/data-source-ip-*", "lb/data-source-ips-*"),
    "DNS record": ("domain/domain-record-*", "domain/data-source-domain-record-*"),
    "DNS zone": ("domain/domain-zone-*", "domain/data-source-domain-zone-*"),
    "SSH key": ("iam/ssh-key-*", "iam/data-source-ssh-key-*"),
    "registry namespace": ("registry/namespace-*", "registry/data-source-namespace-*"),
    "IAM application": ("iam/application-*", "iam/data-source-application-*"),
    "IAM policy": ("iam/policy-*", "iam/data-source-policy-*"),
    "API key": ("iam/api-key-expires", "iam/api-key-no-update", "iam/api-key-with-*", "iam/data-source-api-key-*"),
}  # fmt: skip
"""Every resource that a rehearsal touches, and the provider's recordings of it and of its data source.

Left out are those of `terraform query` (list-…): they read all that the recorder's account happened to hold.
"""


_ENDING = ".cassette.yaml"


class CassettesMissingError(Exception):
    """The provider's source is not to be had; the text says how to get it."""


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


@cache
def folder() -> Path:
    """See locate; asked once in a process."""
    return locate()


def locate() -> Path:
    """The provider's source in Go's module cache, downloaded if it is not there. Raises CassettesMissingError."""
    command = ["go", "mod", "download", "-json", MODULE]
    try:
        done = subprocess.run(command, cwd=MODULE_FOLDER, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CassettesMissingError(
            f"{error.filename} is not there, and it is Go that finds the recordings of {MODULE}: "
            f"install Go and put it on the PATH, in a checkout that has {MODULE_FOLDER}."
        ) from error
    if done.returncode:
        why: str = json.loads(done.stdout)["Error"] if done.stdout else done.stderr.strip()
        raise CassettesMissingError(
            f"'{' '.join(command)}' failed in {MODULE_FOLDER} ({why}): run it there by hand and follow what it says."
        )
    return Path(json.loads(done.stdout)["Dir"])


def names(resource: str) -> list[str]:
    """The cassettes (service/name) of a resource. Raises CassettesMissingError."""
    found: list[str] = []
    for pattern in RESOURCES[resource]:
        service, _, cassette = pattern.partition("/")
        files = _recordings(service).glob(f"{cassette}{_ENDING}")
        found += [f"{service}/{file.name.removesuffix(_ENDING)}" for file in sorted(files)]
    return list(dict.fromkeys(found))


def every_name() -> list[str]:
    """The cassettes of all resources. Raises CassettesMissingError."""
    return [name for resource in RESOURCES for name in names(resource)]


@cache
def interactions(name: str) -> list[Interaction]:
    """What a cassette (service/name) holds, in order."""
    service, _, cassette = name.partition("/")
    text = (_recordings(service) / f"{cassette}{_ENDING}").read_text()
    recorded: list[dict[str, Any]] = yaml.load(text, Loader=yaml.CSafeLoader)["interactions"]
    return [_interaction(number, one) for number, one in enumerate(recorded)]


def _recordings(service: str) -> Path:
    return folder() / "internal" / "services" / service / "testdata"


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
