"""Releases that a killed engine and its plugin left half done, on a real control plane: `recover` and `up` go on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pulumi
import pulumi_kubernetes as k8s
import pytest
import pytest_asyncio
from pulumi import automation as auto

from tests.api_server.releases.site import Site

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[3]
CHART = "nginx-ingress"
PLACE = "doors"
HELD = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "held"}, "spec": {"hard": {"pods": "0"}}}
"""Lets no pod come, so that a release gets ready no more."""


class Board:
    """One release on the cluster, as a program wants it, and the engine that makes it."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.name = name
        self.replicas = 1
        self.wanted = True
        self.secret = True
        self.stack = site.stack(name, self._program)

    def _program(self) -> None:
        kubeconfig = pulumi.Output.secret(self.site.kubeconfig) if self.secret else self.site.kubeconfig
        cluster = pulumi.ResourceOptions(provider=k8s.Provider("cluster", kubeconfig=kubeconfig))
        namespace = k8s.core.v1.Namespace(PLACE, metadata={"name": PLACE}, opts=cluster)
        values = {"controller": {"replicaCount": self.replicas, "enableCustomResources": False}}
        if self.wanted:
            self.site.install(CHART, values, cluster, namespace=namespace.metadata.name)

    async def up(self) -> dict[str, int]:
        """Operation to number of resources."""
        done = await asyncio.to_thread(self.stack.up, color="never")
        return {str(operation): number for operation, number in (done.summary.resource_changes or {}).items()}

    async def destroy(self) -> None:
        await asyncio.to_thread(self.stack.destroy, color="never")

    async def killed(self, command: Callable[..., object], when: Callable[[], Awaitable[bool]]) -> None:
        """Run a command of the stack, and end the engine and its plugins as soon as something is so."""
        running = asyncio.create_task(asyncio.to_thread(command, color="never"))
        while not await when():
            assert not running.done(), running.result()
            await asyncio.sleep(0.05)
        for program in _engine_and_plugins():
            program.kill()
        with pytest.raises(auto.CommandError):
            await running
        # The killed engine's lock, as after the loss of the machine.
        await asyncio.to_thread(self.stack.cancel)

    async def held(self) -> None:
        await self.site.kubectl(f"--namespace={PLACE}", "apply", "--filename=-", given=HELD)

    async def let_go(self) -> None:
        await self.site.kubectl(f"--namespace={PLACE}", "delete", "resourcequota", "held", "--ignore-not-found")

    async def statuses(self) -> list[str]:
        """What Helm's store says of each revision, oldest first."""
        labels = f"--selector=owner=helm,name={CHART}"
        found = await self.site.kubectl(f"--namespace={PLACE}", "get", "secrets", labels, "--output=json", either=True)
        try:
            secrets = json.loads(found)["items"]
        except json.JSONDecodeError:
            return []
        told = [secret["metadata"]["labels"] for secret in secrets]
        return [each["status"] for each in sorted(told, key=lambda each: int(each["version"]))]

    async def ready(self) -> int:
        field = "--output=jsonpath={.status.readyReplicas}"
        return int(await self.site.kubectl(f"--namespace={PLACE}", "get", f"deployment/{CHART}-controller", field) or 0)

    async def recover(self, status: int = 0) -> str:
        """What the program's own `recover` printed."""
        return await asyncio.to_thread(self._recover, status)

    def _recover(self, status: int) -> str:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "cli", "recover", self.name),
                *("--project", self.site.project, "--pulumi", self.site.engine),
            ],
            cwd=ROOT,
            env={**os.environ, **self.site.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def state(self) -> Mapping[str, Any]:
        """The stack's state, and what it says was begun."""
        return self.stack.export_stack().deployment or {}


@pytest_asyncio.fixture(loop_scope="module")
async def board(site: Site, request: pytest.FixtureRequest) -> AsyncGenerator[Board]:
    board = Board(site, f"board-{abs(hash(request.node.name)) % 10**6}")
    yield board
    await board.let_go()
    await board.destroy()
    assert await board.statuses() == []


async def converges(board: Board) -> None:
    """Recover, and see that the next updates make it as the program wants it and then change nothing."""
    await board.recover()
    assert (await board.up()).keys() <= {"create", "same", "update"}
    assert (await board.statuses())[-1] == "deployed"
    assert await board.ready() == board.replicas
    assert (await board.up()).keys() == {"same"}
    assert "there is nothing to recover" in await board.recover()


async def test_an_installation_that_was_cut_off_is_begun_anew_over_what_is_there(board: Board) -> None:
    board.wanted = False
    await board.up()
    await board.held()
    board.wanted = True

    async def half_installed() -> bool:
        return await board.statuses() == ["pending-install"]

    await board.killed(board.stack.up, half_installed)
    await board.let_go()
    # What every update said before there was this.
    with pytest.raises(auto.CommandError, match="cannot re-use a name that is still in use"):
        await board.up()
    await converges(board)


async def test_an_installation_that_ended_after_the_engine_is_adopted(board: Board) -> None:
    async def installed() -> bool:
        if not await board.statuses():
            return False
        for engine in _engines():
            engine.send_signal(signal.SIGSTOP)
        while await board.statuses() == ["pending-install"]:
            await asyncio.sleep(0.2)
        return True

    await board.killed(board.stack.up, installed)
    assert await board.statuses() == ["deployed"]
    assert "nginx-ingress: adopted" in await board.recover()
    assert "create" not in await board.up()
    assert (await board.statuses())[-1] == "deployed"
    assert (await board.up()).keys() == {"same"}


async def test_a_change_that_was_cut_off_is_made_or_taken_back(board: Board) -> None:
    await board.up()
    for replicas in (2, 1):
        board.replicas = 2
        await board.held()

        async def half_changed() -> bool:
            return (await board.statuses())[-1] == "pending-upgrade"

        await board.killed(board.stack.up, half_changed)
        await board.let_go()
        # First as the change wanted it, then as it was before, of which no update would see that it is not so.
        board.replicas = replicas
        if replicas == 2:
            with pytest.raises(auto.CommandError, match="another operation"):
                await board.up()
        await converges(board)
        board.replicas = 1
        await board.up()


async def test_a_change_that_was_cut_off_and_whose_operation_is_gone_from_the_state_is_found_on_the_cluster(
    board: Board,
) -> None:
    await board.up()
    board.replicas = 2
    await board.held()

    async def half_changed() -> bool:
        return (await board.statuses())[-1] == "pending-upgrade"

    await board.killed(board.stack.up, half_changed)
    await board.let_go()
    await asyncio.to_thread(board.stack.refresh, color="never")
    assert not board.state().get("pending_operations")
    # The plugin takes what is in the making for what was asked for, and every update would leave it so.
    assert (await board.up()).keys() == {"same"}
    assert (await board.statuses())[-1] == "pending-upgrade"
    await converges(board)


async def test_a_removal_that_was_cut_off_is_no_harm_to_the_next_update(board: Board) -> None:
    await board.up()
    kept = ("patch", f"deployment/{CHART}-controller", "--type=merge")
    finalizer = '{"metadata": {"finalizers": ["example.org/kept"]}}'
    await board.site.kubectl(f"--namespace={PLACE}", *kept, f"--patch={finalizer}")

    async def half_removed() -> bool:
        return await board.statuses() == ["uninstalling"]

    await board.killed(board.stack.destroy, half_removed)
    await board.site.kubectl(f"--namespace={PLACE}", *kept, '--patch={"metadata": {"finalizers": null}}', either=True)
    await converges(board)


async def test_a_cluster_that_does_not_answer_is_named_with_what_to_do(board: Board) -> None:
    board.secret = False
    await board.up()
    state = board.stack.export_stack()
    silent = json.loads(json.dumps(state.deployment).replace("https://127.", "https://127.255."))
    board.stack.import_stack(auto.Deployment(version=state.version, deployment=silent))
    try:
        printed = await board.recover(status=1)
    finally:
        board.stack.import_stack(state)
    assert "error: the cluster of cluster does not answer" in printed
    assert "boards.NAME.apiCidrs" in printed
    assert "Traceback" not in printed


def _engines() -> list[psutil.Process]:
    """The engines that this process runs."""
    return [child for child in psutil.Process().children() if child.name() == "pulumi"]


def _engine_and_plugins() -> list[psutil.Process]:
    return [program for engine in _engines() for program in (engine, *engine.children(recursive=True))]
