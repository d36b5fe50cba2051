"""What a command is about to install, before it installs anything: `python3 -m rehearsal.plan`.

Runs on a bare Python, for no package is there yet. It looks at this machine only: what can be downloaded is known
once the publishers are asked.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rehearsal.toolchain import building
from rehearsal.toolchain.catalogue import CONTROL_PLANE, ENGINE, FOR_TESTS, HELM, NODE, PEBBLE, PLUGINS, Source
from rehearsal.toolchain.pod_programs import PODS

PACKAGES_MINUTES = 1.0
MACHINE_MINUTES = 2.0
BUILD_MINUTES = {
    "engine": 3,
    "kubernetes": 6,
    "scaleway": 2,
    "control_plane": 6.5,
    "pebble": 0.5,
    "helm": 1.5,
    "drone": 1.5,
    "gitea": 3,
    "prometheus": 3,
    "netpol": 1,
    "containerd": 1,
    "coredns": 1.5,
    "pause": 0.1,
    "stand_in": 0.1,
    "kubectl": 0.2,
    "alertmanager": 1,
    "kube-state-metrics": 1,
    "logging_operator": 1.5,
    "cert-manager": 2.5,
}
"""Minutes that each build takes on two idle cores, its source's download included; measured, by its folder's name."""
_HOW = "downloaded, or built with Go" if shutil.which("go") else "downloaded; there is no Go to build it"
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Missing:
    """Something that this machine lacks."""

    what: str
    how: str
    minutes: float


def missing(*, tests: bool) -> list[Missing]:
    """What a rehearsal needs and is not there; `tests`: what the tests need besides."""
    found: list[Missing] = []
    requirements = "requirements-dev.txt" if tests else "rehearsal/requirements.txt"
    if not (_ROOT / ".venv" / (".tests" if tests else ".rehearsal")).exists():
        found.append(Missing("Python packages", f"from {requirements} into .venv", PACKAGES_MINUTES))
    if shutil.which("dockerd") is None:
        found.append(Missing("Docker, and Debian for Instances", "Debian's packages", MACHINE_MINUTES))
    sources = [ENGINE, *(plugin.source for plugin in PLUGINS if plugin.source), CONTROL_PLANE, PEBBLE, HELM]
    # As `make rehearse NODES=real` says it.
    for_nodes = (*NODE, *PODS) if os.environ.get("NODES") == "real" else ()
    found += _to_build([*sources, *(FOR_TESTS if tests else for_nodes)])
    return found


def _to_build(sources: Iterable[Source]) -> list[Missing]:
    return [
        Missing(f"{each.name} {each.version}", _HOW, BUILD_MINUTES[each.called or each.module])
        for each in sources
        if not building.built(each)
    ]


def told(lacking: list[Missing]) -> str:
    """The plan as the operator reads it; empty where nothing is missing."""
    if not lacking:
        return ""
    lines = [f"This machine lacks {len(lacking)} things, which come first:"]
    lines += [f"  {each.what:<34} {each.how:<40} about {each.minutes:g} min" for each in lacking]
    minutes = sum(each.minutes for each in lacking)
    lines.append(
        f"At most about {minutes:.0f} minutes on two cores, once: what is built is kept in ~/.cache/shambhala."
    )
    return "\n".join(lines)


def main() -> None:
    """Print the plan."""
    parser = argparse.ArgumentParser(prog="python3 -m rehearsal.plan", description=__doc__)
    parser.add_argument("--tests", action="store_true", help="what the tests need, too")
    plan = told(missing(tests=parser.parse_args().tests))
    if plan:
        print(plan, flush=True)


if __name__ == "__main__":
    main()
