"""`python -m services.setup`: set the source control and Drone up, once or every minute."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from ..http_server import hold_signals, serve_until_ended
from ..pipeline_catalogue import SIGNATURES, PipelinesError, load
from ..prometheus_text import MetricsServer
from .drone_setup import DroneSetup
from .gitea_setup import GiteaSetup
from .github_setup import GitHubSetup
from .secret_store import FolderStore, KubernetesSecretStore, SecretStore
from .setup_faults import Faults, SetupError, wait_for
from .setup_metrics import SetupMetrics
from .setup_plan import GiteaPlan, Plan
from .source_control_setup import SourceControlSetup

INTERVAL: Final = 60.0
"""Seconds between two runs."""


def set_up(options: argparse.Namespace, store: SecretStore, faults: Faults) -> None:
    """Make everything as the plan says; what one account or repository is refused does not stop the others.

    faults: notes what is refused. Raises PipelinesError and OSError where the set-up's own files cannot be read.
    """
    catalogue = load(options.pipelines)
    plan, source_control = SOURCE_CONTROLS[options.scm](options)
    with faults.noted("the source control"):
        source_control.set_up(store, options.timeout, faults)
    with faults.noted("Drone"):
        drone = DroneSetup(plan, source_control)
        wait_for("Drone", drone.ready, options.timeout)
        held = store.get("signatures").get(SIGNATURES)
        signatures = json.dumps(drone.set_up(catalogue, json.loads(held or "{}"), faults), indent=1)
        if held != signatures:
            store.put("signatures", {SIGNATURES: signatures})


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
    """Run the command. Gives 0 when all is as planned, or it was told to end; 1 when something refused."""
    options = _parser().parse_args(arguments)
    secrets = dict(secret.split("=", 1) for secret in options.secret)
    store = FolderStore(options.folder) if options.folder else KubernetesSecretStore(secrets)
    if options.once:
        return 1 if _once(options, store) else 0
    hold_signals()
    metrics = SetupMetrics()
    with MetricsServer((options.host, options.metrics_port), metrics.exposition) as server:
        # Nothing is lost where a run is cut off: the next one begins with what there is.
        threading.Thread(target=_run_for_ever, args=(options, store, metrics), daemon=True).start()
        serve_until_ended(server)
    return 0


def _run_for_ever(options: argparse.Namespace, store: SecretStore, metrics: SetupMetrics) -> None:
    while True:
        metrics.ran(_once(options, store))
        time.sleep(options.interval)


def _once(options: argparse.Namespace, store: SecretStore) -> Collection[str]:
    """Set everything up once, and print the result. Gives the kind and name of each thing that could not be made."""
    began, faults = time.monotonic(), Faults()
    try:
        set_up(options, store, faults)
        faults.raise_all()
    except SetupError as error:
        print(f"Not set up: {error}", file=sys.stderr, flush=True)
    except (PipelinesError, OSError, ValueError, KeyError, TypeError) as error:
        print(f"Not set up: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return ("anything",)
    else:
        print(f"All is as planned ({time.monotonic() - began:.1f} s).", flush=True)
    return faults.things


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.setup", description="Sets a source control and Drone up.")
    parser.add_argument("--scm", choices=tuple(SOURCE_CONTROLS), required=True, help="which source control there is")
    parser.add_argument("--plan", type=Path, required=True, help="JSON file that says what there should be")
    parser.add_argument("--pipelines", type=Path, required=True, help="the guard's folder of pipelines")
    parser.add_argument("--token", type=Path, help="file with a token of Gitea's administrator")
    parser.add_argument("--timeout", type=float, default=300, help="seconds within which a service must be ready")
    parser.add_argument(
        "--interval", type=float, default=INTERVAL, help=f"seconds between two runs (default: {INTERVAL:.0f})"
    )
    parser.add_argument("--host", default="0.0.0.0", help="address of /metrics (default: all of the pod's)")  # noqa: S104
    parser.add_argument("--metrics-port", type=int, default=9090, help="TCP port of /metrics (default: 9090)")
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
