"""NetworkPolicies on a board's node: what is denied does not get through, and what is allowed does."""

from __future__ import annotations

import asyncio
import json

import pytest

from rehearsal.session import Block
from tests.localcloud.nodes.board import Board, policy, service
from tests.support.waiting import until_it_holds

# On a bare machine the first of these builds the images of Instances and of nodes.
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

SERVER = "http://server.red.svc.cluster.local:80"


async def _address(board: Board, kind: str, name: str, field: str) -> str:
    return await board.kubectl("-n", "red", "get", kind, name, f"--output=jsonpath={{{field}}}")


async def test_a_default_deny_is_enforced(denied: Board) -> None:
    """Enforcement is in the packet filter's queue, which a kernel without nft's own would leave open in silence."""
    server = await _address(denied, "pod", "server", ".status.podIP")
    said = await denied.probe("caller", "red", "ask", f"http://{server}:8000", fails=True)
    assert "Timeout" in said or "deadline" in said
    await denied.probe("caller", "blue", "ask", f"http://{server}:8000", fails=True)
    await denied.probe("root", "blue", "ask", f"http://{server}:8000", fails=True)


async def test_while_no_agent_judges_nothing_gets_through(denied: Board) -> None:
    """Fail closed: also what no policy forbids."""
    await denied.run_pod("server", "plain", "serve", "8000", "open")
    await denied.run_pod("caller", "plain", "serve", "8000", "x")
    where = "--output=jsonpath={.status.podIP}"
    server = await denied.kubectl("-n", "plain", "get", "pod", "server", where)
    assert await denied.probe("caller", "plain", "ask", f"http://{server}:8000") == "open"
    agent = (
        await denied.docker("container", "exec", denied.container, "pgrep", "--full", "^kube-network-policies")
    ).split()
    await denied.docker("container", "exec", denied.container, "kill", "-STOP", *agent)
    try:
        await denied.probe("caller", "plain", "ask", f"http://{server}:8000", fails=True)
    finally:
        await denied.docker("container", "exec", denied.container, "kill", "-CONT", *agent)
    assert await denied.probe("caller", "plain", "ask", f"http://{server}:8000") == "open"


async def test_an_allow_rule_opens_for_whom_it_names_and_for_nobody_else(denied: Board) -> None:
    await denied.apply(service("server", "red", 80))
    ports = [{"port": 8000}]
    dns = {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]}
    egress = [{"to": [{"podSelector": {"matchLabels": {"app": "server"}}}], "ports": ports}, dns]
    ingress = [{"from": [{"podSelector": {"matchLabels": {"app": "caller"}}}], "ports": ports}]
    await denied.apply(
        policy("in", "red", podSelector={"matchLabels": {"app": "server"}}, policyTypes=["Ingress"], ingress=ingress),
        policy("out", "red", podSelector={"matchLabels": {"app": "caller"}}, policyTypes=["Egress"], egress=egress),
    )
    found = await until_it_holds(lambda: denied.probe("caller", "red", "ask", SERVER))
    assert found == "hello"
    address = await _address(denied, "service", "server", ".spec.clusterIP")
    await denied.probe("caller", "blue", "ask", f"http://{address}:80", fails=True)


async def test_the_api_is_reached_by_the_address_that_its_endpoints_name_and_by_no_other(denied: Board) -> None:
    """Judged after the Service's address has been translated: a policy for 10.32.0.1 opens nothing, and the endpoint
    must not be the node's own address, for what is sent there is not judged at all."""
    endpoints = json.loads(await denied.kubectl("get", "endpoints", "kubernetes", "--output=json"))
    [subset] = endpoints["subsets"]
    [address], [port] = subset["addresses"], subset["ports"]
    assert address["ip"] != await _node_address(denied)
    url = "https://10.32.0.1/version"
    await denied.probe("caller", "blue", "api", url, fails=True)

    def egress(network: str) -> dict[str, object]:
        return policy("api", "blue", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": network}}]}])

    await denied.apply(egress("10.32.0.0/20"))
    await asyncio.sleep(1)
    await denied.probe("caller", "blue", "api", url, fails=True)
    await denied.apply(egress(f"{address['ip']}/32"))
    found = await until_it_holds(lambda: denied.probe("caller", "blue", "api", url))
    assert "gitVersion" in found
    assert port["port"] == 6443


async def test_an_address_of_the_rehearsal_is_judged_as_it_is(denied: Board) -> None:
    """Else the rules that name the game master's public address could not be tried."""
    host = denied.session.address(Block.INSTANCES, 9)
    server = await asyncio.start_server(_greet, host, 8080)
    async with server:
        await denied.probe("caller", "blue", "ask", f"http://{host}:8080", fails=True)
        to = [{"ipBlock": {"cidr": f"{host}/32"}}]
        await denied.apply(policy("machine", "blue", policyTypes=["Egress"], egress=[{"to": to}]))
        found = await until_it_holds(lambda: denied.probe("caller", "blue", "ask", f"http://{host}:8080"))
        assert found == "hello"
        # Its neighbour, and what the rehearsal does not offer to pods.
        await denied.probe(
            "caller", "blue", "ask", f"http://{denied.session.address(Block.INSTANCES, 8)}:8080", fails=True
        )


async def test_the_api_server_reaches_a_pod_if_a_policy_lets_it_in(denied: Board) -> None:
    """As it calls webhooks, which have a rule of their own in every namespace that has one."""
    await denied.run_pod("webhook", "red", "serve", "8000", "admitted")
    path = "--raw=/api/v1/namespaces/red/pods/webhook:8000/proxy/"
    await denied.kubectl("get", path, "--request-timeout=5s", fails=True)
    hook = {"matchLabels": {"app": "webhook"}}
    ingress = [{"ports": [{"port": 8000}]}]
    await denied.apply(policy("hook", "red", podSelector=hook, policyTypes=["Ingress"], ingress=ingress))
    found = await until_it_holds(lambda: denied.kubectl("get", path, "--request-timeout=5s"))
    assert found == "admitted"


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nhello")
    await writer.drain()
    writer.close()


async def _node_address(board: Board) -> str:
    where = "jsonpath={.items[*].status.addresses[?(@.type=='InternalIP')].address}"
    return (await board.kubectl("get", "nodes", "--selector=!kwok.x-k8s.io/node", f"--output={where}")).strip()
