"""Command `init`: the stack of a new environment, and the settings that are missing in its file.

Settings that only the operator knows are asked for on a terminal; every setting with an obvious value gets that; keys
and passwords are made and encrypted. Settings in the file are never replaced. Everything is written in one step at the
end: who stops before has changed nothing.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, cast

import typer
import yaml

from cli.engine_errors import NoStackError
from cli.init.engine_access import EngineAccess
from cli.init.init_report import Outcome, report
from cli.init.questions import PART, QUESTIONS, TEAMS_QUESTIONS, Question, ask, asked, parted
from cli.init.setting_problems import problems_of
from cli.init.starting_values import PLATFORM, TEAMS, Part, completed, is_new
from cli.init.trees import merged, planted, same_place
from cli.interrupts import uninterrupted
from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.stack import PROJECT, Leaf, Stack, Tree, leaves
from common.settings import ENVIRONMENTS, NAMESPACE, REHEARSAL, Settings, SettingsError
from common.settings.problems import Problem, hint, nearest
from common.settings.schema import schema_of


class GivenError(Exception):
    """What was given cannot be used; the text says why. Nothing was written."""


def environment_of(stack: str) -> str:
    """The environment that a stack is of, named in full or not. Raises GivenError for a name that says none."""
    *owner, name = stack.split("/")
    if owner[1:] not in ([], [NAMESPACE]):
        raise GivenError(f"stack {stack} is of the project {owner[1]}; this is the project {NAMESPACE}.")
    if name.startswith(REHEARSAL):
        return REHEARSAL
    if name not in ENVIRONMENTS:
        named = f"{', '.join(ENVIRONMENTS)}, or {REHEARSAL}-NAME{hint(nearest(name, ENVIRONMENTS))}"
        raise GivenError(f"{name!r} is no environment: the stack must be called {named}.")
    return name


def init(
    stack: StackName,
    domain: Annotated[str | None, typer.Option(help="Parent domain of the game's names.")] = None,
    parent_zone: Annotated[str | None, typer.Option(help="Who hosts the parent domain: scaleway or external.")] = None,
    operators: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="Networks of the operators: they reach SSH and the boards' API."),
    ] = None,
    players: Annotated[
        list[str] | None, typer.Option(metavar="CIDR", help="Networks of the players: they reach the boards' API.")
    ] = None,
    project_id: Annotated[str | None, typer.Option(help="Scaleway project that everything belongs to.")] = None,
    part: Annotated[Part | None, typer.Option(help=f"{PLATFORM}, or {TEAMS}: also source control and teams.")] = None,
    teams_file: Annotated[str | None, typer.Option(help="File with the teams, in the project's folder.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Settings as a JSON or YAML object, secrets too ('-': standard input). Of several files, the last one "
            "that has a setting counts.",
        ),
    ] = None,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Prepare an environment: its stack, keys and passwords, and a start for every other setting.

    Asks on a terminal for the settings that are missing, and lists them elsewhere. Settings in the stack's file are
    never replaced, so that the command may be run again.

    Exit status: 0 when the environment is ready, 2 when a setting is left.
    """
    of = Stack(stack, project.resolve(), pulumi)
    environment_of(of.name)
    flags = {
        "domain": domain,
        "parentZone": parent_zone,
        "operators.cidrs": [each for text in operators or [] for each in parted(text)],
        "players.cidrs": [each for text in players or [] for each in parted(text)],
        "scaleway.projectId": project_id,
        "teams.file": teams_file,
    }
    given: Tree = {}
    for file in values or []:
        given = merged(given, _values(file))
    for path, value in flags.items():
        given = merged(given, planted(path, value)) if value else given
    # The teams' file is named from the project's folder.
    with contextlib.chdir(project):
        return _prepared(of, given, part, asking=sys.stdin.isatty())


def _prepared(of: Stack, given: Tree, part: Part | None, *, asking: bool) -> int:
    access = EngineAccess(of, asking=asking)
    try:
        before = access.of(lambda: _read(of))
        file = of.file()
        if asking:
            known = merged(given, file)
            part = part or _part(known)
            given = merged(given, asked(_questions(known, part), known, new=is_new(file)))
        wanted = completed(merged(given, file), environment_of(of.name), part or PLATFORM)
        present = {each.path for each in leaves(file)}
        added = [each for each in leaves(wanted, schema=schema_of(Settings)) if each.path not in present]
        _check(given, present, wanted, of.short_name)
        with uninterrupted():
            if before is None:
                access.of(of.create)
            if added:
                access.of(lambda: of.add(added))
            first = access.keep()
    except (KeyboardInterrupt, typer.Abort):
        print(f"\nStopped: nothing was written. 'make init STACK={of.name}' may be run again.", file=sys.stderr)
        return 130
    return report(
        Outcome(
            stack=of,
            added=added,
            given=frozenset(each.path for each in leaves(given)),
            kept=_kept(given, file, before),
            first=first,
            problems=_left(of),
        )
    )


def _read(of: Stack) -> Tree | None:
    try:
        return of.read()
    except NoStackError:
        return None


def _part(known: Tree) -> Part | None:
    """The part of the game: asked for in a new environment that does not say."""
    if not is_new(known) or known.get("delivery") or known.get("teams"):
        return None
    return TEAMS if ask(PART) == TEAMS else PLATFORM


def _questions(known: Tree, part: Part | None) -> Sequence[Question]:
    play = part == TEAMS or bool(known.get("delivery") or known.get("teams"))
    return (*QUESTIONS, *TEAMS_QUESTIONS) if play else QUESTIONS


def _kept(given: Tree, file: Tree, before: Tree | None) -> list[Leaf]:
    """What was given in vain: another value stands there."""
    decrypted = {each.path: each.text for each in leaves(before or {})}
    # Only the file tells what stands there; the engine adds what is so by default.
    standing = {each.path: decrypted.get(each.path, each.text) for each in leaves(file)}
    own = leaves(given, schema=schema_of(Settings))
    return [each for each in own if standing.get(each.path, each.text) != each.text]


def _check(given: Tree, present: Collection[str], wanted: Tree, stack: str) -> None:
    """Refuse what was given, is to be added and cannot be. What was there before is told about at the end."""
    own = [each.path for each in leaves(given) if each.path not in present]
    problems = [each for each in problems_of(wanted, stack) if any(same_place(path, each.key) for path in own)]
    if problems:
        # Without the commands of the problems: what was given is to be corrected where it was given.
        listed = "\n".join(f"  {NAMESPACE}:{replace(each, commands=())}" for each in problems)
        raise GivenError(f"what was given cannot be; nothing was written:\n{listed}")


def _left(of: Stack) -> Sequence[Problem]:
    try:
        of.settings()
    except SettingsError as error:
        return error.problems
    return ()


def _values(file: str) -> Tree:
    """The settings in a file of JSON or YAML. Raises GivenError; its text repeats nothing of the file."""
    try:
        # YAML takes JSON in. What only YAML has, such as dates, no setting takes.
        found = json.loads(json.dumps(yaml.safe_load(sys.stdin.read() if file == "-" else Path(file).read_text())))
    except OSError as error:
        raise GivenError(f"{file} cannot be read ({error.strerror}): name a file with settings.") from error
    except (yaml.YAMLError, TypeError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise GivenError(f"{file} is neither JSON nor YAML{line}: correct it.") from error
    if not isinstance(found, dict):
        raise GivenError(f'{file} must hold an object of settings, such as {{"domain": "hunt.example.org"}}.')
    return _given(cast("Tree", found))


def _given(tree: Tree) -> Tree:
    """A tree without what is null: that is not given."""
    plain = {name: _given(cast("Tree", value)) if isinstance(value, dict) else value for name, value in tree.items()}
    return {name: value for name, value in plain.items() if value is not None}
