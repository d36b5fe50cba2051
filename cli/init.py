"""Prepares a new environment.

It makes the stack and adds to its file what is missing: a start for every setting that has an obvious one, and
new keys and passwords, encrypted. What stands there already is never replaced, so it may be run again.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder
from cli.stack import PROJECT, Stack, Tree
from common.keys import dns_key, key_pair, password
from common.settings import HOW_TO_MEND, NAMESPACE, Environment, SettingsError


def starter(environment: str, domain: str | None, operators: Sequence[str]) -> Tree:
    """What a new environment begins with, apart from its keys and passwords."""
    return {
        "environment": environment,
        "scaleway": {"region": "fr-par", "zone": "fr-par-1"},
        "gamemaster": {"type": "PLAY2-MICRO", "subnet": "10.20.0.0/24"},
        "boards": {
            "blue": {
                "kubernetesVersion": "1.36",
                "subnet": "10.21.0.0/22",
                "pools": {"main": {"nodeType": "PRO2-XXS", "size": 2}},
                "autoUpgrade": {"day": "tuesday", "startHour": 3},
            }
        },
        "activeBoard": "blue",
        **({"domain": domain} if domain else {}),
        **({"operators": {"cidrs": list(operators)}} if operators else {}),
    }


def new_secrets() -> Tree:
    """New keys and passwords for all that needs one."""
    operator, host = key_pair(), key_pair()
    return {
        "operators": {"sshPublicKey": operator.public, "sshPrivateKey": operator.private},
        "gamemaster": {
            "hostKey": {"public": host.public, "private": host.private},
            "dnsUpdateKey": dns_key(),
        },
        "rancher": {"bootstrapPassword": password(), "adminPassword": password()},
        "observability": {"grafanaAdminPassword": password(), "lokiPassword": password()},
        "delivery": {"masterKey": dns_key()},
    }


def completed(existing: Tree, begin: Tree, secrets: Tree) -> Tree:
    """The existing settings with what they lack, key pairs always whole and boards never mixed."""
    existing, begin, secrets = copy.deepcopy((existing, begin, secrets))
    if "boards" in existing:
        # Another board beside the operator's own would be raised, and billed.
        del begin["boards"], begin["activeBoard"]
    if _has(existing, "operators", "sshPublicKey") or _has(existing, "operators", "sshPrivateKey"):
        del secrets["operators"]
    if _has(existing, "gamemaster", "hostKey"):
        del secrets["gamemaster"]["hostKey"]
    if not existing.get("delivery"):
        # With its key, delivery is raised, and then needs a registry and more, which only the operator has.
        del secrets["delivery"]
    wanted = _merged(_merged(secrets, begin), existing)
    operators = wanted.get("operators", {}).get("cidrs")
    for board in wanted.get("boards", {}).values():
        if operators:
            board.setdefault("apiCidrs", operators)
    return wanted


def _has(tree: Tree, section: str, key: str) -> bool:
    return key in tree.get(section, {})


def _merged(below: Tree, above: Tree) -> Tree:
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        result[key] = _merged(cast("Tree", under), cast("Tree", value)) if both else value
    return result


def init(
    environment: Annotated[Environment, typer.Argument(help="Which environment to prepare.")],
    domain: Annotated[str | None, typer.Option(help="Parent domain of the game's names.")] = None,
    operators: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CIDR",
            help="Network from which the game is run (once for each); it may reach SSH and the board's API.",
        ),
    ] = None,
    stack: Annotated[str | None, typer.Option(help="Name of the stack; by default the environment's.")] = None,
    values: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Further settings, secrets too, as one JSON object ('-': standard input)."),
    ] = None,
    project: ProjectFolder = PROJECT,
    pulumi: EngineProgram = DEFAULT_ENGINE,
) -> int:
    """Prepare an environment: its stack, its keys and passwords, and a start for every other setting.

    What stands in the stack's file is never replaced. Gives 0 when the environment is ready, 2 when a setting is left.
    """
    of = Stack(stack or environment, project, pulumi)
    of.create()
    before = of.read()
    given = _values(values) if values else {}
    added = of.add(
        before, completed(_merged(given, before), starter(environment, domain, operators or []), new_secrets())
    )
    print(f"Stack {of.name}: added {', '.join(added)}." if added else f"Stack {of.name} lacked nothing.")
    try:
        settings = of.settings()
    except SettingsError as error:
        print(f"Left to set. {HOW_TO_MEND}")
        for problem in error.problems:
            print(f"  {NAMESPACE}:{problem}")
        return 2
    print(f"Its names will end in {settings.zone_name}. Next: pulumi preview --stack {of.name}")
    return 0


def _values(file: str) -> Tree:
    return cast("Tree", json.loads(sys.stdin.read() if file == "-" else Path(file).read_text()))
