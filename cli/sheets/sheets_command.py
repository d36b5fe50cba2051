"""Command `sheets`: one printable sheet for each team, with everything that it needs to play.

From the stack's outputs, secrets among them, it writes a page to be printed (`sheets.html`, A4, one side a team) and a
kubeconfig for each team. Both are for their team's eyes alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer
import yaml

from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.stack import PROJECT, Stack
from common.templates import render

_TEMPLATE: Final = Path(__file__).parent / "sheets.html.j2"
Outputs = Mapping[str, Any]
SheetsFolder = Annotated[
    Path, typer.Option("--folder", metavar="FOLDER", help="Folder for the sheets, readable by its owner alone.")
]


class SheetsError(Exception):
    """There is nothing to make sheets of; the text says what to do."""


@dataclass(frozen=True)
class Account:
    """A player's account at the source control."""

    name: str
    password: str = field(repr=False)
    """Empty where players bring their own."""


@dataclass(frozen=True)
class Sheet:
    """What stands on one team's sheet."""

    team: str
    code: str = field(repr=False)
    page: str
    git: str
    repository: str
    """Its address in a browser."""
    namespace: str
    kubeconfig: str
    """Name of the file."""
    accounts: Sequence[Account]


@dataclass(frozen=True)
class _Sheets:
    title: str
    sheets: Sequence[Sheet]


def team_sheets(outputs: Outputs) -> Sequence[Sheet]:
    """The sheets of all teams, by name. Raises SheetsError where the outputs hold none."""
    given = outputs.get("teams")
    if not isinstance(given, dict):
        raise SheetsError(
            "the stack has no output 'teams', so its game was not raised: run 'make up STACK=…' first, then this again"
        )
    if not given:
        raise SheetsError("no team plays: name them under shambhala:teams, then run 'make up STACK=…'")
    return [
        Sheet(
            team=name,
            code=team["code"],
            page=team["page"],
            git=team["git"],
            repository=f"{team['git']}{team['repository']}",
            namespace=team["namespace"],
            kubeconfig=f"{name}.kubeconfig",
            accounts=[Account(player, password) for player, password in sorted(team["accounts"].items())],
        )
        for name, team in sorted(cast("dict[str, Outputs]", given).items())
    ]


def page(made: Sequence[Sheet]) -> str:
    """The sheets as HTML to be printed."""
    return render(_TEMPLATE, _Sheets(title="The teams' sheets", sheets=made))


def kubeconfig(outputs: Outputs, team: str) -> str:
    """The kubeconfig with which a team's players look at their namespace."""
    own = cast("Outputs", outputs["teams"])[team]
    [cluster] = yaml.safe_load(outputs["kubeconfig"])["clusters"]
    written = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "board", "cluster": cluster["cluster"]}],
        "users": [{"name": "players", "user": {"token": own["token"]}}],
        "contexts": [
            {"name": team, "context": {"cluster": "board", "user": "players", "namespace": own["namespace"]}},
        ],
        "current-context": team,
    }
    return yaml.safe_dump(written, sort_keys=False)


def write(outputs: Outputs, folder: Path) -> int:
    """Write everything into a folder that only its owner reads. Gives the number of teams."""
    made = team_sheets(outputs)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    _write_private(folder / "sheets.html", page(made))
    for sheet in made:
        _write_private(folder / sheet.kubeconfig, kubeconfig(outputs, sheet.team))
    return len(made)


def _write_private(file: Path, text: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)


def sheets(
    stack: StackName,
    folder: SheetsFolder = Path("sheets"),
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Write one printable sheet and one kubeconfig for each team.

    They hold the teams' codes, passwords and tokens: print them, hand them out, delete the folder.
    """
    outputs = Stack(stack, project, pulumi).outputs(show_secrets=True)
    try:
        count = write(outputs, folder)
    except OSError as error:
        raise SheetsError(f"{folder} cannot be written ({error.strerror}): name another with --folder") from error
    print(f"{count} sheets in {folder}/sheets.html, and a kubeconfig for each team beside it.")
    print("Print it, hand each team its own page and file, and delete the folder.")
    return 0
