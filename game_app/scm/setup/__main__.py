"""`python -m game_app.scm.setup`: set the source control and Drone up, once or for ever."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from game_app.guard.service.pipelines import SIGNATURES, PipelinesError, load
from game_app.scm.setup.drone import Drone
from game_app.scm.setup.gitea import Gitea
from game_app.scm.setup.github import GitHub
from game_app.scm.setup.plan import GiteaPlan, Plan
from game_app.scm.setup.source import SourceControl
from game_app.scm.setup.vault import Folder, Secrets, Vault
from game_app.scm.setup.web import Faults, SetupError, wait_for

DAY_AND_NIGHT: Final = 60.0
"""Seconds between two looks."""


def set_up(options: argparse.Namespace, vault: Vault) -> None:
    """Make everything as the plan says; what one account or repository is refused does not stop the others.

    Raises SetupError with everything that was refused.
    """
    catalogue, faults = load(options.pipelines), Faults()
    plan, scm = SOURCES[options.scm](options)
    with faults.noted("the source control"):
        scm.set_up(vault, options.patience)
    with faults.noted("Drone"):
        drone = Drone(plan, scm)
        wait_for("Drone", drone.ready, options.patience)
        held = vault.get("signatures").get(SIGNATURES)
        signatures = json.dumps(drone.set_up(catalogue, json.loads(held or "{}"), faults), indent=1)
        if held != signatures:
            vault.put("signatures", {SIGNATURES: signatures})
    faults.tell()


def _gitea(options: argparse.Namespace) -> tuple[Plan, SourceControl]:
    plan = GiteaPlan.read(options.plan)
    return plan, Gitea(plan, options.token.read_text().strip())


def _github(options: argparse.Namespace) -> tuple[Plan, SourceControl]:
    plan = Plan.read(options.plan)
    return plan, GitHub(plan)


SOURCES: Final[Mapping[str, Callable[[argparse.Namespace], tuple[Plan, SourceControl]]]] = {
    "gitea": _gitea,
    "github": _github,
}
"""Each source control by its name: what it and Drone should have, and how it is set up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Gives 0 when all is as planned, 1 when something refused."""
    options = _parser().parse_args(arguments)
    places = dict(place.split("=", 1) for place in options.secret)
    vault = Folder(options.folder) if options.folder else Secrets(places)
    while True:
        failed = _once(options, vault)
        if options.once:
            return 1 if failed else 0
        time.sleep(DAY_AND_NIGHT)


def _once(options: argparse.Namespace, vault: Vault) -> bool:
    began = time.monotonic()
    try:
        set_up(options, vault)
    except (SetupError, PipelinesError, OSError) as error:
        print(f"Not set up: {error}", file=sys.stderr, flush=True)
        return True
    print(f"All is as planned ({time.monotonic() - began:.1f} s).", flush=True)
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m game_app.scm.setup", description="Sets a source control and Drone up."
    )
    parser.add_argument("--scm", choices=tuple(SOURCES), required=True, help="which source control there is")
    parser.add_argument("--plan", type=Path, required=True, help="JSON file that says what there should be")
    parser.add_argument("--pipelines", type=Path, required=True, help="the guard's folder of pipelines")
    parser.add_argument("--token", type=Path, help="file with a token of Gitea's administrator")
    parser.add_argument("--patience", type=float, default=300, help="seconds that a service may take to answer")
    parser.add_argument("--once", action="store_true", help="end after the first time; otherwise look every minute")
    parser.add_argument("--folder", type=Path, help="leave what others read in a folder, not in Secrets")
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="SET=NAMESPACE/NAME",
        help="the Secret for a set: application and signatures",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
