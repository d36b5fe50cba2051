"""What a rehearsal shows at its end: each part, what it really is, and what to try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from rehearsal.configuration import ZONE
from rehearsal.images.provided_images import STAND_IN as STANDING_IN
from rehearsal.images.provided_images import read_provided
from rehearsal.nodes.choice import real_nodes
from rehearsal.progress import name_of
from rehearsal.session import Block, Service, Session, make
from rehearsal.toolchain.tools import Tools

REAL, STAND_IN = "real", "[yellow]stand-in[/]"


@dataclass(frozen=True)
class Report:
    """The result of raising a rehearsal."""

    session: Session
    tools: Tools
    outputs: Mapping[str, Any]
    """The stack's outputs."""
    changes: Mapping[str, int]
    """Operation (create, same, …) to number of resources."""
    parts: Mapping[str, float]
    """Part of the rehearsal to the seconds it took."""
    resources: Mapping[str, float]
    """URN to the seconds its step took."""
    began: Mapping[str, float]
    """URN to when its step began, in seconds since the program did."""

    def table(self) -> Table:
        """Each part: real or stand-in, where it came from, its address, how long it took."""
        table = Table(title=f"Rehearsal {self.session.name}", title_justify="left")
        for column in ("part", "what", "came from", "address"):
            table.add_column(column, overflow="fold")
        table.add_column("seconds", justify="right")
        for tool in self.tools.all:
            what = STAND_IN if tool.stand_in else REAL
            table.add_row(f"{tool.name} {tool.version}", what, tool.origin, "", _seconds(tool.seconds))
        for part, what, origin, address, prefix in self._rows():
            table.add_row(part, what, origin, address, _seconds(self.took(prefix) if prefix else None))
        for image in read_provided(self.session):
            what = STAND_IN if image.what == STANDING_IN else f"real, {image.what}"
            # The registry's part of the reference says nothing here, and the columns are narrow.
            table.add_row(f"image {image.reference.rpartition('/')[2]}", what, image.origin, "", "")
        return table

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        session, outputs = self.session, self.outputs
        api = session.address(Block.SERVICES, Service.SCALEWAY_API)
        charts = session.address(Block.SERVICES, Service.CHARTS)
        boards: Mapping[str, str] = outputs["boards"]
        real = real_nodes(session)
        pods = "one real node, the others simulated" if real else "no pods run"
        signer, origin = (REAL, "tool chain") if real else (f"{STAND_IN} with real orders", "this project")
        rancher = session.address(Block.SERVICES, Service.RANCHER)
        authority = session.address(Block.SERVICES, Service.ACME)
        rows = [
            ("Scaleway API", STAND_IN, "this project", f"http://{api}:8080", ""),
            ("chart repository", STAND_IN, "this project", f"http://{charts}:8080", ""),
            ("Let's Encrypt", "Pebble, a real ACME server", "tool chain", f"https://{authority}:14000/dir", ""),
            ("cert-manager", signer, origin, "", ""),
            ("game master", "real Debian 13 in a container", "Debian", str(outputs["game_master_ip"]), "gamemaster-"),
            (f"zone {outputs['zone']}", REAL + " bind9", "Debian", f"{outputs['game_master_ip']}:53", "dns-records"),
            ("K3s", f"{STAND_IN}: real control plane, no pods run", "this project", "", "gamemaster-k3s"),
            (
                "Rancher",
                f"{STAND_IN}, behind real nginx",
                "this project",
                f"http://{rancher}:8080",
                "gamemaster-rancher",
            ),
        ]
        rows += [
            (f"board {name}", f"real control plane, {pods}", "tool chain", address, f"board-{name}")
            for name, address in boards.items()
        ]
        rows += [
            ("Grafana", f"{STAND_IN} chart", "this project", str(outputs["grafana_url"]), "observability"),
            (
                "game",
                "real objects, whose pods run" if real else "real objects, no pods run",
                "the program",
                str(outputs["game_url"]),
                "game-",
            ),
        ]
        return rows

    def took(self, prefix: str) -> float:
        """Seconds that the steps of one part took, added up; some ran at the same time."""
        return sum(seconds for urn, seconds in self.resources.items() if name_of(urn).startswith(prefix))

    def closing(self, seconds: float) -> str:
        """What changed, how long it took, and three commands that work as printed."""
        home = self.session.home
        changes = ", ".join(f"{number} {operation}" for operation, number in sorted(self.changes.items()))
        parts = ", ".join(f"{part} {took:.0f} s" for part, took in self.parts.items())
        ip = self.outputs["game_master_ip"]
        return "\n".join(
            [
                f"Resources: {changes}. {seconds:.0f} s in all: {parts}.",
                "Try:",
                f"  dig +short @{ip} play.{ZONE}",
                f"  {self.tools.control_plane}/kubectl --kubeconfig {home}/kubeconfig get ingress --all-namespaces",
                f"  ssh -i {home}/operator_key -o UserKnownHostsFile={home}/known_hosts root@{ip}",
                f"Take it down with '{make('rehearse-down', self.session.name)}'.",
            ]
        )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
