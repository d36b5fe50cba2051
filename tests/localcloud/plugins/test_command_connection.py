"""SSH connections of `command:remote:Command`: host keys, logins, dialling and proxies, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import asyncssh
import pytest

from rehearsal.plugins.properties import Value
from tests.localcloud.plugins.plugin import Plugin
from tests.localcloud.plugins.remote_command import COMMAND, refusal, step
from tests.localcloud.plugins.ssh_host import SshHost, new_key


async def test_a_pinned_host_key_is_found_among_the_hosts_keys(command: Plugin, host: SshHost) -> None:
    for key in (host.key, host.other_key):
        pinned = host.connection(hostKey=key.export_public_key().decode())
        _, outputs = await command.create(COMMAND, step(host, create="echo in", connection=pinned))
        assert outputs["stdout"] == "in"


async def test_a_host_with_another_key_than_the_pinned_one_is_refused(command: Plugin, host: SshHost) -> None:
    stranger = new_key().export_public_key().decode()
    inputs = {"connection": host.connection(hostKey=stranger), "create": "touch here"}
    text = await refusal(command.create(COMMAND, inputs))
    assert text == "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch"
    assert host.commands == []


async def test_a_password_and_an_encrypted_key_and_a_wrong_key(command: Plugin, host: SshHost) -> None:
    locked = host.client_key.export_private_key("pkcs8-pem", passphrase="open sesame").decode()
    good = host.connection(privateKey=locked, privateKeyPassword="open sesame")
    _, outputs = await command.create(COMMAND, step(host, create="echo in", connection=good))
    assert outputs["stdout"] == "in"
    unreadable = host.connection(privateKey=locked, privateKeyPassword="wrong")
    text = await refusal(command.create(COMMAND, step(host, create="true", connection=unreadable)))
    assert "connection.privateKey cannot be read" in text
    wrong = new_key().export_private_key().decode()
    text = await refusal(
        command.create(COMMAND, step(host, create="true", connection=host.connection(privateKey=wrong)))
    )
    assert text == (
        "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods "
        "[none publickey], no supported methods remain"
    )


async def test_dialling_gives_up_after_the_limit_and_says_how_often_it_tried(command: Plugin, host: SshHost) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = host.connection(port=free.getsockname()[1], dialErrorLimit=2)
    text = await refusal(command.create(COMMAND, step(host, create="true", connection=closed)))
    assert text == f"after 2 failed attempts: dial tcp 127.0.0.1:{closed['port']}: connect: connection refused"
    assert command.log == ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]


async def test_a_host_that_takes_no_connection_is_given_up_after_the_dial_timeout(
    command: Plugin, host: SshHost
) -> None:
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # What fits into its queue; whoever comes then hears nothing.
        for _ in range(2):
            first = waiting.enter_context(socket.socket())
            first.setblocking(False)
            first.connect_ex(full.getsockname())
        busy = host.connection(port=full.getsockname()[1], perDialTimeout=1)
        text = await refusal(command.create(COMMAND, step(host, create="true", connection=busy)))
    assert text == f"after 0 failed attempts: dial tcp 127.0.0.1:{busy['port']}: i/o timeout"


async def test_a_host_that_accepts_and_says_nothing_is_waited_for_without_an_end(
    command: Plugin, host: SshHost
) -> None:
    """The official plugin's time for a dial ends with the TCP connection."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mute = host.connection(port=silent.getsockname()[1], perDialTimeout=1)
        dialling = asyncio.ensure_future(command.create(COMMAND, step(host, create="true", connection=mute)))
        finished, _ = await asyncio.wait([dialling], timeout=3)
        assert not finished
        await command.cancel()
        assert "cancelled" in await refusal(dialling)


async def test_an_agent_that_is_gone_is_an_error_though_a_key_is_given(
    command: Plugin, host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = tmp_path / "agent"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    text = await refusal(command.create(COMMAND, step(host, create="touch here")))
    assert text == f"dial unix {agent}: connect: no such file or directory"
    assert host.commands == []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(agent))
        listening.listen()
        await command.create(COMMAND, step(host, create="touch here"))
    # What a terminal multiplexer keeps of the last login: the file, and nobody behind it.
    text = await refusal(command.create(COMMAND, step(host, create="touch here")))
    assert text == f"dial unix {agent}: connect: connection refused"


async def test_twelve_commands_at_once_fit_a_stock_ssh_server_and_leave_no_connection_open(
    command: Plugin, host: SshHost
) -> None:
    made = await asyncio.gather(*(command.create(COMMAND, step(host, create=f"echo {n}")) for n in range(12)))
    assert [outputs["stdout"] for _, outputs in made] == [str(n) for n in range(12)]
    assert host.dropped == 0
    while host.open:
        await asyncio.sleep(0.01)


async def test_being_cancelled_while_dialling_gives_up_at_once(command: Plugin, host: SshHost) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = host.connection(port=free.getsockname()[1], dialErrorLimit=-1)
    dialling = asyncio.ensure_future(command.create(COMMAND, step(host, create="true", connection=closed)))
    while "Dial 2/inf failed: retrying" not in command.log:
        await asyncio.sleep(0.01)
    await command.cancel()
    assert "cancelled" in await refusal(dialling)


async def test_a_proxy_is_passed_through(command: Plugin, host: SshHost) -> None:
    _, outputs = await command.create(COMMAND, step(host, create="echo in", connection=through(host, host.key)))
    assert outputs["stdout"] == "in"
    assert host.forwarded == [("127.0.0.1", host.port)]
    wrong = new_key()
    text = await refusal(command.create(COMMAND, step(host, create="true", connection=through(host, wrong))))
    assert "host key mismatch" in text


def through(host: SshHost, key: asyncssh.SSHKey) -> dict[str, Value]:
    """The host itself as the proxy, pinned to that key."""
    return {**host.connection(), "proxy": host.connection(hostKey=key.export_public_key().decode())}
