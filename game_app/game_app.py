"""The game on the active board: hunt, teams' namespaces, source control and continuous deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from common.active_board import ActiveBoard
from common.outputs import known_after
from common.settings import GitHub, Settings
from game_app.delivery.component_namespace import component_namespace
from game_app.delivery.continuous_deployment import Delivery, DeliveryArgs
from game_app.delivery.drone_secrets import admin_token
from game_app.delivery.image_registry import ImageRegistry
from game_app.guard.pipelines import pipeline_files
from game_app.hunt.hunt import Hunt, HuntArgs
from game_app.ingress import Endpoint
from game_app.master_key import derived_secret
from game_app.scm.gitea.gitea import Gitea, GiteaArgs
from game_app.scm.gitea.gitea_accounts import gitea_source_control
from game_app.scm.github.github_source_control import github_source_control
from game_app.services.hunt.hunt_steps import Hunt as Course
from game_app.source_control import DroneServer, SourceControl
from game_app.teams.admission_rules import TeamAdmissionRules
from game_app.teams.sheet_outputs import sheet_outputs
from game_app.teams.team_namespace import TeamNamespace, TeamNamespaceArgs, namespace_of


@dataclass(frozen=True, kw_only=True)
class GameAppArgs:
    """Arguments of the game."""

    settings: Settings
    course: Course
    """Steps and texts of the hunt."""
    registry: ImageRegistry | None
    """Registry of the components' images; None: a game without source control, teams and continuous deployment."""
    board: ActiveBoard

    def endpoint(self, label: str) -> Endpoint:
        """Public address of a component under a label in the game's zone."""
        host = self.settings.fqdn(label)
        board = self.board
        return Endpoint(host=host, ingress_class=board.ingress_class, cluster_issuer=board.cluster_issuer)

    @property
    def players(self) -> Mapping[str, Sequence[str]]:
        """Name of each team to the accounts of its players; empty without continuous deployment."""
        return {team.name: team.players for team in self.settings.teams.all} if self.registry else {}

    @property
    def repositories(self) -> Mapping[str, Sequence[str]]:
        """Name of each team's repository to the accounts of its players."""
        return {namespace_of(team): accounts for team, accounts in self.players.items()}

    def source_control(self) -> SourceControl:
        """The source control that the settings choose."""
        own = self.settings.delivery
        if own.github:
            return github_source_control(own.github)
        accounts = [account for accounts in self.players.values() for account in accounts]
        return gitea_source_control(own, self.endpoint(own.git_host), accounts)


class GameApp(pulumi.ComponentResource):
    """The game: the hunt, and with `delivery.masterKey` also teams, source control and continuous deployment."""

    url: pulumi.Output[str]
    """URL of the page at which players start."""
    operators_code: pulumi.Output[str]
    """Code with which operators log in at that page, a secret."""
    maintainer_password: pulumi.Output[str]
    """Password with which operators push to a component's repository, a secret; empty without source control."""
    teams: pulumi.Output[Mapping[str, Mapping[str, Any]]]
    """Contents of each team's sheet (`cli.sheets`), a secret."""
    address: pulumi.Output[str]
    """Address for the game's DNS records, known once everything that the records name is served there."""

    def __init__(self, name: str, args: GameAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:GameApp", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = component_namespace(name, args.board.api, args.registry, child)
        teams = self._teams(name, args.players, args.settings.teams.registries)
        source_control = args.source_control() if args.registry else None
        served: Sequence[pulumi.Output[str]] = ()
        if args.registry and source_control:
            served = self._delivery(
                name, args, registry=args.registry, source_control=source_control, namespace=namespace, teams=teams
            )
        hunt = self._hunt(name, args, teams, source_control)
        self.url = hunt.url
        self.operators_code = hunt.operators_code
        self.maintainer_password = pulumi.Output.secret(source_control.maintainer_password if source_control else "")
        self.teams = sheet_outputs(
            args.players,
            teams,
            organisation=source_control.organisation if source_control else "",
            page_url=hunt.url,
            git_url=hunt.git_url,
            codes=hunt.codes,
            passwords=source_control.player_passwords if source_control else {},
        )
        self.address = known_after(args.board.ingress_ip, hunt.url, *served)
        self.register_outputs(
            {
                "url": self.url,
                "address": self.address,
                "operators_code": self.operators_code,
                "maintainer_password": self.maintainer_password,
                "teams": self.teams,
            }
        )

    def _teams(
        self, name: str, teams: Mapping[str, Sequence[str]], registries: Sequence[str]
    ) -> Mapping[str, TeamNamespace]:
        child = pulumi.ResourceOptions(parent=self)
        if teams:
            TeamAdmissionRules(f"{name}-teams", registries, opts=child)
        return {team: TeamNamespace(f"{name}-team-{team}", TeamNamespaceArgs(team=team), opts=child) for team in teams}

    def _hunt(
        self, name: str, args: GameAppArgs, teams: Mapping[str, TeamNamespace], source_control: SourceControl | None
    ) -> Hunt:
        settings = args.settings
        return Hunt(
            f"{name}-hunt",
            HuntArgs(
                settings=settings.game_app,
                image=settings.images.python,
                course=args.course,
                endpoint=args.endpoint(settings.game_app.host),
                key=derived_secret(settings.delivery, "hunt") if source_control else None,
                teams={team: own.namespace for team, own in teams.items()},
                source_control=source_control,
                api=args.board.api if source_control else None,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _delivery(
        self,
        name: str,
        args: GameAppArgs,
        *,
        registry: ImageRegistry,
        source_control: SourceControl,
        namespace: pulumi.Output[str],
        teams: Mapping[str, TeamNamespace],
    ) -> Sequence[pulumi.Output[str]]:
        """Source control and continuous deployment. Gives their URLs, each known once it is served."""
        own, images = args.settings.delivery, args.settings.images
        endpoint = args.endpoint(own.drone_host)
        drone = DroneServer(public_url=endpoint.url, admin_token=admin_token(own))
        pipelines = pipeline_files(
            organisation=source_control.organisation,
            components=own.components,
            teams=list(args.repositories),
            source=source_control.builds_url,
            registry=registry.folder,
            images=images,
        )
        repositories_url = (
            self._github(name, args, own.github, drone, pipelines)
            if own.github
            else [self._gitea(name, args, drone, pipelines)]
        )
        delivery = Delivery(
            f"{name}-delivery",
            DeliveryArgs(
                settings=own,
                images=images,
                endpoint=endpoint,
                source_control=source_control,
                pipelines=pipelines,
                component_namespace=namespace,
                teams={namespace_of(team): made.namespace for team, made in teams.items()},
                registry=registry,
                api=args.board.api,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [*repositories_url, delivery.url]

    def _gitea(
        self, name: str, args: GameAppArgs, drone: DroneServer, pipelines: Mapping[str, str]
    ) -> pulumi.Output[str]:
        own = args.settings.delivery
        return Gitea(
            f"{name}-scm",
            GiteaArgs(
                settings=own,
                images=args.settings.images,
                endpoint=args.endpoint(own.git_host),
                teams=args.repositories,
                pipelines=pipelines,
                drone=drone,
                api=args.board.api,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        ).url

    def _github(
        self,
        name: str,
        args: GameAppArgs,
        organisation: GitHub,
        drone: DroneServer,
        pipelines: Mapping[str, str],
    ) -> Sequence[pulumi.Output[str]]:
        """Repositories at GitHub; no URL of the board waits for them."""
        # Importing the provider's package takes a quarter of a second, for which a game with Gitea need not wait.
        from game_app.scm.github.github_organisation import (  # noqa: PLC0415
            GitHubOrganisation,
            GitHubOrganisationArgs,
        )

        GitHubOrganisation(
            f"{name}-scm",
            GitHubOrganisationArgs(
                settings=args.settings.delivery,
                organisation=organisation,
                image=args.settings.images.python,
                teams=args.repositories,
                pipelines=pipelines,
                drone=drone,
                api=args.board.api,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return ()
