"""What is left of an environment is found in every product, and nothing of anybody else's is taken for it."""

from __future__ import annotations

import asyncio
import copy
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from cli.__main__ import run
from cli.leftovers import leftovers_command
from cli.leftovers.inventory import KINDS
from cli.leftovers.survey import Leftover, Survey, UnprovenError, survey
from cli.stack import Stack
from common import keys
from common.naming import tags
from common.settings import Secret, Settings, parse
from tests.localcloud.scaleway.cloud import BLOCK, GATEWAY, INSTANCE, VPC, Cloud
from tests.localcloud.scaleway.leftover_kinds import (
    KEYS,
    LOST,
    ONE_OF_EACH,
    SUBDOMAINS,
    application,
    balancer,
    cluster,
    record,
    volume,
    vpc,
)
from tests.unit.test_program import SETTINGS


def settings_in(cloud: Cloud, environment: str = "dev") -> dict[str, Any]:
    """The settings of an environment at the stand-in, as a stack's file has them."""
    values: dict[str, Any] = copy.deepcopy(dict(SETTINGS))
    values |= {"environment": environment, "subdomain": SUBDOMAINS[environment]}
    values["scaleway"] |= {
        "projectId": cloud.credentials.project_id,
        "organizationId": cloud.credentials.organization_id,
        "accessKey": cloud.credentials.access_key,
        "secretKey": cloud.credentials.secret_key,
        "apiUrl": cloud.api.url,
    }
    return values


def settings(cloud: Cloud, environment: str = "dev") -> Settings:
    return parse(settings_in(cloud, environment), environment)


async def look(cloud: Cloud, environment: str = "dev", clusters: tuple[str, ...] = ()) -> Survey:
    return await asyncio.to_thread(survey, settings(cloud, environment), clusters)


def ids(left: Sequence[Leftover]) -> set[str]:
    return {each.id.rpartition("/")[2] for each in left}


@pytest.mark.parametrize("what", ONE_OF_EACH, ids=" ".join)
async def test_one_thing_that_is_left_is_named(cloud: Cloud, what: tuple[str, str]) -> None:
    assert (await look(cloud)).ours == []
    identity = await ONE_OF_EACH[what](cloud)
    found = (await look(cloud)).ours
    [mine] = [each for each in found if each.id.endswith(identity)]
    assert (mine.product, mine.kind) == what
    assert mine.why


def test_every_kind_has_such_a_test() -> None:
    assert {(kind.product, kind.name) for kind in KINDS} == set(ONE_OF_EACH)


async def environment(cloud: Cloud, name: str) -> set[str]:
    """Something of an environment in each product, and what its cluster makes by itself."""
    marks = tags(name, "blue")
    board = await cluster(cloud, f"shambhala-{name}-blue", marks)
    return {
        board,
        await balancer(cloud, board),
        await vpc(cloud, tags=marks),
        await volume(cloud, tags=marks),
        await record(cloud, f"ns1-{SUBDOMAINS[name]}"),
        await cloud.made(f"{GATEWAY}/ips", {"tags": marks}),
        await cloud.made(f"{INSTANCE}/security_groups", {"name": f"kubernetes {board}"}),
        await cloud.made(KEYS, {"name": f"shambhala-{name}-operators", "public_key": keys.key_pair().public}),
    }


async def test_two_environments_in_one_project_are_told_apart(cloud: Cloud) -> None:
    mine, theirs = await environment(cloud, "dev"), await environment(cloud, "production")
    for name, own, foreign in (("dev", mine, theirs), ("production", theirs, mine)):
        found = await look(cloud, name)
        # Beside these there are their networks and addresses.
        assert own <= ids(found.ours)
        assert not ids(found.ours) & foreign
        assert not ids(found.unknown) & (own | foreign)


async def test_the_same_environment_of_another_project_is_somebody_else_s(cloud: Cloud) -> None:
    marks = tags("dev", "registry")
    mine = await application(cloud, tags=[*marks, f"project={cloud.credentials.project_id}"])
    theirs = await application(cloud, tags=[*marks, f"project={uuid.uuid4()}"])
    found = ids((await look(cloud)).ours)
    assert mine in found
    assert theirs not in found


async def test_what_bears_no_mark_is_named_apart_and_nothing_is_left(cloud: Cloud) -> None:
    strangers = {await volume(cloud, "somebody's", []), await cluster(cloud, "somebody's", [])}
    stranger_s = await balancer(cloud, await cluster(cloud, "another's", []))
    claim = await volume(cloud, f"pvc-{LOST}", [])
    await record(cloud, "www")
    await vpc(cloud, tags=["somebody's"])
    found = await look(cloud)
    assert found.ours == []
    assert ids(found.unknown) >= {*strangers, stranger_s, claim}


async def test_what_a_cluster_left_behind_is_found_after_the_cluster_is_gone(cloud: Cloud) -> None:
    claim = await volume(cloud, f"pvc-{LOST}", [])
    copy_of_it = await cloud.made(f"{BLOCK}/snapshots", {"name": "snapshot", "volume_id": claim})
    left = (await look(cloud)).ours
    assert ids(left) == {claim, copy_of_it}
    assert "nobody else has a cluster" in left[0].why


async def test_what_a_lost_cluster_made_is_the_environments_where_a_state_tells_the_cluster(cloud: Cloud) -> None:
    group = await cloud.made(f"{INSTANCE}/security_groups", {"name": f"kubernetes {LOST}"})
    assert (await look(cloud)).ours == []
    assert ids((await look(cloud, clusters=(LOST,))).ours) == {group}


async def test_a_removed_environment_has_nothing_left(cloud: Cloud) -> None:
    identity = await vpc(cloud)
    await cloud.ask("DELETE", f"{VPC}/vpcs/{identity}")
    # Scaleway's own are there for ever.
    await cloud.server(name="somebody's")
    assert (await look(cloud)).ours == []


async def test_an_answer_that_fails_proves_nothing(cloud: Cloud) -> None:
    await cloud.ask("POST", "/rehearsal/faults", {"answer": 503, "seconds": 60, "path": "/vpc/"})
    with pytest.raises(UnprovenError, match=r"nothing is proven: VPC.*unavailable.*; try again"):
        await look(cloud)


async def test_a_wrong_key_is_named_once(cloud: Cloud) -> None:
    own = settings(cloud)
    wrong = own.model_copy(
        update={"scaleway": own.scaleway.model_copy(update={"secret_key": Secret(str(uuid.uuid4()))})}
    )
    with pytest.raises(UnprovenError) as caught:
        await asyncio.to_thread(survey, wrong)
    assert str(caught.value).count("refuses the API key") == 1


async def test_an_api_out_of_reach_is_named_once(cloud: Cloud) -> None:
    own = settings(cloud)
    nowhere = own.model_copy(update={"scaleway": own.scaleway.model_copy(update={"api_url": "http://127.0.0.1:1"})})
    with pytest.raises(UnprovenError) as caught:
        await asyncio.to_thread(survey, nowhere)
    assert str(caught.value).count("http://127.0.0.1:1 does not answer") == 1


async def test_the_command_names_it_with_its_status(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read(_stack: Stack) -> Settings:
        return settings(cloud)

    monkeypatch.setattr(leftovers_command, "settings_of", read)
    monkeypatch.setenv("COLUMNS", "200")
    assert await asyncio.to_thread(run, ["leftovers", "dev"]) == 0
    assert capsys.readouterr().out == "Nothing of the environment dev is left at Scaleway.\n"
    identity = await vpc(cloud)
    assert await asyncio.to_thread(run, ["leftovers", "dev"]) == 1
    printed = capsys.readouterr().out
    assert identity in printed
    assert "has the tag environment=dev" in printed
