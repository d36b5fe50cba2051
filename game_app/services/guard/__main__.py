"""`python -m services.guard`: serve Drone's configuration and validation extensions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..http_server import hold_signals, serve_until_ended
from ..pipeline_catalogue import PipelinesError
from .guard_files import GuardFiles
from .guard_server import GuardServer


def main() -> int:
    """Run the command. Gives 0 when it was told to end, 1 when its files are not fit to be served."""
    parser = argparse.ArgumentParser(
        prog="python -m services.guard", description="Tells Drone which pipeline a build runs."
    )
    parser.add_argument("--pipelines", type=Path, required=True, help="folder with the catalogue and its templates")
    parser.add_argument(
        "--secrets", type=Path, required=True, help="folder with the secrets 'config', 'validate' and 'ended'"
    )
    parser.add_argument("--signatures", type=Path, required=True, help="folder in which Drone's signatures arrive")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all of the pod's)")  # noqa: S104
    parser.add_argument("--port", type=int, default=3000, help="TCP port (default: 3000)")
    options = parser.parse_args()
    hold_signals()
    try:
        files = GuardFiles(options.pipelines, options.secrets, options.signatures)
    except PipelinesError as error:
        print(f"The guard does not start: {error}.", file=sys.stderr)
        return 1
    with GuardServer((options.host, options.port), files) as server:
        serve_until_ended(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
