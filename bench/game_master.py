"""How long the game master's roles take on a fresh host, which of them the others wait for, and by how many logins."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_command
from rich.table import Table

from common import providers
from common.settings import load
from gamemaster import GameMaster
from rehearsal.progress import name_of
from rehearsal.report import Report
from rehearsal.session import Session

_STEP = "$command:remote:Command::"
_BOOTED = "gamemaster-first-boot"


@dataclass(frozen=True)
class Role:
    """One step on the host; times in seconds since the first boot was over."""

    name: str
    began: float
    ended: float
    critical: bool = False
    """Whether the whole waited for it."""


def roles(report: Report) -> list[Role]:
    """The game master's roles in the order of their beginnings, those of its first boot left out."""
    steps = {
        name_of(urn): (report.began[urn], report.began[urn] + took)
        for urn, took in report.resources.items()
        if _STEP in urn and name_of(urn).startswith("gamemaster-")
    }
    booted = steps.pop(_BOOTED)[1]
    found = [Role(name, began - booted, ended - booted) for name, (began, ended) in steps.items()]
    path = critical_path(found, _needs(report))
    return [replace(role, critical=role in path) for role in sorted(found, key=lambda role: role.began)]


def critical_path(found: Sequence[Role], needs: Mapping[str, set[str]]) -> list[Role]:
    """The role that ended last, and before each the last of those that it needs."""
    path = [max(found, key=lambda role: role.ended)]
    while before := [role for role in found if role.name in needs[path[0].name]]:
        path.insert(0, max(before, key=lambda role: role.ended))
    return path


def _needs(report: Report) -> Mapping[str, set[str]]:
    """Resource to those that must be there before it, as the engine wrote it down."""
    [state] = (report.session.home / "pulumi" / ".pulumi" / "stacks").rglob("*.json")
    resources: list[dict[str, Any]] = json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    return {name_of(each["urn"]): {name_of(urn) for urn in each.get("dependencies", [])} for each in resources}


def program() -> None:
    """The game master without boards, to see what it alone costs."""
    settings = load(pulumi.Config(), pulumi.get_stack())
    made: list[pulumi.ProviderResource] = [providers.scaleway(settings.scaleway), pulumi_command.Provider("ssh")]
    master = GameMaster("gamemaster", settings, opts=pulumi.ResourceOptions(providers=made))
    pulumi.export("ip", master.ip)


def table(found: Sequence[Role]) -> Table:
    """The roles as a table."""
    title = "The game master's roles, in seconds after its first boot"
    shown = Table("role", "began", "ended", "all waited for it", title=title, title_justify="left")
    for role in found:
        shown.add_row(role.name, f"{role.began:.1f}", f"{role.ended:.1f}", "yes" if role.critical else "")
    return shown


def logins(session: Session, ip: str) -> int:
    """How often somebody has logged in on the host by SSH since it was made, this question left out."""
    asked = subprocess.run(
        [
            *("ssh", "-F", "none", "-i", session.home / "operator_key", "-o", "BatchMode=yes"),
            *("-o", "GlobalKnownHostsFile=/dev/null", "-o", "UserKnownHostsFile=/dev/null"),
            # Nothing is told to it, and what it says is a number.
            *("-o", "StrictHostKeyChecking=no"),
            f"root@{ip}",
            "journalctl --no-pager --output cat | grep -c 'Accepted publickey for root'",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(asked.stdout) - 1
