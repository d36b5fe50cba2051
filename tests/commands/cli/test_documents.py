"""The settings that docs/operations.md and docs/swap.md have an operator type: the program takes each of them.

`tests/rehearsal/test_documents.py` types all commands of the documents, updates too; here are those of `pulumi config`
and `init` alone, with the real engine and no cloud.
"""

from __future__ import annotations

import subprocess

import pytest

from cli.stack import Stack
from tests.commands.cli.place import ACCOUNT, ENOUGH, ROOT, Place
from tests.rehearsal.documents import commands

pytestmark = pytest.mark.timeout(600)

CONFIGURES = ("pulumi config set", "pulumi config rm", "openssl rand", "printf", "echo 'green", "make init")
STARTS_WITH = {**ENOUGH, "operators": {"cidrs": ["10.8.0.0/24", "10.8.1.0/24", "10.8.2.0/24"]}}
"""Three networks: the document adds a fourth."""


def typed(place: Place, command: str) -> None:
    """Type a command in a shell; a half of the API key that Pulumi asks for comes by standard input."""
    half = next((half for name, half in ACCOUNT.items() if f"scaleway.{name}" in command), "")
    if command.startswith("make init"):
        # What the Makefile makes of it.
        options = command.partition("OPTIONS=")[2].strip('"')
        command = f"{ROOT / '.venv/bin/python'} -m cli init dev --project {place.project} {options}"
        folder = ROOT
    else:
        folder = place.project
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**place.environment, "PATH": f"{place.engine.parent}:{place.environment['PATH']}"},
        input=half,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("document", ["docs/operations.md", "docs/swap.md"])
def test_what_an_operator_types_are_settings_that_the_program_takes(
    document: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.init("dev", "--values", place.gives(STARTS_WITH)) == 0
    before = secrets_of(place)
    lines = [each.text for each in commands(document) if each.text.startswith(CONFIGURES)]
    assert len(lines) >= 9
    for line in lines:
        typed(place, line)
    for variable, value in place.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(place.project)
    settings = Stack("dev", place.project, str(place.engine)).settings()
    if document == "docs/swap.md":
        assert (list(settings.boards), settings.active_board) == (["green"], "green")
        assert settings.boards["green"].api_cidrs == settings.operators.cidrs
    else:
        assert {name: pool.node_type for name, pool in settings.boards["blue"].pools.items()} == {"main": "PRO2-XS"}
        assert len(settings.operators.cidrs) == 4
        assert {team.name for team in settings.teams.all} == {"red", "blue", "green"}
        assert settings.delivery.signing_key is not None
        assert not before & secrets_of(place), "a secret was not rotated"


def secrets_of(place: Place) -> set[str]:
    """The secrets that the document rotates, in plain text."""
    paths = (
        "gamemaster.dnsUpdateKey",
        "rancher.adminPassword",
        "observability.grafanaAdminPassword",
        "observability.lokiPassword",
    )
    return {place.pulumi("config", "get", "--path", path, "--stack", "dev").strip() for path in paths}
