"""The program's end: every output is waited for, what one raises is raised, and many cost no more than each of them."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pulumi
import pytest
from pulumi import log
from pulumi.runtime import stack

from common import evaluation
from tests.support import monitor

MANY = 300


def _slowly(given: int) -> pulumi.Output[int]:
    """An output that becomes known a while later, after those that were asked for before."""

    async def value() -> int:
        await asyncio.sleep(given / 1000)
        return given

    return pulumi.Output.from_input(value())


def test_an_output_of_an_output_is_waited_for() -> None:
    known: list[int] = []

    def program() -> None:
        _slowly(5).apply(lambda first: _slowly(first + 100).apply(known.append))

    monitor.run(program, preview=False)
    assert known == [105]


def test_what_an_output_raises_ends_the_program_though_another_is_not_known_yet() -> None:
    known: list[int] = []

    def raises(_: int) -> None:
        raise KeyError("missing")

    def program() -> None:
        _slowly(2000).apply(known.append)
        _slowly(1).apply(raises)

    with pytest.raises(KeyError, match="missing"):
        monitor.run(program, preview=False)
    assert not known


def test_outputs_that_become_known_one_after_another_are_not_waited_for_anew_each_time() -> None:
    def program() -> None:
        for number in range(MANY):
            _slowly(number).apply(lambda value: value)

    with patch.object(asyncio, "wait", wraps=asyncio.wait) as waits:
        monitor.run(program, preview=False)
    assert 0 < waits.call_count < MANY / 3


@pytest.mark.parametrize("wanted", [False, True])
def test_the_sdks_debugging_lines_are_sent_only_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(log, "debug", sent.append)
    monkeypatch.setattr(stack, "wait_for_rpcs", stack.wait_for_rpcs)
    if wanted:
        monkeypatch.setenv(evaluation.DEBUG, "1")
    evaluation.speed_up()
    log.debug("a line of the SDK")
    assert sent == ["a line of the SDK"] * wanted
