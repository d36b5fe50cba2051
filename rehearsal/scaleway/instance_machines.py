"""Machines behind the servers of the store: booted, halted, removed and kept in line with their networks and ports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_interface

from rehearsal.scaleway.backends import Machine, Rule
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.instance_ports import published_ports
from rehearsal.scaleway.records import Record, instance_now

RUNNING = "running"
STARTING = "starting"
STOPPED = "stopped"
STOPPED_IN_PLACE = "stopped in place"
STOPPING = "stopping"
LOCKED = "locked"
TERMINATING = "terminating"
"""The state_detail of a server that will be gone when it has stopped."""


def _nothing() -> None:
    pass


class MachineController:
    """Boots, halts and removes the machine of each server, and moves the server through its states."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._forget: Callable[[Record], None] | None = None

    def when_gone(self, forget: Callable[[Record], None]) -> None:
        """Callback that removes a terminated server from the store."""
        self._forget = forget

    def start(self, server: Record) -> None:
        """Boot a server's machine: starting, then running."""
        self._move(server, STARTING, "allocating node")
        self._work(server, "booting server", lambda: self._boot(server))

    def stop(self, server: Record, state: str, detail: str) -> None:
        """Halt a server's machine: stopping, then that state."""
        self._move(server, STOPPING, detail)
        self._work(server, "stopping server", lambda: self._halt(server, state))

    def reboot(self, server: Record) -> None:
        self._move(server, STARTING, "rebooting")
        self._work(server, "rebooting server", lambda: self._reboot(server))

    def terminate(self, server: Record) -> None:
        """Remove a server's machine and then the server."""
        self._move(server, STOPPING, TERMINATING)
        self._work(server, "terminating server", lambda: self._remove(server))

    def rewire(self, server: Record, then: Callable[[], None] = _nothing) -> None:
        """Let a machine that is on follow its addresses, networks and ports, in the background; then do something."""
        if server["state"] in (RUNNING, STARTING):
            self._work(server, "rewiring server", lambda: self._rewire(server, then))
        else:
            then()

    def resume(self) -> None:
        """Take up what was going on when the API ended, and boot again what should run."""
        for server in self._context.store.servers:
            match server["state"], server["state_detail"]:
                case "running" | "starting", _:
                    self._work(server, "booting server", lambda server=server: self._boot(server))
                case "stopping", "terminating":
                    self.terminate(server)
                case "stopping", detail:
                    state = STOPPED_IN_PLACE if detail == "stopping in place" else STOPPED
                    self.stop(server, state, detail)
                case _:
                    pass

    async def _boot(self, server: Record) -> None:
        await self._rewire(server, _nothing)
        self._move(server, RUNNING, "booting kernel")

    async def _rewire(self, server: Record, then: Callable[[], None]) -> None:
        machine = self._machine(server)
        await self._context.machines.boot(machine)
        await self._context.machines.publish_ports(machine.id, machine.public_address, machine.ports)
        then()

    async def _halt(self, server: Record, state: str) -> None:
        await self._context.machines.halt(server["id"])
        self._move(server, state, state if state == STOPPED_IN_PLACE else "")

    async def _reboot(self, server: Record) -> None:
        await self._context.machines.halt(server["id"])
        await self._boot(server)

    async def _remove(self, server: Record) -> None:
        await self._context.machines.remove(server["id"])
        if self._forget:
            self._forget(server)

    def _machine(self, server: Record) -> Machine:
        store = self._context.store
        addresses = [ip["address"] for ip in map(store.ips.find, server["_ip_ids"]) if ip]
        keys = [key["public_key"] for key in store.ssh_keys if not key["disabled"]]
        return Machine(
            id=server["id"],
            name=server["name"],
            public_address=addresses[0] if addresses else None,
            user_data=server["_user_data"],
            authorized_keys=keys,
            networks=self._networks(server),
            ports=self._ports(server),
        )

    def _networks(self, server: Record) -> dict[str, str]:
        store = self._context.store
        return {
            nic["private_network_id"]: str(ip_interface(ip["address"]).ip)
            for nic in store.nics.where(server_id=server["id"])
            if nic["status"] != "detaching"
            for ip in map(store.ipam_ips.find, nic["ip_ids"])
            if ip and not ip["is_ipv6"]
        }

    def _ports(self, server: Record) -> list[Rule]:
        return published_ports(self._context.store.security_groups.get(server["_security_group_id"]))

    def _move(self, server: Record, state: str, detail: str) -> None:
        server.update(state=state, state_detail=detail, modification_date=instance_now())
        self._context.store.save()

    def _work(self, server: Record, what: str, job: Callable[[], Awaitable[None]]) -> None:
        # Scaleway's own word for a server that only its support can help.
        self._context.jobs.start(server["id"], what, job, lambda error: self._move(server, LOCKED, str(error)))
