"""Hunt on the board: Deployment, Service and Ingress of the page, and a clue pod in each team's namespace."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    allow_dns_egress,
    allow_ingress_controller,
    allow_kubernetes_api_egress,
    allow_metrics_scrape,
)
from common.settings import GameApp as GameAppSettings
from game_app.cluster_addresses import HUNT, HUNT_METRICS_PORT
from game_app.hunt.clue_pod import CluePod, CluePodArgs
from game_app.hunt.hunt_files import secret_files, teams_file
from game_app.hunt.team_reader import team_reader
from game_app.ingress import Endpoint, expose
from game_app.service_files import PROGRAMS_FOLDER, service_command, service_files
from game_app.services.hunt.codes import operators_code, team_code
from game_app.services.hunt.hunt_steps import Hunt as Course
from game_app.services.hunt.hunt_steps import Logged
from game_app.services.hunt.hunt_teams import GameUrls, Team
from game_app.source_control import SourceControl
from game_app.teams.team_namespace import namespace_of
from game_app.workload import (
    claim,
    container,
    deployment,
    files_volume,
    flat,
    folder_volume,
    http_probe,
    pod,
    secret_volume,
    service,
)

_QUOTA: Final = Quota(
    pods=3,
    cpu="3",
    memory="1Gi",
    storage="2Gi",
    container_cpu="1",
    container_memory="256Mi",
    container_storage="512Mi",
    volume_claims=1,
)


@dataclass(frozen=True, kw_only=True)
class HuntArgs:
    """Arguments of the hunt."""

    settings: GameAppSettings
    image: str
    """Image with Python."""
    course: Course
    """Steps and texts (`hunt.folder.load`)."""
    endpoint: Endpoint
    """Public address of the page, for players and operators."""
    key: pulumi.Input[str] | None = None
    """Key from which codes and words are derived, a secret; None: nobody can log in."""
    teams: Mapping[str, pulumi.Input[str]]
    """Name of each team to its namespace, known once it is made."""
    source_control: SourceControl | None = None
    """Source control with the teams' repositories; None: no team plays."""
    api: ApiServer | None = None
    """The cluster's own API, for the teams' Deployments; None where no team plays."""


class Hunt(pulumi.ComponentResource):
    """The hunt's service in a namespace of its own: pages, checks, and merges of green pull requests.

    The program is mounted from this project's files into Python's own image, as the guard's is.
    """

    url: pulumi.Output[str]
    """Known once the page is served: its pod is ready, the Ingress has an address and the certificate is signed."""
    operators_code: pulumi.Output[str]
    """Code with which operators log in, a secret; empty without a key."""
    codes: pulumi.Output[Mapping[str, str]]
    """Code with which each team logs in, by the team's name, secrets."""
    git_url: pulumi.Output[str]
    """URL of the source control in texts and on sheets; empty where there is none."""

    def __init__(self, name: str, args: HuntArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Hunt", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = self._namespace(name, args)
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": HUNT.app, "namespace": namespace},
            automount_service_account_token=False,
            opts=child,
        ).metadata.name
        page_url = pulumi.Output.concat(args.endpoint.url, "/")
        self.git_url = pulumi.Output.from_input(args.source_control.players_url if args.source_control else "")
        urls = pulumi.Output.all(page_url, self.git_url).apply(
            lambda known: GameUrls(page_url=known[0], git_url=known[1])
        )
        running = self._deployment(name, namespace, account, urls, args)
        # No value flows, but a Service counts as ready only once it has endpoints.
        after_pod = pulumi.ResourceOptions(parent=self, depends_on=[running])
        page = service(name, HUNT.app, namespace, HUNT.port, after_pod).metadata.name
        self.url = pulumi.Output.concat(expose(name, HUNT.app, namespace, page, args.endpoint, opts=child), "/")
        team_reader(name, account, namespace, args.teams, child)
        key = None if args.key is None else pulumi.Output.secret(args.key)
        if key is not None and any(isinstance(step.check, Logged) for step in args.course.course):
            self._clue_pods(name, urls, key, args)
        self.operators_code = pulumi.Output.secret("") if key is None else key.apply(operators_code)
        self.codes = _no_codes() if key is None else key.apply(lambda known: team_codes(known, args.teams))
        self.register_outputs({"url": self.url, "operators_code": self.operators_code, "codes": self.codes})

    def _namespace(self, name: str, args: HuntArgs) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        return SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=HUNT.namespace,
                app=HUNT.app,
                quota=_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    *([args.source_control.egress] if args.source_control else []),
                    *([allow_kubernetes_api_egress(args.api)] if args.api else []),
                    allow_ingress_controller(),
                    allow_metrics_scrape(HUNT_METRICS_PORT),
                ],
            ),
            opts=child,
        ).name

    def _deployment(
        self,
        name: str,
        namespace: pulumi.Output[str],
        account: pulumi.Output[str],
        urls: pulumi.Output[GameUrls],
        args: HuntArgs,
    ) -> k8s.apps.v1.Deployment:
        core, child = k8s.core.v1, pulumi.ResourceOptions(parent=self)
        program, secrets = service_files("hunt"), secret_files(args.key, args.source_control)
        configuration = {
            "hunt.json": json.dumps(args.course.as_json(), indent=1),
            "teams.json": urls.apply(lambda known: teams_file(known, _teams(args))),
        }
        program_map = core.ConfigMap(
            f"{name}-program",
            metadata={"name": "program", "namespace": namespace},
            data=flat(program),
            opts=child,
        )
        configuration_map = core.ConfigMap(
            f"{name}-configuration",
            metadata={"name": "configuration", "namespace": namespace},
            data=configuration,
            opts=child,
        )
        secret = core.Secret(
            f"{name}-secrets",
            metadata={"name": "secrets", "namespace": namespace},
            string_data=secrets,
            opts=child,
        )
        progress = core.PersistentVolumeClaim(
            f"{name}-progress",
            metadata={
                "name": "progress",
                "namespace": namespace,
                # The claim is bound when the pod starts: there is nothing to wait for before.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=claim("5Gi"),
            opts=child,
        )
        progress_source = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=progress.metadata.name)
        spec = pod(
            [_container(args)],
            volumes=[
                folder_volume("program", program_map.metadata.name, program),
                files_volume("configuration", configuration_map.metadata.name),
                secret_volume("secrets", secret.metadata.name),
                core.VolumeArgs(name="progress", persistent_volume_claim=progress_source),
            ],
            service_account=account,
        )
        return deployment(
            name,
            HUNT.app,
            namespace,
            spec,
            replicas=1,
            files={**program, **configuration, "secrets": secrets.apply(json.dumps)},
            # Two pods would write to one file.
            recreate=True,
            metrics_port=HUNT_METRICS_PORT,
            opts=child,
        )

    def _clue_pods(self, name: str, urls: pulumi.Output[GameUrls], key: pulumi.Output[str], args: HuntArgs) -> None:
        for team in _teams(args):
            CluePod(
                f"{name}-clue-pod-{team.name}",
                CluePodArgs(
                    image=args.image,
                    team=team,
                    namespace=args.teams[team.name],
                    steps=args.course.course,
                    urls=urls,
                    key=key,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )


def team_codes(key: str, teams: Iterable[str]) -> Mapping[str, str]:
    """Code with which each team logs in, by the team's name."""
    return {team: team_code(key, team) for team in teams}


def _container(args: HuntArgs) -> k8s.core.v1.ContainerArgs:
    source_control = args.source_control
    return container(
        HUNT.app,
        args.image,
        cpu="50m",
        memory="192Mi",
        port=HUNT.port,
        args=[
            *service_command("hunt"),
            *(f"--port={HUNT.port}", f"--metrics-port={HUNT_METRICS_PORT}"),
            *(f"--{folder}=/etc/hunt/{folder}" for folder in ("configuration", "secrets")),
            "--data=/var/lib/hunt",
            *([pulumi.Output.concat(f"--{source_control.api}=", source_control.pods_url)] if source_control else []),
            f"--interval={args.settings.check_seconds}",
        ],
        mounts={
            "program": PROGRAMS_FOLDER,
            "configuration": "/etc/hunt/configuration",
            "secrets": "/etc/hunt/secrets",
            "progress": "/var/lib/hunt",
        },
        writable=["progress"],
        probe=http_probe("/healthz"),
        working_dir=PROGRAMS_FOLDER,
    )


def _no_codes() -> pulumi.Output[Mapping[str, str]]:
    return pulumi.Output.secret(dict[str, str]())


def _teams(args: HuntArgs) -> Sequence[Team]:
    if args.source_control is None:
        return ()
    owner = args.source_control.organisation
    namespaces = {name: namespace_of(name) for name in args.teams}
    return [Team(name=name, repository=f"{owner}/{own}", namespace=own) for name, own in namespaces.items()]
