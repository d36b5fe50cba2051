"""What dashboards and alerts are held against: the real Prometheus, and a stand-in for Loki."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from rehearsal.toolchain.catalogue import PROMETHEUS
from tests.observability import made, servers
from tests.observability.logs_stand_in import LogsStandIn
from tests.observability.servers import Server
from tests.support.tools import built


@pytest.fixture(scope="session")
def prometheus_programs() -> Path:
    return built(PROMETHEUS).parent


@pytest.fixture(scope="session")
def now() -> float:
    return made.now()


@pytest.fixture(scope="session")
def prometheus(prometheus_programs: Path, now: float, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """Prometheus with some hours of every metric that there is."""
    with servers.prometheus(prometheus_programs, tmp_path_factory.mktemp("prometheus"), made.samples(now)) as server:
        yield server


@pytest.fixture(scope="session")
def logs(now: float) -> LogsStandIn:
    """What stands in for Loki, with lines of both tenants."""
    return LogsStandIn(now)
