"""What is noted of a node, and what is then removed and found, on a Docker that only knows names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rehearsal.instances.docker import DockerError
from rehearsal.nodes import NodeContainer, NodePrograms, NodeSpec, container, leftovers
from rehearsal.nodes.leftovers import Footprint, node_leftovers, remove_node_volumes, write_footprint
from rehearsal.session import Session

ANOTHERS = "anothers"


@dataclass
class Docker:
    """Its volumes and networks, and one container."""

    volumes: set[str] = field(default_factory=lambda: {"data", ANOTHERS})
    networks: set[str] = field(default_factory=lambda: {"network-id", ANOTHERS})
    answers: bool = True

    async def call(self, *arguments: str) -> str:
        match arguments:
            case ("volume", "rm", *names):
                self.volumes -= set(names)
            case ("container", "inspect", _):
                mounts = [{"Type": "volume", "Name": "data"}, {"Type": "bind"}]
                config = {"Hostname": "node-1"}
                return json.dumps([{"Id": "container-id", "Mounts": mounts, "Config": config, "State": {"Pid": 0}}])
            case ("network", "inspect", _):
                return json.dumps([{"Id": "network-id"}])
            case ("container", "logs", *_):
                return "said by the node"
            case _:
                assert arguments[:2] == ("container", "start"), arguments
        return ""

    async def lines(self, *arguments: str) -> list[str]:
        if not self.answers:
            raise DockerError("nobody answers")
        known = {"volume": self.volumes, "network": self.networks, "container": {"container-id"}}
        return sorted(known[arguments[0]])

    async def is_up(self) -> bool:
        return self.answers


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    built = Docker()
    for module in (container, leftovers):
        monkeypatch.setattr(module, "docker", built.call)
        monkeypatch.setattr(module, "lines", built.lines)
    monkeypatch.setattr(leftovers, "answers", built.is_up)
    return built


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(name="mine", home=tmp_path, slot=10)


async def test_volumes_go_also_when_somebody_removed_the_container_by_hand(session: Session, docker: Docker) -> None:
    write_footprint(session, Footprint("container-id", "network-id", ("data",)))
    assert await node_leftovers(session) == ["volume data", "network network-id"]
    await remove_node_volumes(session)
    await remove_node_volumes(session)
    assert docker.volumes == {ANOTHERS}
    docker.networks.remove("network-id")
    assert await node_leftovers(session) == []


@pytest.mark.parametrize("answers", [True, False])
async def test_a_rehearsal_that_had_no_node_asks_nothing_of_docker(
    session: Session, docker: Docker, *, answers: bool
) -> None:
    docker.answers = answers
    await remove_node_volumes(session)
    assert await node_leftovers(session) == []
    assert docker.volumes == {"data", ANOTHERS}


async def test_a_node_that_a_crash_kept_from_being_noted_is_noted_at_its_next_start(
    session: Session, docker: Docker, tmp_path: Path
) -> None:
    node = NodeContainer(session, "blue-id", NodePrograms(tmp_path, tmp_path))
    # It ends at once, for nothing runs here.
    with pytest.raises(Exception, match="said by the node"):
        await node.start(NodeSpec("blue-id", "node-1", "100.65.255.0/24", tmp_path))
    assert "volume data" in await node_leftovers(session)
