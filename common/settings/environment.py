"""Settings of one environment: all sections, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from common.settings.board import Board
from common.settings.constraints import AT_LEAST_ONE
from common.settings.costs import Costs
from common.settings.delivery import GITEA, Delivery
from common.settings.game_app import GameApp
from common.settings.gamemaster import Certificates, GameMaster
from common.settings.images import resolved
from common.settings.names import Domain, Label, Labels
from common.settings.observability import Observability
from common.settings.operators import Operators, Players
from common.settings.rancher import Rancher
from common.settings.scaleway import Scaleway
from common.settings.section import Section
from common.settings.sources import Sources
from common.settings.teams import Teams
from common.versions import ACME_DIRECTORIES, Images

REHEARSAL: Final = "rehearsal"
GRAFANA: Final = "grafana"
"""DNS label of Grafana in the game's zone."""
Environment = Literal["dev", "staging", "production", "rehearsal"]
ENVIRONMENTS: Final[tuple[Environment, ...]] = get_args(Environment)


class Settings(Section):
    """Settings of one environment of the game."""

    environment: Environment
    """Environment, after which the stack is named."""
    domain: Domain
    """Parent domain of the game's zone."""
    subdomain: Labels = "hunt"
    """DNS labels of the game's zone below the parent domain."""
    parent_zone: Literal["scaleway", "external"] = "external"
    """Host of the parent domain: Scaleway DNS, where the program delegates (scaleway), or another one (external)."""
    scaleway: Scaleway
    """Region, project and API key at Scaleway."""
    operators: Operators
    """Operators, who run the game: their networks and SSH key."""
    players: Players = Field(default_factory=Players)
    """Players: their networks, from which the boards' Kubernetes API can be reached."""
    gamemaster: GameMaster
    """Game master: the Instance with the DNS server, nginx and Rancher."""
    certificates: Certificates = Field(default_factory=Certificates)
    """Certificates of the game master."""
    rancher: Rancher = Field(default_factory=Rancher)
    """Rancher, which manages the boards."""
    boards: Annotated[Mapping[Label, Board], AT_LEAST_ONE]
    """Boards by name: Kubernetes clusters. A board is replaced by a second one beside the first."""
    active_board: Label
    """Name of the board that the game's DNS records point at."""
    observability: Observability
    """Observability: Grafana, Loki, Prometheus and Alertmanager."""
    game_app: GameApp = Field(default_factory=GameApp)
    """Hunt: its page, folder and checks."""
    delivery: Delivery = Field(default_factory=Delivery)
    """Source control of the players and continuous deployment of the game; neither exists without masterKey."""
    teams: Teams = Field(default_factory=Teams)
    """Teams, each with namespaces of its own on the active board."""
    costs: Costs = Field(default_factory=Costs)
    """Limit of the environment's costs at Scaleway."""
    sources: Sources = Field(default_factory=Sources)
    """Sources of what is installed, for mirrors."""

    @property
    def zone_name(self) -> str:
        """The DNS zone that the game master is the authority for, such as `hunt.example.org`."""
        return f"{self.subdomain}.{self.domain}"

    @property
    def acme_directory(self) -> str | None:
        """The ACME directory that issues certificates; None without an authority."""
        if self.certificates.authority == "none":
            return None
        return self.sources.acme_directory or ACME_DIRECTORIES[self.certificates.authority]

    @property
    def images(self) -> Images:
        """The reference of each image of the game, mirrors put in."""
        return resolved(self.sources.images, self.sources.registries)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The DNS labels of what runs on the active board."""
        delivery = (self.delivery.drone_host,) if self.delivery.master_key else ()
        if delivery and self.delivery.scm == GITEA:
            delivery = (self.delivery.git_host, *delivery)
        return (self.game_app.host, GRAFANA, *delivery)

    @property
    def rancher_url(self) -> str | None:
        """Rancher's public URL; None without Rancher."""
        return f"https://{self.fqdn(self.rancher.host)}" if self.rancher.enabled else None

    @property
    def challenges(self) -> Mapping[str, str]:
        """The ACME challenge's label of each shared name, to the label that the active board writes."""
        return {f"_acme-challenge.{host}": f"_acme-challenge.{host}.{self.active_board}" for host in self.hosts}

    def fqdn(self, label: str) -> str:
        """The full name of a label in the game's zone."""
        return f"{label}.{self.zone_name}"

    @property
    def board(self) -> Board:
        """The board that the game's DNS records point at."""
        return self.boards[self.active_board]
