"""A guard with the pipelines that the program renders, and requests as Drone makes them."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.versions import Images
from game_app.guard.pipelines import pipeline_files
from game_app.services.guard.answer import Answer, Guard, answer
from game_app.services.pipeline_catalogue import load
from tests.services.signing import signed_headers

Tree = dict[str, Any]

NOW = datetime(2030, 5, 17, 12, 0, tzinfo=UTC)
CONFIG_SECRET, VALIDATE_SECRET = b"c" * 32, b"v" * 32
SECRETS = {"/config": CONFIG_SECRET, "/validate": VALIDATE_SECRET}
PUBLISHED = Images()
SLUGS = ("game/portal", "game/team-red")


def files(images: Images = PUBLISHED) -> Mapping[str, str]:
    return pipeline_files(
        organisation="game",
        components=["portal"],
        teams=["team-red"],
        source="http://gitea.scm.svc.cluster.local:3000",
        registry="registry.example/game",
        images=images,
    )


def write(folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    for name, text in {**files(), **(changes or {})}.items():
        (folder / name).write_text(text)
    return folder


def guard(folder: Path, changes: Mapping[str, str] | None = None) -> Guard:
    catalogue = load(write(folder, changes))
    signatures = {key: hashlib.sha256(repr(key).encode()).hexdigest() for key in catalogue.pipelines}
    return Guard(catalogue, signatures, CONFIG_SECRET, VALIDATE_SECRET)


_PULL_REQUEST: Tree = {
    "build": {
        "id": 0,
        "repo_id": 7,
        "trigger": "@hook",
        "number": 0,
        "status": "pending",
        "event": "pull_request",
        "action": "synchronized",
        "link": "https://git.example/game/team-red/pulls/3",
        "timestamp": 0,
        "title": "Make the lamp green",
        "message": "Make the lamp green\n",
        "before": "1" * 40,
        "after": "2" * 40,
        "ref": "refs/pull/3/head",
        "source_repo": "ada/team-red",
        "source": "lamp",
        "target": "main",
        "author_login": "ada",
        "author_name": "Ada",
        "author_email": "ada@example.org",
        "author_avatar": "",
        "sender": "ada",
    },
    "repo": {
        "id": 7,
        "uid": "7",
        "user_id": 1,
        "namespace": "game",
        "name": "team-red",
        "slug": "game/team-red",
        "git_http_url": "https://git.example/game/team-red.git",
        "default_branch": "main",
        "config_path": ".drone.yml",
        "trusted": False,
        "protected": True,
    },
}


def pull_request(slug: str = "game/team-red", **build: Any) -> Tree:
    """What Drone sends about a pull request, with other values in its build."""
    request = copy.deepcopy(_PULL_REQUEST)
    namespace, _, name = slug.partition("/")
    request["repo"].update(slug=slug, namespace=namespace, name=name)
    request["build"].update(build)
    return request


def push(slug: str = "game/team-red", **build: Any) -> Tree:
    merged = {"event": "push", "action": "", "ref": "refs/heads/main", "source": "main", "source_repo": "", **build}
    return pull_request(slug, **merged)


def ask(guard: Guard, request: Tree, path: str = "/config", at: datetime = NOW) -> Answer:
    """The guard's answer to a request that is signed as Drone signs it."""
    body = json.dumps(request).encode()
    return answer(guard, path, signed_headers(path, body, SECRETS[path], at), body, at)


def pipeline(guard: Guard, request: Tree) -> str:
    """The pipeline that the guard serves, which it must."""
    answered = ask(guard, request)
    assert answered.status == 200, answered
    return str(json.loads(answered.body)["data"])
