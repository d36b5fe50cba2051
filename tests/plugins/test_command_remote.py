"""`command:remote:Command`, asked over the plugin protocol, against an SSH host on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable
from pathlib import Path

import asyncssh
import grpc
import pytest

from rehearsal.plugins.properties import UNKNOWN, Secret, Value
from tests.plugins.plugin import Plugin
from tests.plugins.ssh_host import SshHost, new_key

COMMAND = "command:remote:Command"


def step(host: SshHost, **inputs: Value) -> dict[str, Value]:
    return {"connection": host.connection(), **inputs}


async def refusal(work: Awaitable[object]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await work
    return failure.value.details() or ""


async def test_a_command_runs_on_the_host_and_its_output_is_kept_without_the_last_line_end(
    command: Plugin, host: SshHost
) -> None:
    identity, outputs = await command.create(
        COMMAND, step(host, create="echo one; echo two; echo three >&2; touch here")
    )
    assert identity.startswith("step")
    assert outputs["stdout"] == "one\ntwo"
    assert outputs["stderr"] == "three"
    assert (host.folder / "here").exists()


async def test_a_resource_without_a_command_only_exists(command: Plugin, host: SshHost) -> None:
    _, outputs = await command.create(COMMAND, step(host, delete="touch deleted"))
    assert outputs["stdout"] == ""
    assert host.commands == []


async def test_any_change_runs_update_or_else_create(command: Plugin, host: SshHost) -> None:
    _, state = await command.create(COMMAND, step(host, create="echo first"))
    again = await command.update(COMMAND, state, step(host, create="echo second"))
    assert again["stdout"] == "second"
    updated = await command.update(COMMAND, again, step(host, create="echo second", update="echo updated"))
    assert updated["stdout"] == "updated"


async def test_deleting_runs_delete_and_nothing_if_there_is_none(command: Plugin, host: SshHost) -> None:
    _, state = await command.create(COMMAND, step(host, create="touch made", delete="rm made"))
    await command.delete(COMMAND, state)
    assert not (host.folder / "made").exists()
    _, state = await command.create(COMMAND, step(host, create="true"))
    await command.delete(COMMAND, state)
    assert host.commands == ["touch made", "rm made", "true"]


async def test_a_changed_trigger_replaces_and_any_other_change_updates(command: Plugin, host: SshHost) -> None:
    inputs, _ = await command.check(COMMAND, step(host, create="true", triggers=["a", 1]))
    same = await command.diff(COMMAND, inputs, inputs, inputs)
    assert not same.changes
    triggered = await command.diff(COMMAND, inputs, inputs, {**inputs, "triggers": ["b", 1]})
    assert triggered.replaces == ["triggers"]
    unknown = await command.diff(COMMAND, inputs, inputs, {**inputs, "triggers": [UNKNOWN, 1]})
    assert unknown.replaces == ["triggers"]
    reconnected = await command.diff(COMMAND, inputs, inputs, {**inputs, "connection": Secret({"host": "other"})})
    assert reconnected.changed == ["connection"]
    assert not reconnected.replaces


async def test_stdin_arrives_whole_and_only_there(command: Plugin, host: SshHost) -> None:
    secret = "s3cret" * 50_000
    text = await refusal(command.create(COMMAND, step(host, create="cat >kept; exit 3", stdin=Secret(secret))))
    assert (host.folder / "kept").read_text() == secret
    assert "s3cret" not in text
    assert not any("s3cret" in line for line in command.log)


async def test_a_command_need_not_read_its_stdin(command: Plugin, host: SshHost) -> None:
    _, outputs = await command.create(COMMAND, step(host, create="echo done", stdin="x" * 1_000_000))
    assert outputs["stdout"] == "done"


async def test_without_stdin_a_command_reads_nothing(command: Plugin, host: SshHost) -> None:
    _, outputs = await command.create(COMMAND, step(host, create="cat; echo end"))
    assert outputs["stdout"] == "end"


async def test_an_error_has_the_command_its_exit_code_and_what_it_printed(command: Plugin, host: SshHost) -> None:
    text = await refusal(command.create(COMMAND, step(host, create='echo "was here"; echo broken >&2; exit 7')))
    assert "exited with status 7" in text
    assert r'running "echo \"was here\"; echo broken >&2; exit 7"' in text
    assert "was here" in text.partition("\n")[2]
    assert "broken" in text.partition("\n")[2]


async def test_a_command_ended_by_a_signal_says_so(command: Plugin, host: SshHost) -> None:
    assert "exited with status 137 from signal KILL" in await refusal(
        command.create(COMMAND, step(host, create="kill -KILL $$"))
    )


@pytest.mark.parametrize(
    ("logging", "shown"),
    [
        ("none", []),
        ("stdout", ["more", "out"]),
        ("stderr", ["err"]),
        ("stdoutAndStderr", ["err", "more", "out"]),
        (None, ["err", "more", "out"]),
    ],
)
async def test_what_a_command_prints_is_shown_as_far_as_logging_says(
    command: Plugin, host: SshHost, logging: str | None, shown: list[str]
) -> None:
    _, outputs = await command.create(
        COMMAND, step(host, create="echo out; printf more; echo err >&2", logging=logging)
    )
    assert sorted(command.log) == shown
    assert (outputs["stdout"], outputs["stderr"]) == ("out\nmore", "err")


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


async def test_environment_is_an_error_where_the_server_does_not_take_it(command: Plugin, host: SshHost) -> None:
    text = await refusal(command.create(COMMAND, step(host, create="touch ran", environment={"ZONE": "game.test"})))
    assert "Unable to set ZONE" in text
    assert "AcceptEnv" in text
    assert "game.test" not in text
    assert not (host.folder / "ran").exists()


async def test_environment_reaches_the_command_where_the_server_takes_it(command: Plugin, host: SshHost) -> None:
    host.accept_env = {"ZONE"}
    _, outputs = await command.create(COMMAND, step(host, create='echo "$ZONE"', environment={"ZONE": "a\nb"}))
    assert outputs["stdout"] == "a\nb"


async def test_the_last_outputs_are_handed_on_if_the_server_takes_them(command: Plugin, host: SshHost) -> None:
    host.accept_env = {"PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"}
    inputs = step(host, create="echo one", update='echo "after $PULUMI_COMMAND_STDOUT"')
    _, state = await command.create(COMMAND, inputs)
    updated = await command.update(COMMAND, state, inputs)
    assert updated["stdout"] == "after one"


async def test_the_last_outputs_that_the_server_does_not_take_are_a_warning(command: Plugin, host: SshHost) -> None:
    inputs = step(host, create="echo one", update='echo "after $PULUMI_COMMAND_STDOUT"', logging="none")
    _, state = await command.create(COMMAND, inputs)
    updated = await command.update(COMMAND, state, inputs)
    assert updated["stdout"] == "after "
    assert [line for line in command.log if "PULUMI_COMMAND_STDOUT" in line]
    command.log.clear()
    await command.update(COMMAND, state, {**inputs, "addPreviousOutputInEnv": False})
    assert command.log == []


async def test_twelve_commands_at_once_fit_a_stock_ssh_server_and_leave_no_connection_open(
    command: Plugin, host: SshHost
) -> None:
    made = await asyncio.gather(*(command.create(COMMAND, step(host, create=f"echo {n}")) for n in range(12)))
    assert [outputs["stdout"] for _, outputs in made] == [str(n) for n in range(12)]
    assert host.dropped == 0
    while host.open:
        await asyncio.sleep(0.01)


async def test_a_preview_runs_nothing_and_knows_no_output(command: Plugin, host: SshHost) -> None:
    unknown: dict[str, Value] = {"connection": {"host": UNKNOWN}, "create": "touch here", "stdin": UNKNOWN}
    _, planned = await command.create(COMMAND, unknown, preview=True)
    assert planned["stdout"] is UNKNOWN
    assert planned["stderr"] is UNKNOWN
    assert planned["create"] == "touch here"
    assert planned["connection"] == Secret(
        {"host": UNKNOWN, "port": 22, "user": "root", "dialErrorLimit": 10, "perDialTimeout": 15}
    )
    _, state = await command.create(COMMAND, step(host, create="echo one"))
    changed = await command.update(COMMAND, state, step(host, create="echo two"), preview=True)
    assert changed["stdout"] is UNKNOWN
    assert host.commands == ["echo one"]


async def test_inputs_that_are_secret_stay_secret_and_the_connection_always_is(command: Plugin, host: SshHost) -> None:
    _, state = await command.create(COMMAND, step(host, create=Secret("echo hello"), stdin=Secret("x"), delete="true"))
    assert state["create"] == Secret("echo hello")
    assert state["stdin"] == Secret("x")
    assert isinstance(state["connection"], Secret)
    assert state["delete"] == "true"
    # As with the official provider, what a command prints is no secret unless the program says so.
    assert state["stdout"] == "hello"


async def test_wrong_inputs_are_named_before_anything_runs(command: Plugin) -> None:
    _, failures = await command.check(
        COMMAND,
        {
            "connection": {"port": "ssh", "proxy": {"user": 1}, "keyFile": "x", "agentSocketPath": "/agent"},
            "create": 1,
            "logging": "all",
            "environment": {"A": 1},
            "triggers": "x",
            "updat": "x",
        },
    )
    assert failures == {
        "connection.port": "connection.port must be a whole number.",
        "connection.proxy.user": "connection.proxy.user must be a string.",
        "connection.proxy.host": "connection.proxy.host is missing.",
        "connection.keyFile": "connection.keyFile is not an input of this resource.",
        "connection.agentSocketPath": (
            "connection.agentSocketPath is not supported by this stand-in: give privateKey or password."
        ),
        "connection.host": "connection.host is missing.",
        "create": "create must be a string.",
        "logging": "logging must be one of none, stdout, stderr, stdoutAndStderr; it is 'all'.",
        "environment": "environment must be a map of strings.",
        "triggers": "triggers must be a list.",
        "updat": "updat is not an input of this resource.",
    }


async def test_cancelling_ends_the_command_on_the_host_and_its_connection(command: Plugin, host: SshHost) -> None:
    running = asyncio.ensure_future(
        command.create(
            COMMAND, step(host, create="trap 'touch ended; exit 1' TERM; touch started; while :; do sleep 0.05; done")
        )
    )
    while not (host.folder / "started").exists():
        await asyncio.sleep(0.01)
    await command.cancel()
    assert "cancelled" in await refusal(running)
    while host.open or not (host.folder / "ended").exists():
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
