"""Questions that only the operator can answer, asked on a terminal and checked at once as the settings are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import typer

from cli.init.setting_problems import refusals
from cli.init.starting_values import PLATFORM, TEAMS, Part
from cli.init.trees import found, merged, planted
from cli.stack import Tree
from common.settings import Settings
from common.settings.schema import ListSchema, Schema, schema_of


@dataclass(frozen=True)
class Question:
    """What is asked for one setting."""

    path: str
    """Where the answer goes."""
    words: str
    """What stands before the answer."""
    reason: str
    """One sentence: what the answer is for, and what an empty one means."""
    default: str = ""
    """The answer in place of an empty one; without, an empty one leaves the setting for later."""
    once: bool = False
    """Whether the setting may stay empty, and is asked for in a new environment only."""
    type: Any = None
    """What the answer may be, where the question is about no setting."""

    @property
    def schema(self) -> Schema:
        """What the answer may be."""
        return schema_of(self.type) if self.type else schema_of(Settings).at(self.path)

    @property
    def several(self) -> bool:
        """Whether the answer is a list."""
        return isinstance(self.schema, ListSchema)


PART: Final = Question(
    "",
    "Part of the game",
    f"'{PLATFORM}' is boards, names and observability; '{TEAMS}' adds source control, delivery and the teams.",
    default=PLATFORM,
    type=Part,
)
QUESTIONS: Final[Sequence[Question]] = (
    Question(
        "domain",
        "Parent domain",
        "A domain of your own, below which the game gets its names, such as hunt.DOMAIN.",
    ),
    Question(
        "parentZone",
        "Who hosts the parent domain",
        "Scaleway DNS ('scaleway') is delegated by the program; at others ('external') you add the records it prints.",
        default="external",
    ),
    Question(
        "operators.cidrs",
        "Operators' networks",
        "Only from these is the game master's SSH reached, and the boards' Kubernetes API; commas between several.",
    ),
    Question(
        "scaleway.projectId",
        "Scaleway project",
        "Everything is made in it and billed to it: its ID at https://console.scaleway.com/project/settings.",
    ),
    Question(
        "scaleway.accessKey",
        "Access key of an API key (not shown)",
        "With this key the program works at Scaleway; it is kept encrypted.",
    ),
    Question("scaleway.secretKey", "Secret key of it (not shown)", "Its other half."),
)
TEAMS_QUESTIONS: Final[Sequence[Question]] = (
    Question(
        "players.cidrs",
        "Players' networks",
        "From these the boards' Kubernetes API answers the players' kubectl; empty: from none of theirs.",
        once=True,
    ),
    Question(
        "teams.file",
        "File with the teams",
        "In the project's folder, a team a line: 'team: player, player'; empty: no teams yet.",
        once=True,
    ),
)
"""What is asked besides where teams play."""


def asked(questions: Sequence[Question], existing: Tree, *, new: bool) -> Tree:
    """The answers to those questions whose settings are missing. Raises typer.Abort for Ctrl-C and the end of input."""
    answers: Tree = {}
    for question in questions:
        if found(existing, question.path) is None and (new or not question.once):
            answer = ask(question)
            if answer:
                answers = merged(answers, planted(question.path, answer))
    return answers


def ask(question: Question) -> str | list[str]:
    """The answer to one question, asked until it is allowed; empty where it is left for later."""
    later = question.default or ("none" if question.once else "later")
    typer.echo(f"\n{question.reason}")
    while True:
        typed: str = typer.prompt(
            f"{question.words} [{later}]", default="", show_default=False, hide_input=question.schema.secret
        ).strip()
        if not typed:
            return question.default
        answer = parted(typed) if question.several else typed
        problems = refusals(question.schema, answer)
        if not problems:
            return answer
        typer.echo("\n".join(f"  {f'{each.value}: ' if each.value else ''}{each.allowed}" for each in problems))


def parted(text: str) -> list[str]:
    """The parts of a text with commas between them."""
    return [part.strip() for part in text.split(",") if part.strip()]
