"""Prepares a new environment: `python -m common.init ENVIRONMENT --domain DOMAIN --operators CIDR`.

It makes the stack and adds to its file what is missing: a start for every setting that has an obvious one, and
new keys and passwords, encrypted. What stands there already is never replaced, so it may be run again.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from common.keys import dns_key, key_pair, password
from common.settings import ENVIRONMENTS, NAMESPACE, SettingsError, parse
from common.stack import PROJECT, EngineError, Stack, Tree


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


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Gives 0 when the environment is ready, 2 when something is left to fill in, 1 when it failed."""
    options = _parser().parse_args(arguments)
    stack = Stack(options.stack or options.environment, options.project, options.pulumi)
    try:
        stack.create()
        before = stack.read()
        given = _values(options.values) if options.values else {}
        begin = starter(options.environment, options.domain, options.operators)
        added = stack.add(before, completed(_merged(given, before), begin, new_secrets()))
        after = stack.read()
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Stack {stack.name}: added {', '.join(added)}." if added else f"Stack {stack.name} lacked nothing.")
    try:
        settings = parse(after, stack.name)
    except SettingsError as error:
        print("Left to set with 'pulumi config set --path KEY VALUE' (a secret with --secret, on standard input):")
        for problem in error.problems:
            print(f"  {NAMESPACE}:{problem}")
        return 2
    print(f"Its names will end in {settings.zone_name}. Next: pulumi preview --stack {stack.name}")
    return 0


def _values(file: str) -> Tree:
    return cast("Tree", json.loads(sys.stdin.read() if file == "-" else Path(file).read_text()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m common.init", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("environment", choices=ENVIRONMENTS, help="which environment to prepare")
    parser.add_argument("--domain", help="parent domain of the game's names, such as example.org")
    parser.add_argument(
        "--operators",
        metavar="CIDR",
        action="append",
        default=[],
        help="network from which the game is run (more than once for several); it may reach SSH and the board's API",
    )
    parser.add_argument("--stack", help="name of the stack; by default the environment's")
    parser.add_argument(
        "--values",
        metavar="FILE",
        help="further settings, secrets too, as one JSON object ('-': standard input)",
    )
    parser.add_argument("--project", metavar="FOLDER", type=Path, default=PROJECT, help="folder with Pulumi.yaml")
    parser.add_argument("--pulumi", metavar="PROGRAM", default="pulumi", help="the engine; by default the one on PATH")
    return parser


if __name__ == "__main__":
    sys.exit(main())
