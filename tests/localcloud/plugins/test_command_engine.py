"""pulumi_command's SDK, the real engine and the stand-in plugin together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import Signals

import pulumi
import pytest
from pulumi import automation as auto
from pulumi_command import local, remote

from tests.localcloud.plugins.engine import Engine
from tests.localcloud.plugins.ssh_host import SshHost

# Building the engine, where there is none yet, is no part of a test's time.
pytestmark = pytest.mark.timeout(func_only=True)


def connection(host: SshHost) -> remote.ConnectionArgs:
    return remote.ConnectionArgs(
        host="127.0.0.1",
        port=host.port,
        private_key=host.private_key,
        host_key=host.key.export_public_key().decode(),
        dial_error_limit=0,
    )


def test_a_program_of_commands_goes_up_changes_and_goes_down(host: SshHost, engine: Engine) -> None:
    def program(text: str = "one", trigger: str = "a") -> None:
        made = remote.Command(
            "made",
            connection=connection(host),
            create="cat >made; echo created",
            update="cat >made; echo updated",
            delete="rm made; echo deleted >>deleted",
            stdin=pulumi.Output.secret(text),
            triggers=[trigger],
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(delete_before_replace=True),
        )
        copied = remote.CopyToRemote(
            "copied",
            connection=connection(host),
            source=pulumi.StringAsset(text),
            remote_path="folder/copied",
        )
        here = local.Command("here", create=made.stdout.apply(lambda out: f"echo local after {out}"))
        for number in range(10):
            remote.Command(f"many-{number}", connection=connection(host), create=f"echo {number}")
        pulumi.export("made", made.stdout)
        pulumi.export("here", here.stdout)
        pulumi.export("copied", copied.remote_path)

    engine.program = program
    assert engine.preview() == {"create": 14}
    assert host.commands == []
    assert engine.up() == {"create": 14}
    assert (host.folder / "made").read_text() == "one"
    assert (host.folder / "folder/copied").read_text() == "one"
    assert engine.outputs()["here"] == ("local after created", False)
    assert engine.up() == {"same": 14}
    assert engine.refresh() == {"same": 14}

    # A new text updates both, and the step that depends on what the command printed.
    assert engine.up(lambda: program("two")) == {"same": 11, "update": 3}
    assert (host.folder / "made").read_text() == "two"
    assert (host.folder / "folder/copied").read_text() == "two"
    assert engine.resource("command:local:Command")["outputs"]["stdout"] == "local after updated"

    counts = engine.up(lambda: program("two", "b"))
    assert counts["replace"] == 1
    assert (host.folder / "deleted").read_text() == "deleted\n"
    assert (host.folder / "made").read_text() == "two"

    assert engine.destroy() == {"delete": 14}
    assert not (host.folder / "made").exists()
    # The copy stays, as with the official provider.
    assert (host.folder / "folder/copied").exists()
    assert engine.warnings() == []


def test_secrets_stay_secret_in_the_state_and_out_of_the_log(host: SshHost, engine: Engine) -> None:
    def program() -> None:
        made = remote.Command(
            "made",
            connection=connection(host),
            create="cat",
            stdin=pulumi.Output.secret("the-stdin"),
            logging=remote.Logging.NONE,
            opts=pulumi.ResourceOptions(additional_secret_outputs=["stdout"]),
        )
        pulumi.export("printed", made.stdout)
        pulumi.export("errors", made.stderr)

    engine.program = program
    engine.up()
    assert engine.outputs() == {"printed": ("the-stdin", True), "errors": ("", False)}
    assert "the-stdin" not in engine.state()
    assert "PRIVATE KEY" not in engine.state()
    assert "the-stdin" not in "".join(engine.printed)
    assert engine.destroy() == {"delete": 2}


def test_a_failing_command_fails_the_update_and_the_next_one_converges(host: SshHost, engine: Engine) -> None:
    def program() -> None:
        remote.Command(
            "made",
            connection=connection(host),
            create="echo line; test -e ready || { echo not ready >&2; exit 4; }",
            stdin=pulumi.Output.secret("the-stdin"),
        )

    engine.program = program
    with pytest.raises(auto.CommandError) as failure:
        engine.up()
    text = str(failure.value)
    assert "exited with status 4" in text
    assert "not ready" in text
    assert "the-stdin" not in text
    (host.folder / "ready").touch()
    assert engine.up() == {"create": 1, "same": 1}


def test_a_wrong_input_fails_the_preview(engine: Engine) -> None:
    def program() -> None:
        local.Command("made", create="true", asset_paths=["*.txt"])

    with pytest.raises(auto.CommandError, match="assetPaths is not supported by this stand-in"):
        engine.preview(program)


@pytest.mark.parametrize("number", [Signals.SIGINT, Signals.SIGKILL], ids=["is cancelled", "is killed"])
def test_commands_and_connections_end_when_the_update(
    host: SshHost, engine: Engine, tmp_path: Path, number: Signals
) -> None:
    endless = "trap 'touch ended; exit 1' TERM; touch started; while :; do sleep 0.05; done"
    here = tmp_path / "here"
    here.mkdir()

    def program() -> None:
        remote.Command("there", connection=connection(host), create=endless)
        local.Command("here", create=endless, dir=str(here))

    with ThreadPoolExecutor(max_workers=1) as pool:
        update = pool.submit(engine.up, program)
        while not update.done() and not all((folder / "started").exists() for folder in (host.folder, here)):
            time.sleep(0.02)
        engine.signal(number)
        assert isinstance(update.exception(), auto.CommandError)
    while host.open or not all((folder / "ended").exists() for folder in (host.folder, here)):
        time.sleep(0.02)
