"""What holds for every request that anybody may think of, not only for those that somebody thought of."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from game_app.services.guard import answer as answers
from game_app.services.guard.answer import Answer, Guard, answer
from tests.services import guards
from tests.services.guards import NOW, SECRETS, ask, pull_request, push
from tests.services.signing import signed_headers

with tempfile.TemporaryDirectory() as _folder:
    GUARD = guards.guard(Path(_folder))
OURS = {guards.pipeline(GUARD, make(slug)) for make in (pull_request, push) for slug in guards.SLUGS}

TEXT = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
EVENT = st.sampled_from(["pull_request", "push", "tag", "cron", "promote"]) | JSON
REF = st.sampled_from(["refs/pull/3/head", "refs/heads/main", "refs/tags/v1", "refs/heads/x"]) | JSON
BUILD: dict[str, st.SearchStrategy[Any]] = {
    "event": EVENT,
    "trigger": st.sampled_from(["@hook", "@cron", "ada"]) | JSON,
    "ref": REF,
    "target": st.sampled_from(["main", "release"]) | JSON,
    "source": JSON,
    "title": JSON,
    "source_repo": JSON,
    "params": JSON,
}


def _request(slug: str, build: guards.Tree, more: guards.Tree) -> guards.Tree:
    return {**pull_request(slug, **build), **more}


REQUEST = st.builds(
    _request,
    st.sampled_from([*guards.SLUGS, "ada/team-red", "game/none"]) | TEXT,
    st.fixed_dictionaries({}, optional=BUILD),
    st.dictionaries(st.sampled_from(["build", "repo", "token", "x"]), JSON, max_size=1),
)


def falls_open(answered: Answer) -> bool:
    """Whether Drone would read the repository's own file: it got no error and no pipeline of ours."""
    if answered.status > 299:
        return False
    try:
        return answered.status != 200 or json.loads(answered.body)["data"] not in OURS
    except (ValueError, KeyError, TypeError):
        return True


@settings(max_examples=400, deadline=None)
@given(REQUEST)
def test_t05_no_request_makes_drone_ask_the_repository(request: guards.Tree) -> None:
    answered = ask(GUARD, request)
    assert not falls_open(answered)
    assert answered.status not in {498, 499}
    assert not 300 <= answered.status < 400


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_t05_no_body_makes_drone_ask_the_repository(body: bytes) -> None:
    for path in SECRETS:
        signed = signed_headers(path, body, SECRETS[path], NOW)
        assert answer(GUARD, path, signed, body, NOW).status >= 400


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["Date", "Digest", "Signature", "Accept", "X"]) | TEXT, TEXT), max_size=8))
def test_no_headers_but_signed_ones_get_an_answer(headers: list[tuple[str, str]]) -> None:
    body = json.dumps(pull_request()).encode()
    assert answer(GUARD, "/config", headers, body, NOW).status == 401


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_single_byte_of_a_signed_body_can_be_changed(place: int, difference: int) -> None:
    body = bytearray(json.dumps(pull_request()).encode())
    headers = signed_headers("/config", bytes(body), guards.CONFIG_SECRET, NOW)
    body[place % len(body)] ^= difference
    assert answer(GUARD, "/config", headers, bytes(body), NOW).status == 401


@settings(max_examples=200, deadline=None)
@given(st.timedeltas(-timedelta(days=400), timedelta(days=400)))
def test_only_requests_of_the_last_and_next_five_minutes_are_answered(age: timedelta) -> None:
    body = json.dumps(pull_request()).encode()
    made = (NOW - age).replace(microsecond=0)
    headers = signed_headers("/config", body, guards.CONFIG_SECRET, made)
    expected = 200 if abs(NOW - made) <= timedelta(minutes=5) else 401
    assert answer(GUARD, "/config", headers, body, NOW).status == expected


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(OURS)) | TEXT, st.sampled_from([pull_request(), push()]))
def test_t16_only_the_one_right_pipeline_is_valid(pipeline: str, request: guards.Tree) -> None:
    answered = ask(GUARD, {**request, "config": {"data": pipeline}}, "/validate")
    assert answered.status == (204 if pipeline == guards.pipeline(GUARD, request) else 400)


def no_pipeline(*_: object) -> str:
    return ""


def no_content(*_: object) -> Answer:
    return Answer(204, b"", "")


@pytest.mark.parametrize(("name", "instead"), [("signed", no_pipeline), ("_answer", no_content)])
def test_t05_the_property_notices_a_guard_that_falls_open(
    monkeypatch: pytest.MonkeyPatch, name: str, instead: object, fell: Callable[[str], None]
) -> None:
    monkeypatch.setattr(answers, name, instead)
    assert falls_open(ask(Guard(GUARD.catalogue, GUARD.signatures, *SECRETS.values()), pull_request()))
    fell("with a second way to a 2xx Drone would ask the repository")
