"""Creations that Scaleway has made and a killed engine could not write down, with the real engine and provider."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from pulumi import ResourceOptions
from pulumi import automation as auto
from pulumiverse_scaleway import Provider, domain, kubernetes, loadbalancers, network

from cli.stack import Stack, leaves
from common.naming import tags
from common.settings import Settings
from common.settings.schema import schema_of
from rehearsal.toolchain.providing import lay_out
from tests.localcloud.scaleway.cloud import GATEWAY, K8S, LB, Cloud
from tests.localcloud.scaleway.test_leftovers import settings_in
from tests.support.tools import tools

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[3]
DOMAIN = "example.org"


class Environment:
    """A board's way out, its reserved address and a record, by the real engine on the stand-in."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud = cloud
        self.project = folder / "project"
        self.state = folder / "state"
        self.with_cluster = False
        self.home = folder / "engine"
        self.project.mkdir()
        self.state.mkdir()
        lay_out(tools(), self.home)
        self.environment = {
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        options = auto.LocalWorkspaceOptions(
            work_dir=str(self.project),
            pulumi_command=auto.PulumiCommand(str(self.home), skip_version_check=True),
            env_vars=self.environment,
        )
        self.stack = auto.create_or_select_stack("dev", project_name="shambhala", program=self._program, opts=options)

    def _program(self) -> None:
        own, mark = self.cloud.credentials, tags("dev", "blue")
        provider = Provider(
            "scaleway",
            access_key=own.access_key,
            secret_key=own.secret_key,
            project_id=own.project_id,
            organization_id=own.organization_id,
            region="fr-par",
            zone="fr-par-1",
            api_url=self.cloud.api.url,
        )
        of = ResourceOptions(provider=provider)
        private = network.PrivateNetwork("private", tags=mark, opts=of)
        if self.with_cluster:
            kubernetes.Cluster(
                "cluster",
                name="shambhala-dev-blue",
                version="1.36.3",
                cni="cilium",
                private_network_id=private.id,
                delete_additional_resources=True,
                tags=mark,
                opts=of,
            )
            return
        address = network.PublicGatewayIp("gateway-ip", tags=mark, opts=of)
        gateway = network.PublicGateway("gateway", type="VPC-GW-S", ip_id=address.id, tags=mark, opts=of)
        network.GatewayNetwork(
            "connection",
            gateway_id=gateway.id,
            private_network_id=private.id,
            enable_masquerade=True,
            ipam_configs=[network.GatewayNetworkIpamConfigArgs(push_default_route=True)],
            opts=of,
        )
        loadbalancers.Ip("address", tags=mark, opts=of)
        domain.Record("record", dns_zone=DOMAIN, name="ns1-hunt", type="A", data="192.0.2.1", ttl=300, opts=of)

    async def configure(self) -> None:
        """The settings that `recover` reads, in the stack's file."""
        of = Stack("dev", self.project, str(self.home / "bin" / "pulumi"))
        os.environ.update(self.environment)
        await asyncio.to_thread(of.add, list(leaves(settings_in(self.cloud), schema=schema_of(Settings))))

    async def up(self) -> dict[str, int]:
        """Operation to number of resources."""
        done = await asyncio.to_thread(self.stack.up, color="never")
        return {str(operation): number for operation, number in (done.summary.resource_changes or {}).items()}

    async def killed_while(self, path: str) -> None:
        """Begin an update; end engine and plugin when something has been made and its reading gets no answer."""
        await self.cloud.ask(
            "POST", "/rehearsal/faults", {"answer": "timeout", "requests": 1, "method": "GET", "path": path}
        )
        running = asyncio.create_task(asyncio.to_thread(self.stack.up, color="never"))
        while (await self.cloud.ask("GET", "/rehearsal/faults")).body["faults"]:
            assert not running.done(), running.result()
            await asyncio.sleep(0.1)
        # Others that were being made at the same time have ended by then, mostly.
        await asyncio.sleep(2)
        await self.kill(running)
        await self.cloud.ask("DELETE", "/rehearsal/faults")

    async def kill(self, running: asyncio.Task[Any]) -> None:
        """End the engine of a running command and its plugin, and take away the lock, as after the machine's loss."""
        for engine in (child for child in psutil.Process().children() if child.name() == "pulumi"):
            for program in (*engine.children(recursive=True), engine):
                program.kill()
        with pytest.raises(auto.CommandError):
            await running
        await asyncio.to_thread(self.stack.cancel)

    def begin(self, operation: str, name: str) -> None:
        """Write into the state that an operation on a resource was begun, as a killed engine leaves it."""
        file = self.state / ".pulumi" / "stacks" / "shambhala" / "dev.json"
        kept = json.loads(file.read_text())
        deployment = kept["checkpoint"]["latest"]
        [resource] = [each for each in deployment["resources"] if each["urn"].endswith(f"::{name}")]
        deployment["pending_operations"] = [{"resource": resource, "type": operation}]
        file.write_text(json.dumps(kept))

    async def recover(self) -> str:
        """What the program's own `recover` printed."""
        command = [sys.executable, "-m", "cli", "recover", "dev", "--project", str(self.project)]
        command += ["--pulumi", str(self.home / "bin" / "pulumi")]
        ended = await asyncio.to_thread(
            subprocess.run, command, cwd=ROOT, env={**os.environ, **self.environment}, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return str(ended.stdout)

    async def there(self) -> dict[str, int]:
        """How many there are of each kind that the program makes."""
        counted: dict[str, Any] = (await self.cloud.ask("GET", "/rehearsal/state")).body
        kinds = ("private_networks", "gateway_ips", "gateways", "gateway_networks", "lb_ips", "dns_records")
        return {kind: counted[kind] for kind in kinds}


@pytest_asyncio.fixture
async def environment(cloud: Cloud, tmp_path: Path) -> AsyncGenerator[Environment]:
    before = dict(os.environ)
    built = await asyncio.to_thread(Environment, cloud, tmp_path)
    await built.configure()
    yield built
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gateway-ip", f"{GATEWAY}/ips/"),
        ("gateway", f"{GATEWAY}/gateways/"),
        ("connection", f"{GATEWAY}/gateway-networks/"),
        ("address", f"{LB}/ips/"),
        ("record", f"/domain/v2beta1/dns-zones/{DOMAIN}/records"),
    ],
)
async def test_what_was_made_when_engine_and_plugin_were_killed_is_adopted(
    environment: Environment, name: str, path: str
) -> None:
    await environment.killed_while(path)
    printed = await environment.recover()
    assert f"{name}: adopted " in printed
    assert (await environment.up()).keys() <= {"create", "same", "update"}
    # A second of any would be billed and never be destroyed, or refused.
    assert set((await environment.there()).values()) == {1}
    assert (await environment.up()).keys() == {"same"}
    assert "there is nothing to recover" in await environment.recover()


async def test_a_second_that_was_made_without_recover_is_removed_by_the_update_after_it(
    environment: Environment,
) -> None:
    await environment.killed_while(f"{LB}/ips/")
    await environment.up()
    assert (await environment.there())["lb_ips"] == 2
    assert "is of no use; the next update removes it" in await environment.recover()
    await environment.up()
    assert (await environment.there())["lb_ips"] == 1
    assert (await environment.up()).keys() == {"same"}


@pytest.mark.parametrize("ready", [True, False], ids=["made meanwhile", "still in the making"])
async def test_a_cluster_that_was_not_ready_when_the_engine_was_killed_is_adopted(
    environment: Environment, ready: bool
) -> None:
    environment.with_cluster = True
    gate = environment.cloud.clusters.gate
    gate.clear()
    running = asyncio.create_task(asyncio.to_thread(environment.stack.up, color="never"))
    while not (await environment.cloud.ask("GET", f"{K8S}/clusters")).body["clusters"]:
        assert not running.done(), running.result()
        await asyncio.sleep(0.1)
    await environment.kill(running)
    if ready:
        gate.set()
    else:
        asyncio.get_running_loop().call_later(15, gate.set)
    assert "cluster: adopted fr-par/" in await environment.recover()
    assert (await environment.up()).keys() == {"same"}


async def test_a_removal_that_came_about_unseen_is_noticed_and_made_good(environment: Environment) -> None:
    await environment.up()
    environment.begin("deleting", "connection")
    [connection] = (await environment.cloud.ask("GET", f"{GATEWAY}/gateway-networks")).body["gateway_networks"]
    await environment.cloud.ask("DELETE", f"{GATEWAY}/gateway-networks/{connection['id']}")
    assert "connection: was being changed or removed" in await environment.recover()
    assert (await environment.up()).get("create") == 1
    assert (await environment.up()).keys() == {"same"}


async def test_a_change_that_came_about_unseen_is_noticed_and_taken_back(environment: Environment) -> None:
    await environment.up()
    environment.begin("updating", "address")
    [address] = (await environment.cloud.ask("GET", f"{LB}/ips")).body["ips"]
    await environment.cloud.ask("PATCH", f"{LB}/ips/{address['id']}", {"tags": ["another"]})
    assert "address: was being changed or removed" in await environment.recover()
    assert (await environment.up()).get("update") == 1
    [address] = (await environment.cloud.ask("GET", f"{LB}/ips")).body["ips"]
    assert address["tags"] == tags("dev", "blue")
