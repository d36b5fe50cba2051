"""A script of the game master that fails, as the plugin reports it: the script's own sentence first, and little else.

The real scripts run here; programs that would change a machine are stand-ins in front of PATH.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from rehearsal.plugins.properties import Secret, Value
from tests.localcloud.plugins.plugin import Plugin
from tests.localcloud.plugins.ssh_host import SshHost
from tests.support import programs
from tests.support.monitor import graph_of, run

COMMAND = "command:remote:Command"
Programs = Callable[..., None]


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Puts shell scripts in the place of programs, by name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(**scripts: str) -> None:
        for name, text in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)

    return put


async def step(host: SshHost, name: str = "dns-records-play-nsupdate") -> dict[str, Value]:
    """The inputs of a script's resource as the engine hands them to the plugin."""
    graph = await asyncio.to_thread(graph_of, programs.game_master_with_dns_records, False)
    inputs = graph[name].inputs
    return {**inputs, "connection": host.connection(), "stdin": Secret(inputs["stdin"])}


async def refused(plugin: Plugin, inputs: dict[str, Value]) -> list[str]:
    """The lines of the error."""
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await plugin.create(COMMAND, inputs)
    return (failure.value.details() or "").splitlines()


async def test_an_error_is_the_script_s_sentence_and_then_what_programs_said(
    command: Plugin, host: SshHost, stand_ins: Programs
) -> None:
    stand_ins(dig="", nsupdate="echo 'update failed: SERVFAIL' >&2; exit 2")
    assert await refused(command, await step(host)) == [
        'Process exited with status 1: running "bash -s record-set":',
        "record-set: bind9 refused A play.hunt.example.org.; read 'journalctl -u named' on the Instance.",
        "update failed: SERVFAIL",
    ]


async def test_a_talkative_program_is_cut_to_its_last_lines(
    command: Plugin, host: SshHost, stand_ins: Programs
) -> None:
    stand_ins(dig="", nsupdate="seq 1000 >&2; head -c 5000 /dev/zero | tr '\\0' x >&2; exit 2")
    lines = await refused(command, await step(host))
    assert lines[1].startswith("record-set: bind9 refused")
    assert len(lines) <= 14
    assert max(map(len, lines)) <= 300


async def test_a_script_that_broke_off_without_a_word_says_where(
    command: Plugin, host: SshHost, stand_ins: Programs
) -> None:
    stand_ins(dig="", nsupdate="", flock="echo 'no such luck' >&2; exit 3")
    assert (await refused(command, await step(host)))[1:] == [
        "record-set: the script broke off at 'flock 9' (status 3); mend what the lines below say, if there are any, "
        "then run 'pulumi up' again.",
        "no such luck",
    ]


async def test_a_deletion_fails_as_briefly(command: Plugin, host: SshHost, stand_ins: Programs) -> None:
    stand_ins(dig="", nsupdate="exit 0")
    state = {**await step(host), "stdout": "", "stderr": ""}
    stand_ins(nsupdate="echo 'update failed: NOTAUTH' >&2; exit 2")
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await command.delete(COMMAND, state)
    assert (failure.value.details() or "").splitlines() == [
        'Process exited with status 1: running "bash -s record-set-delete":',
        "record-set-delete: bind9 refused to delete A play.hunt.example.org.; read 'journalctl -u named' on the "
        "Instance.",
        "update failed: NOTAUTH",
    ]


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_a_preview_shows_a_step_in_two_short_lines(preview: bool) -> None:
    steps = run(programs.game_master_with_dns_records, preview=preview).of_type(COMMAND)
    assert steps
    for each in steps:
        assert "stdin" in each.secrets
        shown = {key: value for key, value in each.inputs.items() if key not in {"stdin", "connection"}}
        assert len(str(shown)) < 250, each.name


async def test_a_document_that_was_cut_runs_nothing(command: Plugin, host: SshHost, stand_ins: Programs) -> None:
    stand_ins(dig=f"touch {host.folder}/asked", nsupdate=f"touch {host.folder}/asked", flock="")
    inputs = await step(host)
    whole = str(inputs["stdin"].value) if isinstance(inputs["stdin"], Secret) else ""
    begun = whole.index('common "$1"')
    for length in (
        10,
        len(whole) // 3,
        begun,
        begun + 10,
        begun + len('common "$1"; "script-$1"; exit\n'),
        len(whole) - 5,
    ):
        assert await refused(command, {**inputs, "stdin": Secret(whole[:length])})
    assert not (host.folder / "asked").exists()


def test_a_changed_script_runs_again_and_deletes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = run(programs.game_master_with_dns_records, preview=False)["dns-records-play-nsupdate"].inputs
    read = Path.read_text

    def longer(path: Path) -> str:
        return read(path) + ("# changed\n" if path.name == "record-set.sh" else "")

    monkeypatch.setattr(Path, "read_text", longer)
    after = run(programs.game_master_with_dns_records, preview=False)["dns-records-play-nsupdate"].inputs
    assert {key for key in before if before[key] != after[key]} == {"stdin"}


async def test_a_board_that_cannot_join_says_so_in_a_sentence(command: Plugin) -> None:
    graph = await asyncio.to_thread(graph_of, programs.managed_board, False)
    inputs = graph["blue-rancher-manifest"].inputs
    stdin = inputs["stdin"].replace("https://rancher.example", "https://127.0.0.1:1").replace("TRIES = 10", "TRIES = 1")
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await command.create("command:local:Command", {**inputs, "stdin": Secret(stdin)})
    first, second = (failure.value.details() or "").splitlines()
    assert first == 'exit status 1: running "python3 -":'
    assert second.startswith("Rancher does not give the manifest with which this board joins it ([Errno 111]")
    assert "a-token" not in second
