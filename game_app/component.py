"""The game's own components, the teams' spaces, their source control and its continuous deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from common.github import GitHub
from common.kubernetes_api import ApiServer
from common.settings import Settings
from common.versions import Images
from game_app.component_namespace import component_namespace
from game_app.delivery.component import Delivery, DeliveryArgs, catalogue, server_place
from game_app.delivery.registry import ImageRegistry
from game_app.hunt.component import APP as HUNT_APP
from game_app.hunt.component import NAMESPACE as HUNT
from game_app.hunt.component import Hunt, HuntArgs
from game_app.hunt.service.steps import Hunt as Course
from game_app.ingress import Door
from game_app.scm.gitea import component as gitea
from game_app.scm.github import source as github
from game_app.scm.source import ServerPlace, Source
from game_app.teams import TeamRules, TeamSpace, TeamSpaceArgs
from game_app.teams.space import namespace_of


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What the players work with: their source control, and what deploys from it."""

    git_host: pulumi.Input[str]
    """Full name at which players find Gitea, where there is one."""
    drone_host: pulumi.Input[str]
    """Full name at which operators find Drone."""
    master_key: pulumi.Input[str]
    components: Sequence[str]
    teams: Mapping[str, Sequence[str]]
    """Name of each team to the accounts of its players."""
    registry: ImageRegistry
    """Where the components' images are pushed to, and pulled from."""
    signing_key: pulumi.Input[str]
    signing_password: pulumi.Input[str]
    github: GitHub | None = None
    """The organisation that holds the repositories; None: Gitea on the board does."""

    @property
    def players(self) -> Sequence[str]:
        """The accounts of all players."""
        return [player for names in self.teams.values() for player in names]

    @property
    def repositories(self) -> Mapping[str, Sequence[str]]:
        """Name of each team's repository to the accounts of its players."""
        return {namespace_of(team): names for team, names in self.teams.items()}

    @classmethod
    def from_settings(cls, settings: Settings, registry: ImageRegistry | None) -> Workshop | None:
        """The workshop that an environment's settings describe, or None where they have no key for it."""
        own = settings.delivery
        if not (own.master_key and own.signing_key and own.signing_password and registry):
            return None
        return cls(
            git_host=settings.fqdn(own.git_host),
            drone_host=settings.fqdn(own.drone_host),
            master_key=own.master_key.output,
            components=own.components,
            teams={team.name: team.players for team in settings.teams.all},
            registry=registry,
            signing_key=own.signing_key.output,
            signing_password=own.signing_password.output,
            github=own.github,
        )


@dataclass(frozen=True, kw_only=True)
class GameAppArgs:
    """What the game needs of the rest."""

    images: Images
    """What its own parts and the steps of its builds run in."""
    host: pulumi.Input[str]
    """Full name at which players find the game."""
    address: pulumi.Input[str]
    """Public IPv4 address of the board's ingress."""
    ingress_class: pulumi.Input[str]
    cluster_issuer: pulumi.Input[str] | None
    """cert-manager's issuer of the game's certificate; None where the board has none."""
    course: Course
    """What is played."""
    check_seconds: pulumi.Input[int]
    """Seconds between two looks at every team's step."""
    api: ApiServer
    """The board's own Kubernetes API, as pods reach it."""
    workshop: Workshop | None = None
    """None: a game without source control, teams and continuous deployment."""

    def door(self, host: pulumi.Input[str]) -> Door:
        """How a component of the game is reached by its full name."""
        return Door(host=host, ingress_class=self.ingress_class, cluster_issuer=self.cluster_issuer)


class GameApp(pulumi.ComponentResource):
    """The game: the hunt, the page at which it starts, and what the players work with."""

    url: pulumi.Output[str]
    """Where players start."""
    operators_code: pulumi.Output[str]
    """What the operators of the hunt log in with, a secret."""
    maintainer_password: pulumi.Output[str]
    """With what the operators push to a component's repository, a secret; empty for a game without a workshop."""
    teams: pulumi.Output[Mapping[str, Mapping[str, Any]]]
    """What stands on each team's sheet (`cli.sheets`), a secret."""
    address: pulumi.Output[str]
    """Where the game's names are to lead, known once everything that they name is served there."""

    def __init__(self, name: str, args: GameAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:GameApp", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        registry = args.workshop.registry if args.workshop else None
        namespace = component_namespace(name, args.api, registry, child)
        spaces: Mapping[str, TeamSpace] = {}
        source: Source | None = None
        served: Sequence[pulumi.Output[str]] = ()
        if args.workshop:
            spaces = self._spaces(name, args.workshop)
            source, served = self._workshop(name, args.workshop, args, namespace, spaces)
        hunt = self._hunt(name, args, spaces, source)
        self.url = hunt.url
        self.operators_code = hunt.operators_code
        self.maintainer_password = pulumi.Output.secret(source.maintainer_password if source else "")
        self.teams = self._sheets(args.workshop, hunt, spaces, source)
        self.address = pulumi.Output.all(args.address, hunt.url, *served).apply(lambda values: str(values[0]))
        self.register_outputs(
            {
                "url": self.url,
                "address": self.address,
                "operators_code": self.operators_code,
                "maintainer_password": self.maintainer_password,
                "teams": self.teams,
            }
        )

    def _hunt(self, name: str, args: GameAppArgs, spaces: Mapping[str, TeamSpace], source: Source | None) -> Hunt:
        workshop = args.workshop
        return Hunt(
            f"{name}-hunt",
            HuntArgs(
                image=args.images.python,
                course=args.course,
                door=args.door(args.host),
                check_seconds=args.check_seconds,
                master_key=workshop.master_key if workshop else None,
                teams={team: space.namespace for team, space in spaces.items()},
                source=source,
                api=args.api if workshop else None,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _sheets(
        self, workshop: Workshop | None, hunt: Hunt, spaces: Mapping[str, TeamSpace], source: Source | None
    ) -> pulumi.Output[Mapping[str, Mapping[str, Any]]]:
        if workshop is None or source is None:
            return pulumi.Output.secret(dict[str, Mapping[str, Any]]())
        players, owner = workshop.teams, source.organisation
        tokens = pulumi.Output.all(**{team: space.token for team, space in spaces.items()})
        known = pulumi.Output.all(hunt.codes, hunt.url, hunt.git_url, tokens, source.passwords)
        return pulumi.Output.secret(known.apply(lambda given: _on_the_sheets(players, owner, *given)))

    def _spaces(self, name: str, workshop: Workshop) -> Mapping[str, TeamSpace]:
        if workshop.teams:
            TeamRules(f"{name}-teams", opts=pulumi.ResourceOptions(parent=self))
        return {
            team: TeamSpace(
                f"{name}-team-{team}",
                TeamSpaceArgs(team=team),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for team in workshop.teams
        }

    def _workshop(
        self,
        name: str,
        workshop: Workshop,
        args: GameAppArgs,
        namespace: pulumi.Output[str],
        spaces: Mapping[str, TeamSpace],
    ) -> tuple[Source, Sequence[pulumi.Output[str]]]:
        """The source control, and what people find once it is served."""
        drone = args.door(workshop.drone_host)
        source, served = self._source_control(name, workshop, args, drone)
        delivery = Delivery(
            f"{name}-delivery",
            DeliveryArgs(
                images=args.images,
                master_key=workshop.master_key,
                door=drone,
                components=workshop.components,
                component_namespace=namespace,
                teams={namespace_of(team): space.namespace for team, space in spaces.items()},
                registry=workshop.registry,
                signing_key=workshop.signing_key,
                signing_password=workshop.signing_password,
                source=source,
                api=args.api,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return source, [*served, delivery.url]

    def _source_control(
        self, name: str, workshop: Workshop, args: GameAppArgs, drone: Door
    ) -> tuple[Source, Sequence[pulumi.Output[str]]]:
        place = server_place(drone, workshop.master_key)
        if workshop.github:
            return self._github(name, workshop, workshop.github, args, place), ()
        door = args.door(workshop.git_host)
        source = gitea.source(master_key=workshop.master_key, door=door, drone=place, players=workshop.players)
        made = gitea.Gitea(
            f"{name}-scm",
            gitea.GiteaArgs(
                images=args.images,
                master_key=workshop.master_key,
                door=door,
                components=workshop.components,
                teams=workshop.repositories,
                pipelines=_pipelines(source, workshop, args),
                drone=place,
                api=args.api,
                hunt=(HUNT, HUNT_APP),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return source, [made.url]

    def _github(
        self, name: str, workshop: Workshop, organisation: GitHub, args: GameAppArgs, drone: ServerPlace
    ) -> Source:
        # Its provider's package takes a quarter of a second, which a game with Gitea need not wait for.
        from game_app.scm.github import component  # noqa: PLC0415

        source = github.source(organisation)
        component.GitHub(
            f"{name}-scm",
            component.GitHubArgs(
                image=args.images.python,
                organisation=organisation,
                components=workshop.components,
                teams=workshop.repositories,
                pipelines=_pipelines(source, workshop, args),
                drone=drone,
                api=args.api,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return source


def _pipelines(source: Source, workshop: Workshop, args: GameAppArgs) -> Mapping[str, str]:
    return catalogue(source, workshop.components, list(workshop.repositories), workshop.registry.folder, args.images)


def _on_the_sheets(  # noqa: PLR0917 - one for each thing that is known late
    players: Mapping[str, Sequence[str]],
    owner: str,
    codes: Mapping[str, str],
    page: str,
    git: str,
    tokens: Mapping[str, str],
    passwords: Mapping[str, str],
) -> Mapping[str, Mapping[str, Any]]:
    return {
        team: {
            "page": page,
            "git": git,
            "code": codes[team],
            "repository": f"{owner}/{namespace_of(team)}",
            "namespace": namespace_of(team),
            "token": tokens[team],
            "accounts": {player: passwords.get(player, "") for player in names},
        }
        for team, names in players.items()
    }
