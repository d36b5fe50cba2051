"""`python -m game_app.teams.sheets`: one printable sheet for each team, with everything that it needs to play.

It reads the stack's outputs, secrets among them, from a file or from standard input, and writes a page to be printed
(`sheets.html`, A4, one side a team) and a kubeconfig for each team. Both are for their team's eyes alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import yaml

from common.templates import render

_TEMPLATE: Final = Path(__file__).parent / "templates" / "sheets.html.j2"
Tree = Mapping[str, Any]


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


def sheets(outputs: Tree) -> Sequence[Sheet]:
    """The sheets of all teams, by name. Raises SheetsError where the outputs hold none."""
    given = outputs.get("teams")
    if not isinstance(given, dict):
        raise SheetsError(
            "these are no outputs of a game that was raised, or their secrets are hidden: "
            "pulumi stack output --json --show-secrets"
        )
    if not given:
        raise SheetsError("no team plays: name them under shambhala:teams, then run 'make up'")
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
        for name, team in sorted(cast("dict[str, Tree]", given).items())
    ]


def page(made: Sequence[Sheet]) -> str:
    """The sheets as HTML to be printed."""
    return render(_TEMPLATE, _Sheets(title="The teams' sheets", sheets=made))


def kubeconfig(outputs: Tree, team: str) -> str:
    """The kubeconfig with which a team's players look at their namespace."""
    own = cast("Tree", outputs["teams"])[team]
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


def write(outputs: Tree, folder: Path) -> int:
    """Write everything into a folder that only its owner reads. Gives the number of teams."""
    made = sheets(outputs)
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


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Gives 0 when the sheets were written, 1 when there was nothing to make them of."""
    parser = argparse.ArgumentParser(
        prog="python -m game_app.teams.sheets", description="Writes one printable sheet for each team."
    )
    parser.add_argument("--outputs", type=Path, help="file with the stack's outputs as JSON (default: standard input)")
    parser.add_argument("--folder", type=Path, default=Path("sheets"), help="where to write them (default: sheets)")
    options = parser.parse_args(arguments)
    try:
        text = options.outputs.read_text(encoding="utf-8") if options.outputs else sys.stdin.read()
        count = write(json.loads(text), options.folder)
    except SheetsError as error:
        print(f"No sheets: {error}.", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"No sheets: the outputs cannot be read as JSON: {error}.", file=sys.stderr)
        return 1
    print(f"{count} sheets in {options.folder}/sheets.html, and a kubeconfig for each team beside it.")
    print("Print it, hand each team its own page and file, and delete the folder.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
