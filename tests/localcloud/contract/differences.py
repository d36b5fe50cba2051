"""Where the stand-in answers otherwise than Scaleway did, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One place where an answer is not what was recorded."""

    cassette: str
    request: str
    place: str
    """Path in the JSON answer; empty for the answer as a whole."""
    what: str

    def __str__(self) -> str:
        return f"{self.cassette} {self.request}: {self.place or 'answer'}: {self.what}"


@dataclass(frozen=True)
class Known:
    """Differences that have a reason.

    request: pattern that the request (method, path and query) holds. place: pattern that the whole place
    fits. cassettes: what the cassette's name starts with.
    """

    request: str
    place: str
    reason: str
    cassettes: str = ""

    def explains(self, difference: Difference) -> bool:
        return (
            difference.cassette.startswith(self.cassettes)
            and re.search(self.request, difference.request) is not None
            and re.fullmatch(self.place, difference.place) is not None
        )


def reason_for(difference: Difference, known: Iterable[Known]) -> str | None:
    """Why it differs, or None if nobody knows."""
    return next((one.reason for one in known if one.explains(difference)), None)


_OFFER = "what is on offer changes with time, and the stand-in offers less"
_OLDER = "recorded before Scaleway changed its API; the younger recordings answer as the stand-in does"
_SOONER = "Scaleway took some time for what the stand-in has at once"

_ACCOUNT = "it reads what the recorder's account held before"

FOREIGN = {"vpc/data-source-vpc-default": _ACCOUNT, "domain/domain-zone-root-zone": _ACCOUNT}
"""Cassettes that cannot be replayed on an empty account."""

OWN_DATA: tuple[Known, ...] = (
    Known("GET /k8s/v1/.*/versions", r"(\.versions\[\d+\])?\.available_.*", _OFFER),
    Known(
        "GET /marketplace/v2/local-images", r"\.(local_images\[\d+\]\.compatible_.*|compatible_.*|total_count)", _OFFER
    ),
    Known("GET /instance/v1/.*/products/servers", r"\.servers\..*", _OFFER),
    Known("GET /k8s/v1/.*/kubeconfig", r"\.content", "it is the kubeconfig of another cluster"),
    Known("POST /iam/v1alpha1/api-keys", r"\.secret_key", "the recorder hid it"),
)
"""Differences that are none: each side's own data, as ids and addresses are. The answer still counts as the same."""

KNOWN: tuple[Known, ...] = (
    Known(
        "GET /product-catalog/",
        r"\.(products.*|total_count)",
        "the stand-in sells fewer types and describes no hardware",
    ),
    Known("/k8s/v1/", r"\.new_images_enabled", _OLDER),
    Known("/k8s/v1/", r"(\.clusters\[\d+\])?\.autoscaler_config\.log_level", _OLDER, "k8s/pool-validate-"),
    Known("POST /vpc/v2/", r"\.custom_routes_propagation_enabled", _OLDER),
    Known(
        "/vpc/v2/",
        r".*\.(s3_integration_enabled|has_s3_integration|transitivity_enabled|subnets\[\d+\]\.region)",
        _OLDER,
    ),
    Known("/instance/v1/.*/servers", r"\.server\.admin_password_encrypt\w+", _OLDER),
    Known("/k8s/v1/.*/clusters", r"\.iam_nodes_group_id", _SOONER),
    Known("/block/v1/", r"\.(size|type|specs\.perf_iops)", _SOONER),
    Known(
        "PATCH /instance/v1/.*/ips", "", _SOONER + ": a name in the stand-in's zones resolves", "instance/ip-reverse"
    ),
    Known(
        "PATCH /vpc-gw/v2/.*/ips",
        "",
        _SOONER + ": a name in the stand-in's zones resolves",
        "vpcgw/vpc-public-gateway-ip-reverse",
    ),
    Known("GET /lb/v1/.*/ips\\?ip_type=", r"\.(ips.*|total_count)", _ACCOUNT, "lb/data-source-ips-basic"),
    Known("GET /k8s/v1/.*/nodes", r"\.nodes\[\d+\]\.public_ip_v4", "a KWOK node has no public address"),
    Known("GET /k8s/v1/.*/nodes", r"\.(nodes|total_count)", "an upgrade replaces no KWOK node, so none is there twice"),
    Known("GET /instance/v1/.*/servers", "", "KWOK nodes are no Instances", "k8s/pool-"),
    Known(
        "GET /ipam/.*resource_name=scw-",
        r"\.(ips|total_count)",
        "Scaleway keeps a removed node's addresses a while",
        "k8s/",
    ),
)
"""Real differences that are meant. Such an answer does not count as the same; any other difference is a failure."""
