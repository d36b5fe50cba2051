"""How long the game master's roles take on a fresh host, which of them the others wait for, and by how many logins."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from rehearsal.progress import name_of
from rehearsal.report import Report

_STEP = "$command:remote:Command::"
_BOOTED = "gamemaster-first-boot"
_SLACK = 0.5
"""Seconds that the engine may let pass between the end of a step and the beginning of one that waited for it."""


@dataclass(frozen=True)
class Role:
    """One step on the host; times in seconds since the first boot was over."""

    name: str
    began: float
    ended: float


def roles(report: Report) -> list[Role]:
    """The game master's roles in the order of their beginnings, those of its first boot left out."""
    steps = {
        name_of(urn): (report.began[urn], report.began[urn] + took)
        for urn, took in report.resources.items()
        if _STEP in urn and name_of(urn).startswith("gamemaster-")
    }
    booted = steps.pop(_BOOTED)[1]
    found = [
        Role(name.removeprefix("gamemaster-"), began - booted, ended - booted) for name, (began, ended) in steps.items()
    ]
    return sorted(found, key=lambda role: role.began)


def critical_path(all_roles: Iterable[Role]) -> list[Role]:
    """The roles that the whole waited for: before each, the one whose end let it begin."""
    others = sorted(all_roles, key=lambda role: role.ended)
    path = [others.pop()]
    while before := [role for role in others if role.ended <= path[0].began + _SLACK]:
        path.insert(0, before[-1])
        others = before[:-1]
    return path


def logins(report: Report) -> int:
    """How often somebody has logged in on the host by SSH since it was made, this question left out."""
    home = report.run.home
    asked = subprocess.run(
        [
            *(
                "ssh",
                "-F",
                "none",
                "-i",
                home / "operator_key",
                "-o",
                "BatchMode=yes",
                "-o",
                "GlobalKnownHostsFile=/dev/null",
            ),
            *("-o", f"UserKnownHostsFile={home / 'known_hosts'}", f"root@{report.outputs['game_master_ip']}"),
            "journalctl --no-pager --output cat | grep -c 'Accepted publickey for root'",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(asked.stdout) - 1
