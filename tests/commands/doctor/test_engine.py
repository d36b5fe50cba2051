"""The CLI, its plugins, the backend, the passphrase and the stack, before anything is made."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cli.doctor import pulumi_programs
from cli.doctor.pulumi_programs import Plugin, needed
from cli.engine_errors import NoBackendError, NoPassphraseError, NoStackError, WrongPassphraseError
from cli.stack import Stack
from tests.commands.doctor.site import Mirror, Site
from tests.support.tools import tools


def found(printed: str, what: str) -> str:
    """The row about a thing, its cells joined; a row may take several lines."""
    rows: list[list[str]] = []
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        if line.startswith("│") and cells[0]:
            rows.append(cells)
        elif line.startswith("│"):
            rows[-1] = [f"{before} {after}".strip() for before, after in zip(rows[-1], cells, strict=True)]
    return next(" | ".join(row) for row in rows if row[1] == what)


def test_an_environment_that_lacks_nothing_passes(site: Site) -> None:
    status, printed = site.doctor()
    assert status == 0, printed
    assert "0 failures" in printed
    assert "Next: make preview STACK=dev" in printed
    assert found(printed, "stack") == "ok | stack | dev of the project shambhala | "


def test_no_secret_is_printed(site: Site) -> None:
    secret = site.tree["scaleway"]["secretKey"]
    site.api.account(expires_at="2026-01-01T00:00:00Z")
    _, printed = site.doctor()
    assert secret not in printed
    assert site.tree["scaleway"]["accessKey"] not in printed


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        ("incorrect passphrase", "export PULUMI_CONFIG_PASSPHRASE_FILE"),
        ("passphrase must be set with PULUMI_CONFIG_PASSPHRASE", "export PULUMI_CONFIG_PASSPHRASE_FILE"),
        ("PULUMI_ACCESS_TOKEN must be set for login", "pulumi login file://~"),
        ('unable to open state directory "file:///x"', "pulumi login file://~"),
        ("no stack named 'dev' found", "make init STACK=dev"),
        ("something that nobody foresaw", "pulumi about"),
    ],
)
def test_what_keeps_the_stack_from_being_read_is_one_line(site: Site, error: str, mend: str) -> None:
    site.beside("error", f"error: {error}\n")
    status, printed = site.doctor()
    assert status == 1
    state, _, said, mends = found(printed, "stack").split(" | ")
    assert (state, mends.partition("=")[0]) == ("failure", mend.partition("=")[0])
    assert said
    assert "1 failures" in printed
    # What needs no settings is looked at all the same.
    assert found(printed, "plugin command").startswith("ok")


def test_a_stack_of_another_project_is_named(site: Site) -> None:
    resources = [{"urn": "urn:pulumi:dev::treasury::pulumi:pulumi:Stack::treasury-dev"}]
    site.beside("state", json.dumps({"version": 3, "deployment": {"resources": resources}}))
    status, printed = site.doctor()
    assert status == 1
    assert "dev is a stack of the project treasury, not of shambhala" in found(printed, "stack")
    status, printed = site.command("doctor", stack="organization/other/dev")
    assert status == 1
    assert "is a stack of the project other" in found(printed, "stack")


def test_every_wrong_setting_is_a_line(site: Site) -> None:
    site.tree["scaleway"]["region"] = "mars"
    site.tree["gamemaster"]["subnet"] = "10.0.0.0/33"
    status, printed = site.doctor()
    assert status == 1
    assert "2 failures" in printed
    assert "shambhala:scaleway.region" in printed
    assert "shambhala:gamemaster.subnet" in printed


def test_commands_that_mend_a_setting_together_are_all_typed(site: Site) -> None:
    # The engine would leave a number that was in quotes in quotes.
    site.tree["gamemaster"]["volumeSizeGb"] = "20"
    _, printed = site.doctor()
    mends = " ".join(found(printed, "settings").split(" | ")[-1].split())
    key = "--path gamemaster.volumeSizeGb"
    assert mends == f"pulumi config rm {key} --stack dev && pulumi config set {key} VALUE --stack dev"


def test_a_cli_that_is_older_than_the_sdk_fails(site: Site) -> None:
    site.beside("version", "v3.1.0\n")
    status, printed = site.doctor()
    assert status == 1
    assert "3.1.0 is older than the program's SDK" in found(printed, "Pulumi CLI")


def test_a_cli_that_is_not_there_is_said_once(site: Site) -> None:
    site.engine.unlink()
    status, printed = site.doctor()
    assert status == 1
    assert "is not there: install Pulumi" in found(printed, "Pulumi CLI")
    assert "https://www.pulumi.com/docs/install/" in printed


def test_a_cli_without_its_language_host_fails(site: Site) -> None:
    (site.engine.parent / "pulumi-language-python").unlink()
    status, printed = site.doctor()
    assert status == 1
    assert "neither beside the CLI nor on PATH" in found(printed, "language host")


def test_a_plugin_of_another_version_that_cannot_be_had_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_programs, "_FROM_PULUMI", "http://127.0.0.1:9")
    others = [{"name": plugin.name, "version": plugin.version} for plugin in needed(None) if plugin.name != "command"]
    site.plugins([*others, {"name": "command", "version": "0.9.0"}])
    status, printed = site.doctor()
    assert status == 1
    row = found(printed, "plugin command")
    assert "0.9.0 is installed, the program needs 1.2.1" in row
    assert "pulumi plugin install resource command 1.2.1" in row


def test_a_plugin_that_the_engine_can_download_is_fine(
    site: Site, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi_programs, "_FROM_PULUMI", mirror.url)
    site.plugins([plugin.__dict__ for plugin in needed(None) if plugin.name != "command"])
    status, printed = site.doctor()
    assert status == 0, printed
    assert "the engine downloads 1.2.1 by itself" in found(printed, "plugin command")
    mirror.missing = {Plugin("command", "1.2.1", None).url.removeprefix(mirror.url)}
    status, printed = site.doctor()
    assert status == 1
    assert "answers 404" in found(printed, "plugin command")


def test_a_plugin_from_github_is_looked_for_among_its_releases() -> None:
    plugin = Plugin("scaleway", "1.55.0", "github://api.github.com/pulumiverse")
    assert plugin.url.startswith("https://github.com/pulumiverse/pulumi-scaleway/releases/download/v1.55.0/")
    assert plugin.install == (
        "pulumi plugin install resource scaleway 1.55.0 --server github://api.github.com/pulumiverse"
    )


def test_github_s_plugin_is_needed_where_the_source_control_is_github(site: Site) -> None:
    assert "github" not in [plugin.name for plugin in needed(site.settings)]


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack by the real engine, in a folder for a backend."""
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "1")
    (tmp_path / "Pulumi.yaml").write_text("name: shambhala\nruntime: python\n")
    return Stack("dev", tmp_path, str(tools().pulumi.path))


def test_the_real_engine_says_what_the_doctor_listens_for(
    real: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "")
    with pytest.raises(NoBackendError):
        real.read()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/backend")
    with pytest.raises(NoBackendError):
        real.read()
    (tmp_path / "backend").mkdir()
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "right")
    with pytest.raises(NoStackError):
        real.read()
    real.create()
    command = [str(tools().pulumi.path), "config", "set", "--secret", "a", "b", "--stack", "dev", "--non-interactive"]
    subprocess.run(command, cwd=tmp_path, env=dict(os.environ), check=True, capture_output=True)
    assert real.read() == {"a": "b"}
    assert real.projects() == set()
    assert real.plugins() == []
    assert real.engine_version().startswith("3.")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "wrong")
    with pytest.raises(WrongPassphraseError):
        real.read()
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    with pytest.raises(NoPassphraseError):
        real.read()
