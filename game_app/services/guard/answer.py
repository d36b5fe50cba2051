"""Answers of the guard: a function of the request and of the files that were loaded, and of nothing else.

Drone takes a 204, an empty body or an empty `data` for "ask the repository", which is what a player can write. So
where it asks there is one way to a 2xx, at the end of every check, and every other way ends in an error: the build then
does not start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from ..pipeline_catalogue import EVENTS, PULL_REQUEST, Catalogue, signed
from .build_results import Line, lines
from .signature import SIGNED, SIGNED_BY_WEBHOOKS, Headers, UnsignedError, verify

CONFIGURE: Final = "/config"
VALIDATE: Final = "/validate"
ENDED: Final = "/ended"
"""Where Drone tells what became of a build. It is no question: whatever the answer, nothing comes of it."""
_PULL: Final = re.compile(r"refs/pull/[1-9][0-9]{0,8}/head", re.ASCII)
_WEBHOOK: Final = "@hook"
"""Drone's trigger of a build that a webhook began; one that a person, a schedule or the API began has another."""


@dataclass(frozen=True)
class Guard:
    """Files of the guard, as answers are made from them."""

    catalogue: Catalogue
    signatures: Mapping[tuple[str, str], str]
    """(owner/name, event) to Drone's own signature of that pipeline."""
    config_secret: bytes = field(repr=False)
    validate_secret: bytes = field(repr=False)
    ended_secret: bytes | None = field(default=None, repr=False)
    """None where nobody tells what became of builds."""


@dataclass(frozen=True)
class Answer:
    """Answer that goes back to Drone."""

    status: int
    body: bytes
    reason: str
    """Why, for the guard's own log."""
    notes: Sequence[Line] = ()
    """Further lines of the log."""


class RefusedError(Exception):
    """The request gets an error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def answer(guard: Guard, path: str, headers: Headers, body: bytes, now: datetime) -> Answer:
    """The answer to a POST. Whatever goes wrong on the way, it is an error's: never 2xx, 3xx, 498 or 499."""
    try:
        return _answer(guard, path, headers, body, now)
    except RefusedError as refused:
        return Answer(refused.status, f"{refused}\n".encode(), str(refused))
    except Exception as error:
        return Answer(500, b"the guard failed\n", f"the guard failed: {type(error).__name__}")


def _answer(guard: Guard, path: str, headers: Headers, body: bytes, now: datetime) -> Answer:
    secrets = {CONFIGURE: guard.config_secret, VALIDATE: guard.validate_secret}
    if path == ENDED and guard.ended_secret is not None:
        return _noted(guard, guard.ended_secret, headers, body, now)
    if path not in secrets:
        raise RefusedError(404, "there is nothing here")
    request = _proven(headers, body, secrets[path], now, SIGNED)
    pipeline = _pipeline(guard, _part(request, "repo"), _part(request, "build"))
    if path == CONFIGURE:
        return Answer(200, json.dumps({"data": pipeline}).encode(), "served")
    check_pipeline(_part(request, "config"), pipeline)
    return Answer(204, b"", "the pipeline is the guard's")


def _noted(guard: Guard, secret: bytes, headers: Headers, body: bytes, now: datetime) -> Answer:
    """The answer to Drone's word of a build, whose end the log is told of."""
    request = _proven(headers, body, secret, now, SIGNED_BY_WEBHOOKS)
    repository = str(_part(request, "repo").get("slug"))
    if repository not in {slug for slug, _ in guard.catalogue.pipelines}:
        raise RefusedError(403, "the repository is not one of the game's")
    return Answer(204, b"", "noted", lines(repository, _part(request, "build")))


def _proven(headers: Headers, body: bytes, secret: bytes, now: datetime, signed: Sequence[str]) -> Mapping[str, Any]:
    """The request, if it is Drone's."""
    try:
        verify(headers, body, secret, now, signed)
    except UnsignedError as error:
        raise RefusedError(401, str(error)) from error
    return _object(body)


def _pipeline(guard: Guard, repo: Mapping[str, Any], build: Mapping[str, Any]) -> str:
    """The one pipeline that a build may run. Raises RefusedError when there is none."""
    check_trigger(build)
    check_event(build)
    check_branch(build, guard.catalogue.branch)
    key = (str(repo.get("slug")), str(build.get("event")))
    check_repository(guard.catalogue, key)
    if key not in guard.signatures:
        raise RefusedError(503, "the pipeline is not signed yet")
    return signed(guard.catalogue.pipelines[key], guard.signatures[key])


def check_trigger(build: Mapping[str, Any]) -> None:
    """A webhook began the build: no restart, no schedule, no call of Drone's API, all of which can carry more."""
    if build.get("trigger") != _WEBHOOK:
        raise RefusedError(403, "only what a webhook began is built")


def check_event(build: Mapping[str, Any]) -> None:
    """The build is of a pull request or of a push; tags, promotions and the like have no pipeline."""
    if build.get("event") not in EVENTS:
        raise RefusedError(403, "only a pull request or a push is built")


def check_branch(build: Mapping[str, Any], branch: str) -> None:
    """The build aims at the one branch that is protected."""
    ref, target = build.get("ref"), build.get("target")
    expected = _PULL if build.get("event") == PULL_REQUEST else re.compile(re.escape(f"refs/heads/{branch}"))
    if target != branch or not isinstance(ref, str) or not expected.fullmatch(ref):
        raise RefusedError(403, f"only what aims at the branch {branch} is built")


def check_repository(catalogue: Catalogue, key: tuple[str, str]) -> None:
    """The repository is in the catalogue, letter for letter."""
    if key not in catalogue.pipelines:
        raise RefusedError(403, "the repository is not one of the game's")


def check_pipeline(config: Mapping[str, Any], pipeline: str) -> None:
    """The pipeline that Drone is about to run is the guard's own, byte for byte."""
    if config.get("data") != pipeline:
        raise RefusedError(400, "the pipeline is not the guard's")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "the request is no JSON") from error
    if not isinstance(value, dict):
        raise RefusedError(400, "the request is no object")
    return cast("dict[str, Any]", value)


def _part(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = request.get(name)
    if not isinstance(part, dict):
        raise RefusedError(400, f"the request has no {name}")
    return cast("dict[str, Any]", part)
