"""Webhooks from Gitea to Drone: read, delivered again, and sent as if from Gitea."""

from __future__ import annotations

import http.client
import json
import secrets
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from local_game.delivery_site import DeliverySite

Tree = dict[str, Any]


@dataclass(frozen=True)
class Hook:
    """A webhook from Gitea to Drone."""

    number: int
    event: str
    request: Tree
    status: int
    """Of Drone's answer; 0: it has not come."""


class Webhooks:
    """Webhooks of the game's repositories."""

    def __init__(self, site: DeliverySite) -> None:
        self._site = site

    def last_hook(self) -> int:
        """Number of the last webhook that Gitea has for Drone."""
        return max((hook.number for hook in self._hooks()), default=0)

    def answered(self, what: str, *, after: int = 0, seconds: float = 20) -> list[Hook]:
        """The webhooks whose body holds a text, once Drone has answered them all.

        Drone decides about a build while it answers: what it has no build of then, it never builds.
        after: number of the last webhook that is not meant. Raises TimeoutError where none comes.
        """
        deadline = time.monotonic() + seconds
        while True:
            found = [hook for hook in self._hooks(what) if hook.number > after]
            if found and all(hook.status for hook in found):
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"Drone has not answered {what}: {found}")
            time.sleep(0.05)

    def delivered(self, seconds: float = 20) -> None:
        """Wait until Gitea has no webhook left to deliver: what happened before has its build, or never will."""
        deadline = time.monotonic() + seconds
        database = self._site.folder / "gitea" / "work" / "gitea.db"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            while opened.execute("SELECT count(*) FROM hook_task WHERE NOT is_delivered").fetchone()[0]:
                if time.monotonic() > deadline:
                    raise TimeoutError("Gitea has not delivered its webhooks")
                time.sleep(0.05)

    def deliver(self, hook: Hook, *, port: int | None = None) -> tuple[int, Tree]:
        """Deliver a webhook of Gitea's once more, to Drone or to another one. Gives its answer: a build, or why not."""
        path = f"/hook?{urlsplit(str(hook.request['url'])).query}"
        body = str(hook.request["body"]).encode()
        return call(port or self._site.drone_port, "POST", path, body, hook.request["headers"])

    def send(self, secret: str, event: str, body: Tree, *, port: int | None = None) -> int:
        """Send Drone, or another one, a webhook as if from Gitea. Gives the status of its answer."""
        headers = {"X-Gitea-Event": event, "Content-Type": "application/json"}
        path = f"/hook?secret={secret}"
        return call(port or self._site.drone_port, "POST", path, json.dumps(body).encode(), headers)[0]

    def push(self, repository: str, *, port: int | None = None, secret: str | None = None) -> str:
        """Tell Drone, or another one, of a push to the main branch, as Gitea would. Gives its commit, which is none.

        secret: of the repository's webhook, for whoever has asked for it before.
        """
        commit = a_commit()
        secret = secret or self.secret_of(repository)
        status = self.send(secret, "push", pushed(repository, commit), port=port)
        if status != 200:
            raise RuntimeError(f"Drone answered {status} to a push to {repository}")
        return commit

    def secret_of(self, repository: str) -> str:
        """What Gitea's webhooks to Drone carry: for its operator to see, and for no player."""
        hooks = self._site.as_operator().all(f"/repos/game/{repository}/hooks")
        return str(hooks[0]["config"]["url"]).partition("secret=")[2]

    def _hooks(self, what: str = "") -> list[Hook]:
        """Gitea's own record of its webhooks."""
        database = self._site.folder / "gitea" / "work" / "gitea.db"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            query = "SELECT id, event_type, request_content, response_content FROM hook_task"
            rows = opened.execute(f"{query} WHERE instr(payload_content, ?) ORDER BY id", (what or "{",)).fetchall()
        return [
            Hook(
                number=int(number),
                event=str(event),
                request=json.loads(request or "{}"),
                status=int(json.loads(response or "{}").get("status") or 0),
            )
            for number, event, request, response in rows
        ]


def a_commit() -> str:
    """The name of a commit that nobody has made."""
    return secrets.token_hex(20)


def pushed(repository: str, commit: str) -> Tree:
    """What Gitea says of a push to a repository's main branch."""
    account = {"login": "ada", "username": "ada", "email": "ada@players.invalid", "full_name": ""}
    about = {"id": commit, "message": "pushed", "author": {"name": "ada", "email": "", "username": "ada"}}
    return {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": commit,
        "commits": [about],
        "head_commit": about,
        "repository": {
            "name": repository,
            "owner": {"login": "game", "username": "game"},
            "full_name": f"game/{repository}",
            "default_branch": "main",
        },
        "pusher": account,
        "sender": account,
    }


def call(port: int, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, Tree]:
    """The status of an answer of a program on this machine, and its JSON where that is an object."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answered = connection.getresponse()
        text = answered.read()
    finally:
        connection.close()
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    return answered.status, cast("Tree", said) if isinstance(said, dict) else {}


def status_of(port: int, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> int:
    """The status of an answer of a program on this machine."""
    return call(port, method, path, body, headers)[0]
