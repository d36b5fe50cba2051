"""The attack suite: 34 attacks, what holds each, and the table that ends a run of their tests.

A test belongs to the attack whose number its name begins with, as in `test_t13_…`. Where it takes the lock away and
sees the attack succeed, it says so by the fixture `fell`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from rich.table import Table

NUMBER: Final = re.compile(r"_(t\d\d)(?=_)")
FELL: Final = "without its lock"
"""Name under which a test's report keeps what happened without the lock."""


@dataclass(frozen=True)
class Attack:
    """One attack."""

    what: str
    lock: str
    """What holds it."""


ATTACKS: Final[Mapping[str, Attack]] = {
    "T01": Attack(
        "Have Drone's own request answered by another pipeline", "the guard answers with the program's bytes"
    ),
    "T02": Attack("Change a signed request on its way", "digest of the body, under the signature"),
    "T03": Attack("Replay a request", "its date, five minutes"),
    "T04": Attack("Forge a request to the guard", "HMAC over five headers, a secret for each extension"),
    "T05": Attack("Find a request that makes the guard answer nothing", "one way to a 2xx, at the end of every check"),
    "T06": Attack("Look like one of the game's repositories", "names compared letter for letter"),
    "T07": Attack(
        "Begin a build by tag, schedule, promotion, restart, API", "only webhooks of pushes and pull requests"
    ),
    "T08": Attack("Aim at another branch", "the one protected branch"),
    "T09": Attack("Hostile names of branches, titles, authors", "no byte of a request gets into a pipeline"),
    "T10": Attack("Have the second fetch answered otherwise", "the answer depends on the request alone"),
    "T11": Attack("Privileged steps, host paths, secrets in a pipeline", "templates checked when loaded; Pod Security"),
    "T12": Attack("Look like no fork", "no trust by origin"),
    "T13": Attack("Bring a pipeline in a pull request, under any name", "configuration extension"),
    "T14": Attack("Break, slow or stop the guard", "Drone starts nothing without its answer"),
    "T15": Attack("Have the guard answer 204 or nothing", "validation extension, and protected repositories"),
    "T16": Attack("Change the pipeline after the guard", "validation extension, byte for byte"),
    "T17": Attack("A Drone that ignores its extensions", "its image and settings, and the set-up's question"),
    "T18": Attack("Find a repository that is trusted, or a secret in Drone", "settings of every repository"),
    "T19": Attack("Have a build run in another's namespace", "the runners' policies, and a namespace without pods"),
    "T20": Attack("Reach the other runner, or a shell in a build", "labels, limits and accounts of each runner"),
    "T21": Attack("Leave the namespace of a build", "quota, limits, closed network"),
    "T22": Attack("Deploy with more rights than the puzzle needs", "a Role in the one target"),
    "T23": Attack("Merge, hook or run otherwise at the source control", "branch protection and Gitea's settings"),
    "T24": Attack("Read a secret from within a build", "no secret, and a login that only reads"),
    "T25": Attack("Reach metadata, API, other teams, Drone, the guard", "network policies without addresses"),
    "T26": Attack("Use an account of the cluster", "no token, and an account without rights"),
    "T27": Attack(
        "Take all memory, room, time or places", "limits, quota, timeout, one build at a time, a place for each team"
    ),
    "T28": Attack("Push over another's image", "no way to a registry, and images by digest"),
    "T29": Attack("Links and submodules in the tree", "the clone step ends the build"),
    "T30": Attack("A chart that loosens its own isolation", "the deployer's Role, Pod Security, rules for all teams"),
    "T31": Attack("Drone's own API and webhooks, anonymous or forged", "closed registration, the webhook's secret"),
    "T32": Attack("Forge a status, merge, push, change the hook", "players read; a protected branch"),
    "T33": Attack("Merge what was never built as it is", "required status, up to date, protected files"),
    "T34": Attack("Bend the settings until the next deployment", "the set-up looks every minute"),
}


@dataclass
class Tally:
    """What came of one attack's tests."""

    held: int = 0
    tried: int = 0
    fell: dict[str, None] = field(default_factory=dict[str, None])
    """What happened without its locks, in the order in which it was seen."""


def tally(outcomes: Iterable[tuple[str, bool, list[tuple[str, object]]]]) -> Mapping[str, Tally]:
    """Count tests by attack: each with its name, whether it passed, and what it noted."""
    found: defaultdict[str, Tally] = defaultdict(Tally)
    for name, passed, noted in outcomes:
        for number in NUMBER.findall(name):
            one = found[number.upper()]
            one.tried += 1
            one.held += passed
            one.fell.update(dict.fromkeys(str(text) for key, text in noted if passed and key == FELL))
    return found


def table(found: Mapping[str, Tally]) -> Table:
    """Attack, lock, result with the lock, result without it."""
    made = Table("", "attack", "the lock that holds it", "with it", "without it", title="Attacks on the delivery")
    for number, attack in ATTACKS.items():
        one = found.get(number)
        if one:
            colour = "green" if one.held == one.tried else "red"
            result = f"[{colour}]held {one.held} of {one.tried}[/]"
            made.add_row(number, attack.what, attack.lock, result, "; ".join(one.fell) or "-")
    return made
