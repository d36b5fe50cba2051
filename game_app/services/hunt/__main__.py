"""`python -m services.hunt`: serve the hunt's pages, check the teams' steps, and merge their green pull requests."""

from __future__ import annotations

import argparse
import json
import secrets
import sqlite3
import sys
from pathlib import Path
from typing import Any, Final

from ..http_server import hold_signals, serve_until_ended
from ..prometheus_text import MetricsServer
from .clients import KubernetesClient, PullRequestMerger, SourceControlClient
from .game import CHECK_TIMEOUT, Game
from .gitea_client import GiteaClient
from .github_client import GitHubClient
from .hunt_log import log
from .hunt_metrics import Presence, exposition
from .hunt_parser import HuntError, parse
from .hunt_progress import Progress
from .hunt_server import HuntServer
from .hunt_teams import GameUrls, Team
from .poller import INTERVAL, PAUSE, Poller
from .sessions import Sessions

SHORTEST_KEY: Final = 32
"""Characters of the key that everything is derived from."""


class ConfigurationError(Exception):
    """The program's files are not fit to be served; the text says which and why."""


def main() -> int:
    """Run the command. Gives 0 when it was told to end, 1 when its files are not fit to be served."""
    options = _parser().parse_args()
    hold_signals()
    try:
        game, key = _game(options)
    except (ConfigurationError, HuntError, OSError, sqlite3.Error) as error:
        print(f"The hunt does not start: {error}.", file=sys.stderr)
        return 1
    presence = Presence()
    poller = Poller(game, options.interval, options.pause)
    with (
        HuntServer(
            (options.host, options.port), game, poller, Sessions(key, game.teams, game.progress), presence
        ) as pages,
        MetricsServer((options.host, options.metrics_port), lambda: exposition(game, presence)) as metrics,
    ):
        poller.start()
        log("listening")
        serve_until_ended(metrics, pages)
        poller.stop()
        game.progress.close()
    return 0


def _game(options: argparse.Namespace) -> tuple[Game, str]:
    """Game in the program's files, and the key that its codes are derived from."""
    hunt = parse(_json(options.configuration / "hunt.json"))
    given = _json(options.configuration / "teams.json")
    try:
        teams = [Team(**each) for each in given["teams"]]
        urls = GameUrls(page_url=str(given["page_url"]), git_url=str(given["git_url"]))
        branch = str(given["branch"])
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"teams.json lacks something, or has too much: {error}") from error
    # Without a key nobody can be let in: it takes one that nobody knows.
    key = _secret(options.secrets / "key") or secrets.token_hex(SHORTEST_KEY)
    if len(key) < SHORTEST_KEY:
        raise ConfigurationError(f"the secret key must have {SHORTEST_KEY} characters or more")
    reader, merger = (_source_control(options, options.secrets / name, branch) for name in ("reader", "merger"))
    game = Game(
        hunt,
        teams,
        urls,
        Progress(options.data / "progress.db"),
        source_control=reader,
        merger=PullRequestMerger(reader, merger),
        cluster=KubernetesClient(options.kubernetes, options.account),
        key=key,
        log=log,
        timeout=options.timeout,
    )
    return game, key


def _source_control(options: argparse.Namespace, secret: Path, branch: str) -> SourceControlClient:
    """Source control, asked by one account."""
    if options.github:
        return GitHubClient(options.github, _secret(secret), branch)
    return GiteaClient(options.gitea, _secret(secret), branch)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file.name} cannot be read as JSON") from error


def _secret(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.hunt", description="Serves the hunt's pages, and checks the teams' steps."
    )
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
        help=f"seconds between two checks that a team asks for (default: {PAUSE:.0f})",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=CHECK_TIMEOUT,
        help=f"seconds that a check may take (default: {CHECK_TIMEOUT:.0f})",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
