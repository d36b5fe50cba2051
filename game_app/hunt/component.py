"""The hunt on the board."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.keys import derived
from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    allow_dns_egress,
    allow_ingress_controller,
    allow_kubernetes_api_egress,
    allow_metrics_scrape,
)
from game_app.guard.pipelines import BRANCH
from game_app.hunt.keeper import Keeper, KeeperArgs
from game_app.hunt.service.codes import operators_code, team_code
from game_app.hunt.service.steps import Hunt as Course
from game_app.hunt.service.steps import Logged
from game_app.hunt.service.teams import Place, Team
from game_app.ingress import Door, exposed
from game_app.scm.source import Source
from game_app.teams.space import namespace_of
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

NAMESPACE: Final = "hunt"
APP: Final = "hunt"
PORT: Final = 8080
METRICS_PORT: Final = 9090
LOOKER: Final = "hunt-looks"
"""What the service may do in a team's namespace: look at its Deployments."""
_SOURCE: Final = Path(__file__).parent / "service"
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
    """What is played, by whom, and where it is seen."""

    image: str
    """Python's own."""
    course: Course
    door: Door
    """Where players and operators find the page."""
    check_seconds: pulumi.Input[int]
    """Seconds between two looks at every team's step."""
    master_key: pulumi.Input[str] | None
    """Base64; the hunt's codes are derived from it. None: nobody can log in."""
    teams: Mapping[str, pulumi.Input[str]]
    """Name of each team to its namespace, which bears the name of its repository."""
    source: Source | None
    """Where the hunt finds what teams write; None: no team plays."""
    api: ApiServer | None
    """The cluster's own API, for looks at the teams' spaces; None where no team plays."""


class Hunt(pulumi.ComponentResource):
    """The hunt's page, its checks and its gatekeeper, in a namespace of its own; and a keeper in each team's.

    Its program is this project's own few files, mounted into Python's own image, as the guard's is.
    """

    url: pulumi.Output[str]
    """Known once the page is served: its pod is ready, the ingress has an address and its certificate is signed."""
    operators_code: pulumi.Output[str]
    """What the operators log in with, a secret; empty without a key."""
    codes: pulumi.Output[Mapping[str, str]]
    """What each team logs in with, secrets."""
    git_url: pulumi.Output[str]
    """Where texts and sheets say that the source control is."""

    def __init__(self, name: str, args: HuntArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Hunt", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=NAMESPACE,
                app=APP,
                quota=_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    *([args.source.egress] if args.source else []),
                    *([allow_kubernetes_api_egress(args.api)] if args.api else []),
                    allow_ingress_controller(),
                    allow_metrics_scrape(METRICS_PORT),
                ],
            ),
            opts=child,
        ).name
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": APP, "namespace": namespace},
            automount_service_account_token=False,
            opts=child,
        )
        page_url = pulumi.Output.concat(args.door.url, "/")
        self.git_url = pulumi.Output.from_input(args.source.players_url if args.source else "")
        place = pulumi.Output.all(page_url, self.git_url).apply(
            lambda given: Place(page_url=given[0], git_url=given[1])
        )
        running = self._running(name, namespace, account.metadata.name, place, args)
        # No value flows, but a Service counts as ready only once it has endpoints.
        door = service(name, APP, namespace, PORT, pulumi.ResourceOptions(parent=self, depends_on=[running]))
        served = exposed(name, APP, namespace, door.metadata.name, args.door, opts=child)
        self._let_look(name, account.metadata.name, namespace, args)
        self.url = pulumi.Output.concat(served, "/")
        key = hunt_key(args.master_key) if args.master_key is not None else None
        if key is not None:
            self._keepers(name, place, key, args)
        self.operators_code = key.apply(operators_code) if key is not None else pulumi.Output.secret("")
        self.codes = key.apply(lambda known: team_codes(known, args.teams)) if key is not None else _nothing()
        self.register_outputs({"url": self.url, "operators_code": self.operators_code, "codes": self.codes})

    def _running(
        self,
        name: str,
        namespace: pulumi.Output[str],
        account: pulumi.Output[str],
        place: pulumi.Output[Place],
        args: HuntArgs,
    ) -> k8s.apps.v1.Deployment:
        core, child, source = k8s.core.v1, pulumi.ResourceOptions(parent=self), args.source
        program = source_files()
        configuration = {
            "hunt.json": json.dumps(args.course.as_json(), indent=1),
            "teams.json": place.apply(lambda known: teams_file(known, _teams(args))),
        }
        secrets = _secrets(args)
        files_of = core.ConfigMap(
            f"{name}-source",
            metadata={"name": "source", "namespace": namespace},
            data=flat(program),
            opts=child,
        )
        configured = core.ConfigMap(
            f"{name}-configuration",
            metadata={"name": "configuration", "namespace": namespace},
            data=configuration,
            opts=child,
        )
        held = core.Secret(
            f"{name}-secrets",
            metadata={"name": "secrets", "namespace": namespace},
            string_data=secrets,
            opts=child,
        )
        kept = core.PersistentVolumeClaim(
            f"{name}-progress",
            metadata={
                "name": "progress",
                "namespace": namespace,
                # Its volume is bound when the pod is there: there is nothing to wait for before.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=claim("5Gi"),
            opts=child,
        )
        spec = pod(
            [
                container(
                    APP,
                    args.image,
                    cpu="50m",
                    memory="192Mi",
                    port=PORT,
                    command=[
                        *("python", "-B", "-E", "-s", "-m", "hunt", f"--port={PORT}", f"--metrics-port={METRICS_PORT}"),
                        *(f"--{folder}=/etc/hunt/{folder}" for folder in ("configuration", "secrets")),
                        "--data=/var/lib/hunt",
                        *([pulumi.Output.concat(f"--{source.speaks}=", source.pods_url)] if source else []),
                        pulumi.Output.concat("--interval=", pulumi.Output.from_input(args.check_seconds).apply(str)),
                    ],
                    mounts={
                        "source": "/srv/hunt",
                        "configuration": "/etc/hunt/configuration",
                        "secrets": "/etc/hunt/secrets",
                        "progress": "/var/lib/hunt",
                    },
                    writable=["progress"],
                    probe=http_probe("/healthz"),
                    work_in="/srv",
                )
            ],
            volumes=[
                folder_volume("source", files_of.metadata.name, program),
                files_volume("configuration", configured.metadata.name),
                secret_volume("secrets", held.metadata.name),
                core.VolumeArgs(
                    name="progress",
                    persistent_volume_claim=core.PersistentVolumeClaimVolumeSourceArgs(claim_name=kept.metadata.name),
                ),
            ],
            service_account=account,
        )
        files = {**program, **configuration, "secrets": secrets.apply(json.dumps)}
        # Two of them would write in one file.
        return deployment(
            name,
            APP,
            namespace,
            spec,
            replicas=1,
            files=files,
            replace=True,
            metrics_port=METRICS_PORT,
            opts=child,
        )

    def _let_look(self, name: str, account: pulumi.Output[str], namespace: pulumi.Output[str], args: HuntArgs) -> None:
        """Let the service look at the Deployments of the teams' namespaces, and of no other."""
        child = pulumi.ResourceOptions(parent=self)
        role = k8s.rbac.v1.ClusterRole(
            f"{name}-role",
            metadata={"name": LOOKER},
            rules=[k8s.rbac.v1.PolicyRuleArgs(api_groups=["apps"], resources=["deployments"], verbs=["get"])],
            opts=child,
        )
        for team, target in args.teams.items():
            k8s.rbac.v1.RoleBinding(
                f"{name}-{team}-binding",
                metadata={"name": LOOKER, "namespace": target},
                role_ref={
                    "api_group": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": role.metadata.name,
                },
                subjects=[{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
                opts=child,
            )

    def _keepers(self, name: str, place: pulumi.Output[Place], key: pulumi.Output[str], args: HuntArgs) -> None:
        if not any(isinstance(step.check, Logged) for step in args.course.course):
            return
        for team in _teams(args):
            Keeper(
                f"{name}-keeper-{team.name}",
                KeeperArgs(
                    image=args.image,
                    team=team,
                    namespace=args.teams[team.name],
                    steps=args.course.course,
                    place=place,
                    key=key,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )


def team_codes(key: str, teams: Iterable[str]) -> Mapping[str, str]:
    """What each team logs in with."""
    return {team: team_code(key, team) for team in teams}


def hunt_key(master_key: pulumi.Input[str]) -> pulumi.Output[str]:
    """What the hunt's codes and words are derived from, a secret."""
    return pulumi.Output.secret(master_key).apply(lambda master: derived(master, "hunt"))


def _secrets(args: HuntArgs) -> pulumi.Output[Mapping[str, str]]:
    """The service's secrets by the names of their files: it reads as one account and merges as another."""
    if args.master_key is None or args.source is None:
        # Kubernetes drops an empty map, and each update would put it there again.
        return pulumi.Output.secret({"key": ""})
    given = {"key": hunt_key(args.master_key), "reader": args.source.reader, "merger": args.source.merger}
    return pulumi.Output.secret(pulumi.Output.all(**given))


def teams_file(place: Place, teams: Sequence[Team]) -> str:
    """The service's file with the teams, and what texts call things by."""
    listed = [asdict(team) for team in teams]
    return json.dumps({"teams": listed, "branch": BRANCH, **asdict(place)}, indent=1)


def source_files() -> Mapping[str, str]:
    """The files of the hunt's program by their path below its folder."""
    found = [*_SOURCE.glob("*.py"), *_SOURCE.glob("pages/*")]
    return {file.relative_to(_SOURCE).as_posix(): file.read_text(encoding="utf-8") for file in sorted(found)}


def _nothing() -> pulumi.Output[Mapping[str, str]]:
    return pulumi.Output.secret(dict[str, str]())


def _teams(args: HuntArgs) -> Sequence[Team]:
    if args.source is None:
        return ()
    owner = args.source.organisation
    spaces = {name: namespace_of(name) for name in args.teams}
    return [Team(name=name, repository=f"{owner}/{space}", namespace=space) for name, space in spaces.items()]
