"""Checks that run beside each other, each with a time limit."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from http import HTTPStatus
from typing import Final

import requests
from scaleway import ScalewayException

from cli.deadline import Running
from cli.doctor.lines import Check, Environment, Line, failure, warning

SECONDS: Final = 10
"""Time limit of all checks together, for they begin at once."""


def run(checks: Mapping[str, Check], environment: Environment) -> Generator[Line]:
    """The lines of every check, in the order given. What one cannot find out is a line too."""
    running = {what: Running(lambda check=check: list(check(environment))) for what, check in checks.items()}
    until = time.monotonic() + SECONDS
    for what, each in running.items():
        yield from _lines(what, each, until - time.monotonic(), environment.settings.scaleway.api_url)


def _lines(what: str, running: Running[list[Line]], seconds: float, api: str) -> Sequence[Line]:
    try:
        return running.result(seconds)
    except TimeoutError:
        return [failure(what, f"no answer within {SECONDS} seconds", f"curl --head {api}")]
    except ScalewayException as error:
        return [refused(what, error)]
    except requests.RequestException as error:
        return [failure(what, f"{api} cannot be asked: {reason(error)}", f"curl --head {api}")]


def refused(what: str, error: ScalewayException) -> Line:
    """Why Scaleway did not answer a question."""
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return warning(what, "not looked at, for the API key is refused")
    if error.status_code == HTTPStatus.FORBIDDEN:
        return warning(what, "cannot be looked at: the API key lacks the permission set to read it")
    return failure(what, f"Scaleway answers {error.status_code}: {error}", "try again; https://status.scaleway.com")


def reason(error: BaseException) -> str:
    """The innermost reason of an error, in one line."""
    inner = error
    while True:
        following = (
            inner.__cause__
            or inner.__context__
            or next((each for each in inner.args if isinstance(each, BaseException)), None)
        )
        if following is None:
            break
        inner = following
    return " ".join(str(inner).split()) or type(inner).__name__
