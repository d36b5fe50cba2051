"""Plays the example hunt on this machine: the real Gitea, the real Drone, the guard and the hunt's own page.

What a person needs is printed, then it waits for Ctrl-C and leaves nothing. Stand-ins: no build runs (one is red where
hadolint or Helm would make it so, and else green), and the cluster has at once what a team's chart on `main` says.
"""

from __future__ import annotations

import argparse
import base64
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from game_app.scm.gitea.gitea_accounts import account_password
from game_app.services.hunt.codes import operators_code, team_code
from local_game.delivery_site import DeliverySite
from local_game.hunt_site import PLAYER, PLAYS, HuntSite

ROUND = 20
"""Seconds in which the clue pod has logged everything once; a minute on a board."""


def main() -> int:
    """Raise it, say where it is, and wait."""
    argparse.ArgumentParser(prog="python -m local_game", description=__doc__).parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 132)
    with tempfile.TemporaryDirectory(prefix="hunt-") as folder:
        console.print("Raising Gitea, Drone, the guard and the hunt …")
        site = DeliverySite(Path(folder) / "site", for_a_person=True)
        try:
            site.start()
            site.watch()
            site.runners["untrusted"].fails = lambda repository, commit: is_red(site, repository, commit)
            play(site, Path(folder) / "hunt", console)
        finally:
            site.stop()
    console.print("Nothing is left of it.")
    return 0


def play(site: DeliverySite, folder: Path, console: Console) -> None:
    """Have the hunt begin, and wait until whoever plays it has had enough."""
    folder.mkdir()
    hunt = HuntSite(site, folder)
    try:
        hunt.service.start()
        hunt.begin_the_hunt()
        log = folder / "clue-pod.log"
        with log.open("w") as out, hunt.clue_pod(PLAYS, seconds=ROUND, stdout=out) as clue_pod:
            try:
                console.print(card(hunt, log))
                signal.sigwait({signal.SIGINT, signal.SIGTERM})
            finally:
                clue_pod.kill()
    finally:
        hunt.close()


def card(hunt: HuntSite, log: Path) -> Table:
    """What a team's sheet says, and the operators' own way in."""
    site = hunt.site
    table = Table(title=f"The hunt, for team {PLAYS}; Ctrl-C ends it", title_justify="left", show_header=False)
    page = f"http://127.0.0.1:{hunt.service.port}/"
    table.add_row("the team's page", page)
    table.add_row("its code", team_code(hunt.key, PLAYS))
    table.add_row("the operators' code", operators_code(hunt.key))
    table.add_row("the team's repository", f"{site.gitea.url}/game/team-{PLAYS}")
    table.add_row("a player of it", f"{PLAYER}, password {account_password(site.master, PLAYER)}")
    table.add_row("instead of kubectl logs", f"tail --follow {log}")
    return table


def is_red(site: DeliverySite, repository: str, commit: str) -> bool:
    """What hadolint says of a base image without a version (DL3006), and Helm of a chart without one."""

    def text(path: str) -> str | None:
        found = site.as_operator().get(f"/repos/{repository}/contents/{path}?ref={commit}")
        return base64.b64decode(found["content"]).decode() if found else None

    bases = [line.split()[1] for line in (text("Dockerfile") or "").splitlines() if line.startswith("FROM ")]
    chart = text("chart/Chart.yaml")
    unversioned = chart is not None and not any(line.startswith("version:") for line in chart.splitlines())
    return unversioned or any(":" not in base.rpartition("/")[2] and "@" not in base for base in bases)


if __name__ == "__main__":
    # Before any thread is there to take them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
