"""`python -m game_app.scm.setup`: set the source control and Drone up, once or for ever."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from game_app.guard.service.pipelines import SIGNATURES, PipelinesError, load
from game_app.scm.setup.drone import Drone
from game_app.scm.setup.gitea import Gitea
from game_app.scm.setup.plan import read
from game_app.scm.setup.vault import Folder, Secrets, Vault
from game_app.scm.setup.web import SetupError, wait_for

APPLICATION: Final = "application"
"""The vault's set with Drone's OAuth application: files `id` and `secret`."""
DAY_AND_NIGHT: Final = 60.0
"""Seconds between two looks."""


def set_up(plan_file: Path, pipelines: Path, token_file: Path, vault: Vault, patience: float) -> None:
    """Make everything as the plan says. Raises SetupError with what refused."""
    plan = read(plan_file)
    catalogue = load(pipelines)
    gitea = Gitea(plan, token_file.read_text().strip())
    wait_for("Gitea", gitea.ready, patience)
    gitea.set_up()
    held = vault.get(APPLICATION)
    application = gitea.application(held if {"id", "secret"} <= set(held) else None)
    if dict(application) != dict(held):
        vault.put(APPLICATION, application)
    # Drone waits for its application before it starts.
    drone = Drone(plan)
    wait_for("Drone", drone.ready, patience)
    signatures = json.dumps(drone.set_up(catalogue), indent=1)
    if vault.get("signatures").get(SIGNATURES) != signatures:
        vault.put("signatures", {SIGNATURES: signatures})


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
        set_up(options.plan, options.pipelines, options.token, vault, options.patience)
    except (SetupError, PipelinesError, OSError) as error:
        print(f"Not set up: {error}", file=sys.stderr, flush=True)
        return True
    print(f"All is as planned ({time.monotonic() - began:.1f} s).", flush=True)
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m game_app.scm.setup", description="Sets Gitea and Drone up.")
    parser.add_argument("--plan", type=Path, required=True, help="JSON file that says what there should be")
    parser.add_argument("--pipelines", type=Path, required=True, help="the guard's folder of pipelines")
    parser.add_argument("--token", type=Path, required=True, help="file with a token of Gitea's administrator")
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
