"""The stand-in answers what Scaleway answered when the provider's makers recorded it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from rehearsal.scaleway import vpc
from tests.localcloud.contract import cassettes, coverage, measuring
from tests.localcloud.contract.cassettes import RESOURCES, CassettesMissingError
from tests.localcloud.contract.coverage import row, total
from tests.localcloud.contract.differences import FOREIGN
from tests.localcloud.contract.replay import Result

README = Path(__file__).parents[3] / "README.md"


@pytest.mark.parametrize("resource", RESOURCES)
async def test_the_stand_in_answers_as_scaleway_did(resource: str) -> None:
    measured = await row(resource)
    wrong = [outcome.why for outcome in measured.outcomes if outcome.result is Result.WRONG]
    assert not wrong, "\n".join(wrong[:20])
    assert measured.covered > 0


async def test_the_readme_says_how_much_is_covered() -> None:
    everything = total([await row(resource) for resource in RESOURCES])
    said = re.findall(r"(\d+) of (\d+) recorded interactions", README.read_text())
    assert said == [(str(everything.covered), str(everything.recorded))], "write the measured numbers into README.md"


def test_no_recording_counts_for_two_resources() -> None:
    every = cassettes.every_name()
    assert len(every) == len(set(every))
    assert set(FOREIGN) <= set(every)


async def test_an_answer_without_a_field_that_scaleway_gives_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await _results("vpc/vpc-private-network-basic")) == {Result.SAME}

    def without_dhcp(record: dict[str, object]) -> dict[str, object]:
        return {key: value for key, value in record.items() if key != "dhcp_enabled" and not key.startswith("_")}

    monkeypatch.setattr(vpc, "public", without_dhcp)
    assert Result.WRONG in await _results("vpc/vpc-private-network-basic")


async def test_an_answer_that_does_not_repeat_what_was_sent_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(record: dict[str, object]) -> dict[str, object]:
        return {key: value for key, value in {**record, "name": "other"}.items() if not key.startswith("_")}

    monkeypatch.setattr(vpc, "public", renamed)
    assert Result.WRONG in await _results("vpc/vpc-private-network-basic")


async def test_an_answer_with_a_wrong_status_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        raise vpc.still_in_use("never")

    monkeypatch.setattr(vpc.Vpc, "remove", never)
    assert Result.WRONG in await _results("vpc/vpc-private-network-basic")


def test_the_command_says_how_much_is_covered_and_why_the_rest_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", os.environ["XDG_STATE_HOME"])
    monkeypatch.setattr(sys, "argv", ["coverage", "--reasons"])
    assert coverage.main() == 0
    printed = capsys.readouterr().out
    assert re.search(r"^\d+ of \d+ recorded interactions$", printed, re.MULTILINE)
    assert "not covered: The Scaleway API stand-in does not have placement groups.\n" in printed


def test_without_go_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CassettesMissingError, match=r"install Go"):
        cassettes.locate()


def test_a_failed_download_says_where_to_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path))
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(CassettesMissingError, match=r"go mod download .*by hand"):
        cassettes.locate()


def test_the_recordings_are_those_of_the_provider_that_is_built() -> None:
    required = (cassettes.MODULE_FOLDER / "go.mod").read_text()
    version = re.search(rf"{re.escape(cassettes.MODULE)} (\S+)", required)
    assert version
    assert cassettes.folder().name == f"v2@{version[1]}"


async def _results(cassette: str) -> set[Result]:
    return {outcome.result for outcome in await measuring.replayed(cassette)}
