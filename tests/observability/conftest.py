"""The real servers that dashboards and alerts are held against, built once and run once."""

from __future__ import annotations

import copy
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.settings import Logs
from observability.loki import TENANTS, loki_values
from rehearsal.toolchain.catalogue import LOKI, PROMETHEUS
from tests.observability import made, servers
from tests.observability.servers import Server
from tests.tools import built


@pytest.fixture(scope="session")
def prometheus_programs() -> Path:
    return built(PROMETHEUS).parent


@pytest.fixture(scope="session")
def loki_program() -> Path:
    return built(LOKI)


@pytest.fixture(scope="session")
def now() -> float:
    return made.now()


@pytest.fixture(scope="session")
def prometheus(prometheus_programs: Path, now: float, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """Prometheus with some hours of every metric that there is."""
    with servers.prometheus(prometheus_programs, tmp_path_factory.mktemp("prometheus"), made.samples(now)) as server:
        yield server


@pytest.fixture(scope="session")
def loki(loki_program: Path, now: float, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """Loki, limited as the program limits it, with lines of both tenants."""
    folder = tmp_path_factory.mktemp("loki")
    with servers.loki(loki_program, folder, loki_configuration(folder), "|".join(TENANTS)) as server:
        for tenant, lines in made.streams(now).items():
            server.post("/loki/api/v1/push", lines, **{"X-Scope-OrgID": tenant})
        yield server


def loki_configuration(folder: Path) -> dict[str, Any]:
    """What the chart would make of the program's values, on folders of the test's own."""

    values = loki_values(Logs(), 100, "loki-users")["loki"]
    limits, runtime = folder / "limits.yaml", copy.deepcopy(values["runtimeConfig"])
    limits.write_text(yaml.safe_dump(runtime))
    return {
        "auth_enabled": values["auth_enabled"],
        "common": {
            **values["commonConfig"],
            "path_prefix": str(folder / "data"),
            "ring": {"kvstore": {"store": "inmemory"}, "instance_addr": "127.0.0.1"},
            "storage": {
                "filesystem": {
                    "chunks_directory": str(folder / "data" / "chunks"),
                    "rules_directory": str(folder / "data" / "rules"),
                }
            },
        },
        "schema_config": values["schemaConfig"],
        "limits_config": values["limits_config"],
        "runtime_config": {"file": str(limits)},
        "compactor": values["compactor"],
        # By default it lets others find it for 15 seconds; here are none.
        "ingester": {**values["ingester"], "lifecycler": {"min_ready_duration": "0s"}},
        "querier": values["querier"],
        # Else the queriers look for it at an address of the machine's network.
        "frontend": {"address": "127.0.0.1"},
        "analytics": {"reporting_enabled": False},
    }
