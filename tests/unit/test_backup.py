"""The backup's command, up to where it would log in."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from pathlib import Path

import pytest

from cli import __main__ as cli
from cli import backup
from cli.init.starting_values import completed
from cli.stack import Stack
from tests.unit.test_init import GIVEN

ENGINE = """#!/bin/sh
case "$*" in
"config --json"*) cat "$0.configuration" ;;
"stack output"*) cat "$0.outputs" ;;
esac
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """A program in the engine's place, for a stack that has its settings and nothing else."""
    program = tmp_path / "pulumi"
    program.write_text(ENGINE)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    settings = completed(GIVEN, "dev")
    entries = {f"shambhala:{key}": {"objectValue": value} for key, value in settings.items() if key != "environment"}
    entries["shambhala:environment"] = {"value": "dev"}
    program.with_name("pulumi.configuration").write_text(json.dumps(entries))
    program.with_name("pulumi.outputs").write_text("{}")
    return program


def save(engine: Path, file: Path) -> int:
    return cli.run(["backup", "dev", str(file), "--pulumi", str(engine), "--project", str(engine.parent)])


def test_a_stack_that_was_never_raised_is_told(engine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert save(engine, engine.with_name("file")) == 1
    said = capsys.readouterr().err
    assert said == "error: the stack dev has no game master; run 'pulumi up --stack dev' first\n"


def test_a_wrong_setting_and_a_missing_engine_are_told(engine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine.with_name("pulumi.configuration").write_text("{}")
    assert save(engine, engine.with_name("file")) == 1
    assert "shambhala:operators.cidrs: is missing" in capsys.readouterr().err
    assert save(engine.with_name("none"), engine.with_name("file")) == 1
    assert "or name it with --pulumi" in capsys.readouterr().err


@pytest.mark.parametrize("stack", ["dev", "company/shambhala/dev"])
def test_the_login_insists_on_the_host_key_of_the_settings(engine: Path, stack: str) -> None:
    engine.with_name("pulumi.outputs").write_text(json.dumps({"game_master_ip": "192.0.2.10"}))
    login = backup.Login.of_stack(Stack(stack, engine.parent, str(engine)))
    assert login.ip == "192.0.2.10"
    assert login.host_key.startswith("ssh-ed25519 ")
    assert "BEGIN OPENSSH PRIVATE KEY" in login.private_key
    assert "PRIVATE" not in repr(login)


LOGIN = backup.Login(ip="192.0.2.10", host_key="ssh-ed25519 AAAA", private_key="a key")


def test_a_machine_without_ssh_is_told_so_and_an_older_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "file"
    file.write_text("older")
    for what in (backup.save_archive, backup.restore_archive):
        with pytest.raises(backup.BackupError, match="no program 'ssh' on PATH"):
            what(LOGIN, file)
    assert file.read_text() == "older"
    assert list(tmp_path.iterdir()) == [file]


def test_a_game_master_that_never_ends_is_given_up_and_an_older_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexec sleep 60\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(backup, "MINUTES", 0)
    file = tmp_path / "file"
    file.write_text("older")
    with pytest.raises(backup.BackupError, match=r"192\.0\.2\.10 took longer than 0 minutes"):
        backup.save_archive(LOGIN, file)
    assert file.read_text() == "older"


AGE = """#!/bin/sh
# A stand-in of age: `--decrypt --identity KEY --output PLAIN FILE`.
[ "$(cat "$3")" = "a key" ] || { echo "age: error: no identity matched any of the recipients" >&2; exit 1; }
echo opened >"$5"
"""


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """age, and an ssh that keeps what reaches the host."""
    for name, script in {"age": AGE, "ssh": f"#!/bin/sh\nexec cat >{folder}/restored\n"}.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_nightly_backup_is_opened_with_the_stack_s_key_before_it_is_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path, monkeypatch)
    file = tmp_path / "backup.tar.gz.age"
    file.write_bytes(backup.AGE_HEADER + b"\n-> ssh-ed25519")
    backup.restore_archive(LOGIN, file)
    assert (tmp_path / "restored").read_text() == "opened\n"
    (tmp_path / "restored").unlink()
    with pytest.raises(backup.BackupError, match=r"does not open with operators\.sshPrivateKey: age: error"):
        backup.restore_archive(dataclasses.replace(LOGIN, private_key="another"), file)
    assert not (tmp_path / "restored").exists()


def test_an_encrypted_backup_without_age_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "backup.tar.gz.age"
    file.write_bytes(backup.AGE_HEADER)
    with pytest.raises(backup.BackupError, match="no program 'age' on PATH; install it"):
        backup.restore_archive(LOGIN, file)


def test_an_archive_in_plain_text_reaches_the_host_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read ahead of a file, to see what kind it is, must not lie behind the place where ssh begins."""
    programs(tmp_path, monkeypatch)
    file = tmp_path / "backup.tar.gz"
    file.write_bytes(os.urandom(100_000))
    backup.restore_archive(LOGIN, file)
    assert (tmp_path / "restored").read_bytes() == file.read_bytes()
