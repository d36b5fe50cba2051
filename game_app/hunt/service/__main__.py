"""`python -m hunt`: serve the hunt's pages, look at the teams' steps, and open their gates."""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any, Final

from .game import PATIENCE, Game
from .gitea import Gitea
from .github import GitHub
from .looking import INTERVAL, PAUSE, Looking
from .metrics import Presence
from .progress import Progress
from .server import HuntServer, MetricsServer, log
from .sessions import Sessions
from .signals import Cluster, Gatekeeper, Scm
from .steps import HuntError, parse
from .teams import Place, Team

ENDING: Final = (signal.SIGTERM, signal.SIGINT)
SHORTEST_KEY: Final = 32
"""Characters of the key that everything is derived from."""


class ConfigurationError(Exception):
    """The service's files are not fit to be served; the text says which and why."""


def main() -> int:
    """The command. Gives 0 when it was told to end, 1 when its files are not fit to be served."""
    options = _parser().parse_args()
    # Every thread inherits that: a signal waits for this one, which asks for it. As an exception it would be lost
    # wherever Python drops exceptions, as it does while it frees an object.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        game, key = _game(options)
    except (ConfigurationError, HuntError, OSError, sqlite3.Error) as error:
        print(f"The hunt does not start: {error}.", file=sys.stderr)
        return 1
    presence = Presence()
    looking = Looking(game, options.interval, options.pause)
    with (
        HuntServer((options.host, options.port), game, looking, Sessions(key, game.teams), presence) as pages,
        MetricsServer((options.host, options.metrics_port), game, presence) as numbers,
    ):
        for server in (numbers, pages):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        looking.start()
        log("listening")
        signal.sigwait(ENDING)
        looking.stop()
        game.progress.close()
    return 0


def _game(options: argparse.Namespace) -> tuple[Game, str]:
    """The game in the service's files, and the key that its codes are derived from."""
    hunt = parse(_json(options.configuration / "hunt.json"))
    given = _json(options.configuration / "teams.json")
    try:
        teams = [Team(**each) for each in given["teams"]]
        place = Place(page_url=str(given["page_url"]), git_url=str(given["git_url"]))
        branch = str(given["branch"])
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"teams.json lacks something, or has too much: {error}") from error
    # Without a key nobody can be let in: it takes one that nobody knows.
    key = _secret(options.secrets / "key") or secrets.token_hex(SHORTEST_KEY)
    if len(key) < SHORTEST_KEY:
        raise ConfigurationError(f"the secret key must have {SHORTEST_KEY} characters or more")
    reader, merger = (_scm(options, options.secrets / name, branch) for name in ("reader", "merger"))
    game = Game(
        hunt,
        teams,
        place,
        Progress(options.data / "progress.db"),
        scm=reader,
        gatekeeper=Gatekeeper(reader, merger),
        cluster=Cluster(options.kubernetes, options.account),
        key=key,
        log=log,
        patience=options.patience,
    )
    return game, key


def _scm(options: argparse.Namespace, secret: Path, branch: str) -> Scm:
    """The source control, asked by one account."""
    if options.github:
        return GitHub(options.github, _secret(secret), branch)
    return Gitea(options.gitea, _secret(secret), branch)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file.name} cannot be read as JSON") from error


def _secret(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hunt", description="Shows teams where they are, and looks.")
    parser.add_argument("--configuration", type=Path, required=True, help="folder with hunt.json and teams.json")
    parser.add_argument(
        "--secrets",
        type=Path,
        required=True,
        help="folder with 'key', and 'reader' and 'merger': name:password at Gitea, a token at GitHub",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that the teams' progress is kept in")
    scm = parser.add_mutually_exclusive_group()
    scm.add_argument("--gitea", default="", help="where Gitea answers, such as http://gitea.scm:3000")
    scm.add_argument("--github", default="", help="where GitHub's API answers, such as https://api.github.com")
    parser.add_argument(
        "--kubernetes", default="https://kubernetes.default.svc", help="where the board's API answers (default: here)"
    )
    parser.add_argument(
        "--account",
        type=Path,
        default=Path("/var/run/secrets/kubernetes.io/serviceaccount"),
        help="folder with the account's token and ca.crt",
    )
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all of the pod's)")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080, help="TCP port of the pages (default: 8080)")
    parser.add_argument("--metrics-port", type=int, default=9090, help="TCP port of /metrics (default: 9090)")
    parser.add_argument(
        "--interval", type=float, default=INTERVAL, help=f"seconds between two rounds (default: {INTERVAL:.0f})"
    )
    parser.add_argument(
        "--pause",
        type=float,
        default=PAUSE,
        help=f"seconds between two looks that a team asks for (default: {PAUSE:.0f})",
    )
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, help=f"seconds that a check may take (default: {PATIENCE:.0f})"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
