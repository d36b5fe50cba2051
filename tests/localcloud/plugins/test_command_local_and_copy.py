"""`command:local:Command` and `command:remote:CopyToRemote`, asked over the plugin protocol."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import grpc
import pytest

from rehearsal.plugins.command import local
from rehearsal.plugins.properties import ARCHIVE, ASSET, Asset, Secret, Value
from rehearsal.processes import started_at
from tests.localcloud.plugins.plugin import Plugin
from tests.localcloud.plugins.ssh_host import SshHost

LOCAL = "command:local:Command"
COPY = "command:remote:CopyToRemote"


async def test_a_local_command_has_its_folder_environment_and_stdin(command: Plugin, tmp_path: Path) -> None:
    inputs: dict[str, Value] = {
        "create": 'pwd; echo "$ZONE"; cat',
        "dir": str(tmp_path),
        "environment": {"ZONE": "game.test"},
        "stdin": Secret("typed\n"),
    }
    _, outputs = await command.create(LOCAL, inputs)
    assert outputs["stdout"] == f"{tmp_path}\ngame.test\ntyped"
    assert outputs["stdin"] == Secret("typed\n")


async def test_a_local_command_runs_in_the_interpreter_that_is_named(command: Plugin) -> None:
    _, outputs = await command.create(LOCAL, {"create": "print(6 * 7)", "interpreter": ["python3", "-c"]})
    assert outputs["stdout"] == "42"


async def test_a_local_command_is_updated_deleted_and_told_the_last_output(command: Plugin, tmp_path: Path) -> None:
    inputs: dict[str, Value] = {
        "create": "echo one",
        "update": 'echo "after $PULUMI_COMMAND_STDOUT"',
        "delete": 'echo "$PULUMI_COMMAND_STDOUT" >deleted',
        "dir": str(tmp_path),
    }
    _, state = await command.create(LOCAL, inputs)
    state = await command.update(LOCAL, state, inputs)
    assert state["stdout"] == "after one"
    await command.delete(LOCAL, state)
    assert (tmp_path / "deleted").read_text() == "after one\n"


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ({"create": "echo no >&2; exit 5"}, 'exit status 5: running "echo no >&2; exit 5":\nno\n'),
        ({"create": "true", "interpreter": ["/no/such/shell"]}, "/no/such/shell could not be started"),
        ({"create": "true", "dir": "/no/such/folder"}, "No such file or directory: '/no/such/folder'"),
        ({"create": "kill -KILL $$"}, "signal: killed"),
    ],
)
async def test_a_local_command_that_fails_says_how(command: Plugin, inputs: dict[str, Value], text: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await command.create(LOCAL, inputs)
    assert text in (failure.value.details() or "")


async def test_cancelling_ends_a_local_command_with_everything_that_it_started(command: Plugin, tmp_path: Path) -> None:
    script = "sh -c 'trap \"touch ended; exit\" TERM; touch started; while :; do sleep 0.05; done'; true"
    running = asyncio.ensure_future(command.create(LOCAL, {"create": script, "dir": str(tmp_path)}))
    while not (tmp_path / "started").exists():
        await asyncio.sleep(0.01)
    await command.cancel()
    with pytest.raises(grpc.aio.AioRpcError, match="cancelled"):
        await running
    while not (tmp_path / "ended").exists():
        await asyncio.sleep(0.01)


async def test_a_local_command_that_does_not_end_when_told_is_killed(
    command: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "GRACE", 0.2)
    script = "trap '' TERM; echo $$ >started; while :; do sleep 0.05; done"
    running = asyncio.ensure_future(command.create(LOCAL, {"create": script, "dir": str(tmp_path)}))
    while not (tmp_path / "started").exists() or not (tmp_path / "started").read_text():
        await asyncio.sleep(0.01)
    await command.cancel()
    with pytest.raises(grpc.aio.AioRpcError, match="cancelled"):
        await running
    assert started_at(int((tmp_path / "started").read_text())) is None


async def test_inputs_that_the_stand_in_lacks_are_refused(command: Plugin) -> None:
    _, failures = await command.check(LOCAL, {"create": "true", "assetPaths": ["*"], "archivePaths": ["*"]})
    assert set(failures) == {"assetPaths", "archivePaths"}


def text(content: str) -> Asset:
    return Asset(ASSET, sha256(content.encode()).hexdigest(), content, "", "")


def file(path: Path | str, digest: str = "1") -> Asset:
    return Asset(ASSET, digest, "", str(path), "")


def folder(path: Path | str, digest: str = "1") -> Asset:
    return Asset(ARCHIVE, digest, "", str(path), "")


def copy(host: SshHost, source: Value, path: str) -> dict[str, Value]:
    return {"connection": host.connection(), "source": source, "remotePath": path}


async def test_a_text_becomes_a_file_and_the_folders_above_it(command: Plugin, host: SshHost) -> None:
    _, outputs = await command.create(COPY, copy(host, Secret(text("zone\n")), "a/b/zone.conf"))
    assert (host.folder / "a/b/zone.conf").read_text() == "zone\n"
    assert outputs["source"] == Secret(text("zone\n"))
    assert isinstance(outputs["connection"], Secret)


async def test_a_text_needs_the_name_of_a_file(command: Plugin, host: SshHost) -> None:
    (host.folder / "a").mkdir()
    with pytest.raises(grpc.aio.AioRpcError, match="a is a folder"):
        await command.create(COPY, copy(host, text("zone"), "a"))


async def test_a_file_goes_into_a_folder_or_takes_the_new_name(command: Plugin, host: SshHost, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(bytes(range(256)) * 1000)
    (host.folder / "a").mkdir()
    await command.create(COPY, copy(host, file(source), "a"))
    await command.create(COPY, copy(host, file(source), "a/new/name"))
    assert (host.folder / "a/source.bin").read_bytes() == source.read_bytes()
    assert (host.folder / "a/new/name").read_bytes() == source.read_bytes()


async def test_a_folder_is_copied_whole_and_a_trailing_slash_copies_what_is_in_it(
    command: Plugin, host: SshHost, tmp_path: Path
) -> None:
    (tmp_path / "site/inner").mkdir(parents=True)
    (tmp_path / "site/inner/page").write_text("page")
    await command.create(COPY, copy(host, folder(tmp_path / "site"), "one"))
    await command.create(COPY, copy(host, folder(f"{tmp_path}/site/"), "two"))
    assert (host.folder / "one/site/inner/page").read_text() == "page"
    assert (host.folder / "two/inner/page").read_text() == "page"


async def test_a_copy_is_made_again_only_for_other_content_or_another_place(command: Plugin, host: SshHost) -> None:
    _, state = await command.create(COPY, copy(host, text("one"), "copied"))
    (host.folder / "copied").unlink()
    elsewhere = {**copy(host, text("one"), "copied"), "connection": host.connection(perDialTimeout=5)}
    state = await command.update(COPY, state, elsewhere)
    assert not (host.folder / "copied").exists()
    state = await command.update(COPY, state, copy(host, text("two"), "copied"))
    assert (host.folder / "copied").read_text() == "two"
    await command.update(COPY, state, copy(host, text("two"), "moved"))
    assert (host.folder / "moved").read_text() == "two"


async def test_a_file_that_has_only_moved_on_this_machine_is_no_change(command: Plugin, host: SshHost) -> None:
    inputs, _ = await command.check(COPY, copy(host, file("/one", "same"), "copied"))
    moved = {**inputs, "source": file("/two", "same")}
    assert not (await command.diff(COPY, inputs, inputs, moved)).changes
    triggered: dict[str, Value] = {**inputs, "triggers": ["x"]}
    assert (await command.diff(COPY, inputs, inputs, triggered)).replaces == ["triggers"]


@pytest.mark.parametrize(
    "source",
    [
        Asset(ASSET, "1", "", "", "https://example.org/file"),
        Asset(ARCHIVE, "1", "", "", "", {"a": text("x")}),
    ],
)
async def test_sources_that_the_official_release_does_not_take_are_refused(
    command: Plugin, host: SshHost, source: Asset
) -> None:
    _, failures = await command.check(COPY, copy(host, source, "copied"))
    assert failures == {"source": "source must be a text, a file or a folder of this machine."}


async def test_a_source_that_is_not_there_is_an_error(command: Plugin, host: SshHost, tmp_path: Path) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="No such file"):
        await command.create(COPY, copy(host, file(tmp_path / "nothing"), "copied"))
