"""`command:remote:Command`, asked over the plugin protocol, against an SSH host on loopback."""

from __future__ import annotations

import asyncio

import pytest

from rehearsal.plugins.properties import UNKNOWN, Secret, Value
from tests.localcloud.plugins.plugin import Plugin
from tests.localcloud.plugins.remote_command import COMMAND, refusal, step
from tests.localcloud.plugins.ssh_host import SshHost


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
