"""The stand-in charts, installed by the real engine and its real Helm on a real control plane."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation as auto

from board.cert_manager import OWN_ISSUER, CertManager, CertManagerArgs
from common.certificates import certificate
from common.keys import dns_key
from common.versions import CHARTS
from tests.api_server.releases.site import Site
from tests.api_server.releases.values import GIVEN, OBJECTS, READY, SLIPS, SLIPS_IN_OBJECTS, UPGRADED
from tests.support import programs

TSIG_KEY = dns_key()

# Long enough for the tool chain to be built first.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1800)]


async def test_every_chart_becomes_ready_stays_as_it_is_is_upgraded_and_goes_away(site: Site) -> None:
    values = GIVEN

    def program() -> None:
        cluster = site.on_the_cluster()
        releases: list[pulumi.Resource] = []
        for chart in values:
            namespace = k8s.core.v1.Namespace(chart, metadata={"name": chart}, opts=cluster)
            releases.append(site.install(chart, values[chart], cluster, namespace=namespace.metadata.name))
        after_them = pulumi.ResourceOptions.merge(cluster, pulumi.ResourceOptions(depends_on=releases))
        for api, kind, spec in OBJECTS:
            k8s.apiextensions.CustomResource(
                f"own-{kind}", api_version=api, kind=kind, metadata={"name": "own"}, spec=spec, opts=after_them
            )

    stack = site.stack("charts", program)
    await asyncio.to_thread(stack.up, color="never")
    for chart in CHARTS:
        ready = ("get", READY[chart], "--output=jsonpath={.status.readyReplicas}")
        assert int(await site.kubectl("--namespace", chart, *ready)) >= 1, chart
    for api, kind, spec in SLIPS_IN_OBJECTS:
        slip = {"apiVersion": api, "kind": kind, "metadata": {"name": "slip", "namespace": "default"}, "spec": spec}
        assert "spec." in await site.kubectl("create", "--dry-run=server", "--filename=-", given=slip, fails=True)

    again = await asyncio.to_thread(stack.up, color="never")
    assert set(again.summary.resource_changes or {}) == {"same"}

    values = UPGRADED
    await asyncio.to_thread(stack.up, color="never")
    assert "clusterflow" in await site.kubectl("--namespace=logging-operator", "get", "clusterflows", "--output=name")

    await asyncio.to_thread(stack.destroy, color="never")
    assert await site.kubectl("get", "customresourcedefinitions", "--output=name") == ""


async def test_a_slip_in_the_values_of_any_chart_is_refused(site: Site) -> None:
    def program() -> None:
        cluster = site.on_the_cluster()
        for name, chart, values in slips():
            site.install(chart, values, cluster, namespace="default", name=name)

    printed: list[str] = []
    with pytest.raises(auto.CommandError):
        await asyncio.to_thread(
            site.stack("slips", program).up, color="never", continue_on_error=True, on_output=printed.append
        )
    text = "\n".join(printed)
    assert [name for name, _, _ in slips() if f"({name})" not in text] == []
    assert text.count("values don't meet the specifications of the schema(s)") >= len(SLIPS)
    assert not await site.kubectl("get", "deployments,statefulsets", "--all-namespaces", "--output=name")


async def test_a_boards_certificates_are_what_the_api_server_knows_and_count_as_made_once_they_are_signed(
    site: Site,
) -> None:
    def program() -> None:
        cluster = site.on_the_cluster()
        cert_manager = CertManager(
            "cert-manager",
            CertManagerArgs(
                settings=programs.board_settings(),
                name_server="192.0.2.10",
                key=programs.BoardKey.of("blue", TSIG_KEY),
                priority_class="system-cluster-critical",
                api=programs.API,
                charts=site.charts,
            ),
            opts=pulumi.ResourceOptions(providers=[cluster.provider] if cluster.provider else []),
        )
        assert cert_manager.cluster_issuer is not None
        certificate(
            "wildcard",
            secret_name="wildcard-tls",
            host="*.blue.hunt.example.org",
            issuer=cert_manager.cluster_issuer,
            namespace="default",
            opts=cluster,
        )

    stack = site.stack("certificates", program)
    try:
        update = asyncio.create_task(asyncio.to_thread(stack.up, color="never"))
        # Nobody answers at the authority that it names, and it says so.
        await site.kubectl("wait", "certificate/wildcard-tls", "--for=create", "--timeout=300s")
        await site.kubectl("wait", "certificate/wildcard-tls", "--for=condition=Ready=False", "--timeout=300s")
        assert not update.done()
        signed = {"status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}}
        patch = ("--subresource=status", "--type=merge", f"--patch={json.dumps(signed)}")
        await site.kubectl("patch", "certificate", "wildcard-tls", *patch)
        await update
        for kind, name in (("clusterissuer", OWN_ISSUER), ("certificate", "wildcard-tls")):
            made = json.loads(await site.kubectl("get", kind, name, "--output=json"))
            again = {
                **{field: made[field] for field in ("apiVersion", "kind", "spec")},
                "metadata": {"name": "again", "namespace": "default"},
            }
            # Strictly: an unknown field, which is dropped without a word otherwise, is refused.
            await site.kubectl("create", "--dry-run=server", "--validate=strict", "--filename=-", given=again)
        key = ("--namespace=cert-manager", "get", "secret", "dns-key", "--output=jsonpath={.data.tsig}")
        assert base64.b64decode(await site.kubectl(*key)).decode() == TSIG_KEY
        assert TSIG_KEY not in json.dumps(stack.export_stack().deployment)

        again = await asyncio.to_thread(stack.up, color="never")
        assert set(again.summary.resource_changes or {}) == {"same"}
    finally:
        await asyncio.to_thread(stack.destroy, color="never")
        # cert-manager's chart leaves its kinds behind, so that nobody's certificates go with it.
        await site.kubectl("delete", "customresourcedefinitions", "--all")


def slips() -> list[tuple[str, str, Mapping[str, Any]]]:
    """Name of a release, its chart and values."""
    return [(f"slip-{number}", chart, values) for number, (chart, values) in enumerate(SLIPS)]
