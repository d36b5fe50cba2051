"""`python -m services.setup`: set the source control and Drone up, once or every minute."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ..pipeline_catalogue import SIGNATURES, PipelinesError, load
from .drone_setup import DroneSetup
from .gitea_setup import GiteaSetup
from .github_setup import GitHubSetup
from .secret_store import FolderStore, KubernetesSecretStore, SecretStore
from .setup_faults import Faults, SetupError, wait_for
from .setup_plan import GiteaPlan, Plan
from .source_control_setup import SourceControlSetup

INTERVAL: Final = 60.0
"""Seconds between two runs."""


def set_up(options: argparse.Namespace, store: SecretStore) -> None:
    """Make everything as the plan says; what one account or repository is refused does not stop the others.

    Raises SetupError with everything that was refused.
    """
    catalogue, faults = load(options.pipelines), Faults()
    plan, source_control = SOURCE_CONTROLS[options.scm](options)
    with faults.noted("the source control"):
        source_control.set_up(store, options.timeout)
    with faults.noted("Drone"):
        drone = DroneSetup(plan, source_control)
        wait_for("Drone", drone.ready, options.timeout)
        held = store.get("signatures").get(SIGNATURES)
        signatures = json.dumps(drone.set_up(catalogue, json.loads(held or "{}"), faults), indent=1)
        if held != signatures:
            store.put("signatures", {SIGNATURES: signatures})
    faults.raise_all()


def _gitea(options: argparse.Namespace) -> tuple[Plan, SourceControlSetup]:
    plan = GiteaPlan.read(options.plan)
    return plan, GiteaSetup(plan, options.token.read_text().strip())


def _github(options: argparse.Namespace) -> tuple[Plan, SourceControlSetup]:
    plan = Plan.read(options.plan)
    return plan, GitHubSetup(plan)


SOURCE_CONTROLS: Final[Mapping[str, Callable[[argparse.Namespace], tuple[Plan, SourceControlSetup]]]] = {
    "gitea": _gitea,
    "github": _github,
}
"""Name of each source control to its plan and its set-up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Gives 0 when all is as planned, 1 when something refused."""
    options = _parser().parse_args(arguments)
    secrets = dict(secret.split("=", 1) for secret in options.secret)
    store = FolderStore(options.folder) if options.folder else KubernetesSecretStore(secrets)
    while True:
        failed = _once(options, store)
        if options.once:
            return 1 if failed else 0
        time.sleep(INTERVAL)


def _once(options: argparse.Namespace, store: SecretStore) -> bool:
    began = time.monotonic()
    try:
        set_up(options, store)
    except (SetupError, PipelinesError, OSError) as error:
        print(f"Not set up: {error}", file=sys.stderr, flush=True)
        return True
    print(f"All is as planned ({time.monotonic() - began:.1f} s).", flush=True)
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.setup", description="Sets a source control and Drone up.")
    parser.add_argument("--scm", choices=tuple(SOURCE_CONTROLS), required=True, help="which source control there is")
    parser.add_argument("--plan", type=Path, required=True, help="JSON file that says what there should be")
    parser.add_argument("--pipelines", type=Path, required=True, help="the guard's folder of pipelines")
    parser.add_argument("--token", type=Path, help="file with a token of Gitea's administrator")
    parser.add_argument("--timeout", type=float, default=300, help="seconds within which a service must be ready")
    parser.add_argument("--once", action="store_true", help="end after the first time; otherwise run every minute")
    parser.add_argument("--folder", type=Path, help="keep secrets in a folder, not in the cluster")
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
