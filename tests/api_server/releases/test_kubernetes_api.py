"""Addresses of a board's own API, found by the real engine and plugin on a real API server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation as auto

from common.kubernetes_api import KubernetesApi
from common.namespaces import SecureNamespace, SecureNamespaceArgs
from common.network_policies import allow_internet_egress, allow_kubernetes_api_egress
from rehearsal.kapsule.api_endpoints import ADDRESS
from tests.api_server.releases.site import Site
from tests.support.programs import SMALL_QUOTA

# Long enough for the tool chain to be built first.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1800)]
MOVED = "198.51.100.77"


def program(site: Site) -> None:
    """A namespace whose pods may reach the API, on a board whose kubeconfig is known once something else is there."""
    first = k8s.core.v1.Namespace("first", metadata={"name": "first"}, opts=site.on_the_cluster())
    kubeconfig = first.status.apply(lambda _: site.kubeconfig)
    provider = k8s.Provider("board", kubeconfig=kubeconfig, cluster_identifier="board")
    api = KubernetesApi("api", pulumi.ResourceOptions(providers=[provider])).server
    SecureNamespace(
        "asks",
        SecureNamespaceArgs(
            name="asks",
            app="asks",
            quota=SMALL_QUOTA,
            network_rules=[allow_kubernetes_api_egress(api), allow_internet_egress(api)],
        ),
        opts=pulumi.ResourceOptions(providers=[provider]),
    )


def seen(result: auto.PreviewResult | auto.UpResult) -> dict[str, int]:
    changes = result.change_summary if isinstance(result, auto.PreviewResult) else result.summary.resource_changes
    return {str(getattr(kind, "value", kind)): int(count) for kind, count in (changes or {}).items()}


async def allowed(site: Site) -> tuple[dict[str, Any], list[str]]:
    """The rule of the API in the cluster, and what the way to public addresses leaves out."""

    async def egress(policy: str) -> dict[str, Any]:
        said = json.loads(await site.kubectl("--namespace=asks", "get", "networkpolicy", policy, "--output=json"))
        [rule] = said["spec"]["egress"]
        return rule

    api, internet = await egress("allow-kubernetes-api"), await egress("allow-https-internet")
    return api, internet["to"][0]["ipBlock"]["except"]


async def test_they_are_found_before_and_after_the_control_plane_has_moved(site: Site) -> None:
    stack = site.stack("api", lambda: program(site))
    first = seen(await asyncio.to_thread(stack.preview, color="never"))
    assert first["create"] >= 6, "the board is not there yet, and the preview goes through all the same"
    raised = await asyncio.to_thread(stack.up, color="never")
    assert "warning" not in f"{raised.stdout}{raised.stderr}".lower(), "Kubernetes warns whoever reads Endpoints"
    rule, closed = await allowed(site)
    ports = [{"port": 6443, "protocol": "TCP"}]
    assert rule == {"ports": ports, "to": [{"ipBlock": {"cidr": f"{ADDRESS}/32"}}]}
    assert f"{ADDRESS}/32" in closed
    assert "update" not in seen(await asyncio.to_thread(stack.up, color="never"))

    subsets = [{"addresses": [{"ip": MOVED}], "ports": [{"name": "https", "port": 443, "protocol": "TCP"}]}]
    patch = json.dumps({"subsets": subsets})
    await site.kubectl("patch", "endpoints", "kubernetes", "--type=merge", f"--patch={patch}")
    previewed = seen(await asyncio.to_thread(stack.preview, color="never"))
    assert previewed["update"] == 2, "the two policies that name the API server"
    await asyncio.to_thread(stack.up, color="never")
    rule, closed = await allowed(site)
    assert rule["to"] == [{"ipBlock": {"cidr": f"{MOVED}/32"}}]
    assert rule["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert f"{MOVED}/32" in closed
    assert f"{ADDRESS}/32" not in closed

    await asyncio.to_thread(stack.destroy, color="never")
    assert "endpoints/kubernetes" in await site.kubectl("get", "endpoints", "kubernetes", "--output=name"), "not ours"
