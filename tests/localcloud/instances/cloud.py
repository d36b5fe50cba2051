"""A rehearsal of its own for a test, the machines in it, and callers from outside."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import TypeVar

import asyncssh
import pytest

from rehearsal.instances import Instances
from rehearsal.scaleway.backends import Machine, Rule
from rehearsal.session import Block, Session, claim
from tests.support.waiting import LONGEST_WAIT

"""Seconds within which something must become so."""
EVERYBODY = "0.0.0.0/0"
ECHO = (Path(__file__).parent / "echo_server.py").read_text()


def rule(protocol: str, first: int, last: int | None = None, source: str = EVERYBODY) -> Rule:
    return Rule(protocol, first, last or first, source)


SSH = rule("TCP", 22)


def user_data(host_key: asyncssh.SSHKey, more: str = "") -> str:
    """A cloud-config that gives the machine this host key."""
    private = indent(host_key.export_private_key().decode(), "    ")
    public = host_key.export_public_key().decode()
    return f"#cloud-config\nssh_keys:\n  ed25519_private: |\n{private}\n  ed25519_public: {public}\n{more}"


def echo_on(*ports: int) -> str:
    """The part of a cloud-config that serves echoes on these ports from the first boot on."""
    listed = " ".join(map(str, ports))
    return (
        "write_files:\n  - path: /opt/echo.py\n    content: |\n"
        + indent(ECHO, "      ")
        + f"runcmd:\n  - systemd-run --unit=echo python3 /opt/echo.py {listed}\n"
    )


Result = TypeVar("Result")


async def eventually(look: Callable[[], Awaitable[Result]]) -> Result:
    """What `look` returns once it is no longer refused."""
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            try:
                return await look()
            except (OSError, asyncssh.Error):
                await asyncio.sleep(0.1)


async def reachable(address: str, port: int) -> bool:
    """Whether a TCP connection can be made."""
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.close()
    return True


async def until_closed(address: str, port: int) -> None:
    """Return once TCP connections are refused there."""
    async with asyncio.timeout(LONGEST_WAIT):
        while await reachable(address, port):
            await asyncio.sleep(0.1)


async def tcp_echo(address: str, port: int, text: bytes) -> bytes:
    """Send, end this side, and read to the end of the other."""
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(text)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    if not answer:
        raise ConnectionResetError("no answer")
    return answer


async def udp_echo(address: str, port: int, datagram: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.setblocking(False)
        await loop.sock_connect(caller, (address, port))
        await loop.sock_sendall(caller, datagram)
        async with asyncio.timeout(1):
            return await loop.sock_recv(caller, 65535)


def new_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")  # pyright: ignore[reportUnknownMemberType]


@dataclass
class Cloud:
    """One rehearsal's Instances and what a person needs to enter them."""

    session: Session
    instances: Instances
    me: asyncssh.SSHKey = field(default_factory=new_key)
    host_key: asyncssh.SSHKey = field(default_factory=new_key)

    @property
    def address(self) -> str:
        """The public address of the only machine."""
        return self.session.address(Block.INSTANCES, 1)

    def machine(self, more: str = "", name: str = "game-master", networks: Mapping[str, str] | None = None) -> Machine:
        return Machine(
            id=str(uuid.uuid4()),
            name=name,
            public_address=self.address,
            user_data={"cloud-init": user_data(self.host_key, more)},
            authorized_keys=[self.me.export_public_key().decode()],
            networks=networks or {},
        )

    async def boot(self, machine: Machine, ports: Sequence[Rule] = (SSH,), address: str | None = None) -> None:
        await self.instances.boot(machine)
        await self.instances.publish_ports(machine.id, address or self.address, ports)

    async def enter(self, address: str | None = None) -> asyncssh.SSHClientConnection:
        """Enter as root once cloud-init is through, insisting on the host key that the machine was given."""
        known = asyncssh.import_known_hosts(f"* {self.host_key.export_public_key().decode()}")
        where = address or self.address
        connection = await eventually(
            lambda: asyncssh.connect(where, username="root", client_keys=[self.me], known_hosts=known, config=None)
        )
        status = await connection.run("cloud-init status --wait --long")
        assert status.exit_status == 0, status.stdout
        return connection


def new_session(home: Path) -> Session:
    """A rehearsal of its own, kept below a folder that is made for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(home))
        return claim(f"test-{uuid.uuid4().hex[:12]}")
