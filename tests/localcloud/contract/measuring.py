"""Replays cassettes, each on a stand-in of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache

import aiohttp

from rehearsal.scaleway import Catalogue, Credentials, ScalewayApi
from rehearsal.session import claim, release
from tests.localcloud.contract.backends import NoClusters, NoMachines
from tests.localcloud.contract.cassettes import Interaction, every_name, interactions
from tests.localcloud.contract.replay import Outcome, Replay
from tests.localcloud.contract.shapes import Shapes

IMAGES = {
    "ubuntu_focal": "Ubuntu 20.04 Focal Fossa",
    "ubuntu_jammy": "Ubuntu 22.04 Jammy Jellyfish",
    "ubuntu_noble": "Ubuntu 24.04 Noble Numbat",
    "ubuntu_jammy_gpu_os_12": "Ubuntu Jammy GPU OS 12 passthrough",
    "windows_server_2022": "Windows Server 2022",
}
"""What the recordings boot."""
_measured: dict[str, Sequence[Outcome]] = {}


async def measured(cassette: str) -> Sequence[Outcome]:
    """What became of each interaction of a cassette (service/name); replayed once in a process."""
    if cassette not in _measured:
        _measured[cassette] = await replayed(cassette)
    return _measured[cassette]


async def replayed(cassette: str) -> Sequence[Outcome]:
    """Replay a cassette on a new stand-in."""
    recorded = interactions(cassette)
    made = Credentials.generate()
    # In the recordings, the project is the organization's default one, which has the organization's id.
    credentials = Credentials(made.access_key, made.secret_key, made.project_id, made.project_id)
    catalogue = Catalogue(kubernetes=tuple(_versions(recorded)) or Catalogue().kubernetes, images=IMAGES)
    session = claim(f"contract-{os.getpid()}")
    try:
        api = ScalewayApi(session, NoMachines(), NoClusters(), credentials, catalogue=catalogue)
        await api.start()
        try:
            async with aiohttp.ClientSession() as client:
                replay = Replay(cassette, client, api.url, credentials, _shapes())
                return [await replay.send(interaction) for interaction in recorded]
        finally:
            await api.stop()
    finally:
        release(session)


@cache
def _shapes() -> Shapes:
    return Shapes(interaction for name in every_name() for interaction in interactions(name))


def _versions(recorded: Sequence[Interaction]) -> list[str]:
    """The Kubernetes versions that were on offer when a cassette was recorded."""
    listed = [json.loads(one.answer) for one in recorded if one.path.endswith("/versions")]
    asked = [one.path.rpartition("/")[2] for one in recorded if "/versions/" in one.path]
    return list(dict.fromkeys([version["name"] for answer in listed for version in answer["versions"]] + asked))
