"""The stand-in answers what Scaleway answered when the provider's makers recorded it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import aiohttp
import pytest

from rehearsal.run import Run
from rehearsal.scaleway import Catalogue, Credentials, ScalewayApi
from tests.contract.backends import NoClusters, NoMachines
from tests.contract.cassettes import NAMES, Interaction, go_is_missing, interactions
from tests.contract.coverage import covered
from tests.contract.differences import KNOWN, Difference
from tests.contract.replay import Replay
from tests.contract.shapes import Shapes

pytestmark = pytest.mark.skipif(go_is_missing(), reason="Go is not installed, and it is Go that finds the recordings.")

UBUNTU = {"ubuntu_focal": "Ubuntu 20.04 Focal Fossa", "ubuntu_jammy": "Ubuntu 22.04 Jammy Jellyfish"}
"""What the recordings boot."""


@cache
def shapes() -> Shapes:
    return Shapes(interaction for name in NAMES for interaction in interactions(name))


async def replayed(name: str, run: Run) -> list[Difference]:
    recorded = interactions(name)
    made = Credentials.generate()
    # In the recordings, the project is the organization's default one, which has the organization's id.
    credentials = Credentials(made.access_key, made.secret_key, made.project_id, made.project_id)
    catalogue = Catalogue(kubernetes=tuple(_versions(recorded)) or Catalogue().kubernetes, images=UBUNTU)
    api = ScalewayApi(run, NoMachines(), NoClusters(), credentials, catalogue=catalogue)
    await api.start()
    try:
        async with aiohttp.ClientSession() as session:
            replay = Replay(name, session, api.url, credentials, shapes())
            for interaction in recorded:
                await replay.send(interaction)
    finally:
        await api.stop()
    return replay.differences


def _versions(recorded: Sequence[Interaction]) -> list[str]:
    """The Kubernetes versions that were on offer when a cassette was recorded."""
    answers = [json.loads(one.answer) for one in recorded if one.path.endswith("/versions")]
    return list(dict.fromkeys(version["name"] for answer in answers for version in answer["versions"]))


@pytest.mark.parametrize("name", NAMES)
async def test_the_stand_in_answers_as_scaleway_did(name: str, run: Run) -> None:
    differences = await replayed(name, run)
    unexplained = [str(one) for one in differences if not any(known.explains(one) for known in KNOWN)]
    assert not unexplained, "\n".join(unexplained[:20])


def test_every_resource_of_the_program_has_its_recordings_replayed() -> None:
    assert {row.service for row in covered()} == {"instance", "k8s", "domain", "iam", "vpc", "lb"}
    assert sum(row.interactions for row in covered()) > 3000


def test_the_recordings_are_where_the_provider_s_version_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.contract import cassettes

    cassettes.folder.cache_clear()
    monkeypatch.setattr(cassettes, "MODULE_FOLDER", tmp_path)
    monkeypatch.delenv(cassettes.OVERRIDE, raising=False)
    with pytest.raises(cassettes.CassettesMissing, match="SHAMBHALA_CASSETTES"):
        cassettes.folder()
