"""Players at Gitea: forks, pull requests and pushes, as they make them with git and in the browser."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from game_app.scm.gitea.gitea_accounts import account_password

if TYPE_CHECKING:
    from local_game.delivery_site import DeliverySite


class PlayersGit:
    """What accounts of players do in repositories of the game."""

    def __init__(self, site: DeliverySite) -> None:
        self._site = site

    def fork(self, player: str, repository: str) -> None:
        """Fork a repository of the game, unless the player has."""
        own = self._site.as_player(player)
        if own.get(f"/repos/{player}/{repository}") is None:
            own.ask("POST", f"/repos/game/{repository}/forks", {})

    def propose(
        self, player: str, repository: str, branch: str, files: Mapping[str, str], *, title: str = "A change"
    ) -> str:
        """Open a pull request from a fork with other files. Gives its commit."""
        self.fork(player, repository)
        own = self._site.as_player(player)
        changes = [
            {"operation": "create", "path": path, "content": base64.b64encode(text.encode()).decode()}
            for path, text in files.items()
        ]
        own.ask(
            "POST",
            f"/repos/{player}/{repository}/contents",
            {"branch": "main", "new_branch": branch, "message": title, "files": changes},
        )
        _, opened = own.ask(
            "POST",
            f"/repos/game/{repository}/pulls",
            {"base": "main", "head": f"{player}:{branch}", "title": title},
        )
        return str(opened["head"]["sha"])

    def push_to(
        self,
        player: str,
        repository: str,
        target: str,
        files: Mapping[str, str],
        *options: str,
        also: Callable[[Path], Sequence[str]] | None = None,
    ) -> str:
        """Clone a repository of the game, commit files and push to a reference. Gives the commit, or raises.

        options: what git push hands over, as `topic=x`.
        also: changes the clone further, and gives the arguments of one more git command, or none.
        """
        folder = self._site.folder / "clones" / f"{player}-{time.monotonic_ns()}"
        folder.parent.mkdir(exist_ok=True)
        login = base64.b64encode(f"{player}:{account_password(self._site.master, player)}".encode()).decode()
        env = {
            **os.environ,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
            "GIT_TERMINAL_PROMPT": "0",
            **{
                f"GIT_{who}_{what}": f"{player}@players.invalid"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }

        def git(*arguments: str) -> str:
            done = subprocess.run(
                ["git", *arguments],
                cwd=folder if folder.exists() else None,
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise PermissionError(done.stderr)
            return done.stdout

        git("clone", "--quiet", f"{self._site.gitea.url}/game/{repository}.git", str(folder))
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        more = also(folder) if also else ()
        git("add", "--all")
        if more:
            git(*more)
        git("commit", "--quiet", "--message", "A change")
        git("push", "--quiet", *(f"--push-option={option}" for option in options), "origin", f"HEAD:{target}")
        return git("rev-parse", "HEAD").strip()
