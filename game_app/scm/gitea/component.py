"""Gitea on the board, with the set-up beside it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from common.keys import derived
from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    NetworkRule,
    allow_dns_egress,
    allow_egress,
    allow_ingress,
    allow_ingress_controller,
    allow_kubernetes_api_egress,
    pods_of,
    pods_of_namespaces,
    ports,
)
from common.versions import Images
from game_app.budget import COMPONENT, TEAM
from game_app.delivery.policies import BUILD_LABEL
from game_app.guard.pipelines import BRANCH
from game_app.ingress import Door, exposed
from game_app.scm.gitea.configuration import GiteaSettings, app_ini
from game_app.scm.setting_up import ACCOUNT, SetUp, account
from game_app.scm.source import ServerPlace, Source
from game_app.workload import (
    container,
    files_volume,
    http_probe,
    pod,
    scratch_volume,
    secret_volume,
    service,
    stateful_set,
)

NAMESPACE: Final = "scm"
APP: Final = "gitea"
PORT: Final = 3000
URL: Final = f"http://{APP}.{NAMESPACE}.svc.cluster.local:{PORT}"
PUSH_MB: Final = 64
"""MiB of the largest push; Git sends all of it in one request."""
ORGANISATION: Final = "game"
"""Owner of every repository that is built."""
BUILDER, CLONER, MERGER, MAINTAINER = "drone-bot", "clone-bot", "merge-bot", "maintainer"
"""Accounts: Drone's own, that of builds, that which merges what is green, and the operators' own."""
_GITEA_USER: Final = 1000
_HERE: Final = Path(__file__).parent
_QUOTA: Final = Quota(
    pods=2,
    cpu="4",
    memory="3Gi",
    storage="4Gi",
    container_cpu="2",
    container_memory="2Gi",
    container_storage="1Gi",
    volume_claims=1,
)


@dataclass(frozen=True, kw_only=True)
class GiteaArgs:
    """What Gitea holds, and for whom."""

    images: Images
    master_key: pulumi.Input[str]
    """Base64; every secret is derived from it."""
    door: Door
    """Where players find it."""
    components: Sequence[str]
    """Names of the repositories that every player reads."""
    teams: Mapping[str, Sequence[str]]
    """Name of each team's repository to the accounts of its players."""
    pipelines: Mapping[str, str]
    """The guard's files, whose pipelines the set-up has Drone sign."""
    drone: ServerPlace
    api: ApiServer
    """The cluster's own API, for the set-up."""
    hunt: tuple[str, str]
    """Namespace and name of the hunt's pods, which look at what teams write and merge what is green."""


class Gitea(pulumi.ComponentResource):
    """Gitea with SQLite on a volume; beside it the set-up, which looks every minute that all is as planned.

    The administrator's token is made afresh with each pod, and the set-up alone has it.
    """

    url: pulumi.Output[str]
    """Where players find it, known once it is ready and its certificate is signed."""

    def __init__(self, name: str, args: GiteaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Gitea", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(name=NAMESPACE, app=APP, quota=_QUOTA, network_rules=network_rules(args)),
            opts=child,
        ).name
        set_up = _set_up(args)
        spec = pod(
            [
                _gitea(args.images.gitea),
                set_up.container(options=["--token=/token/token"], mounts={"token": "/token"}),
            ],
            init=[_prepare(args.images.gitea)],
            volumes=[
                self._configuration(name, namespace, args),
                self._keys(name, namespace, args),
                *set_up.volumes(name, namespace, child),
                scratch_volume("token", "1Mi"),
                scratch_volume("scratch", "256Mi"),
            ],
            user=_GITEA_USER,
            service_account=account(name, namespace, child),
            automount=False,
        )
        running = stateful_set(name, APP, namespace, spec, volume="data", size="10Gi", opts=child)
        # No value flows, but a Service counts as ready only once it has endpoints.
        door = service(name, APP, namespace, PORT, pulumi.ResourceOptions(parent=self, depends_on=[running]))
        self.url = pulumi.Output.concat(
            exposed(name, APP, namespace, door.metadata.name, args.door, body_mb=PUSH_MB, opts=child), "/"
        )
        self.register_outputs({"url": self.url})

    def _configuration(self, name: str, namespace: pulumi.Output[str], args: GiteaArgs) -> k8s.core.v1.VolumeArgs:
        ini = args.door.url.apply(lambda url: app_ini(GiteaSettings(root_url=f"{url}/", drone_host=args.drone.host)))
        held = k8s.core.v1.ConfigMap(
            f"{name}-configuration",
            metadata={"name": "configuration", "namespace": namespace},
            data={"app.ini": ini, "prepare.sh": (_HERE / "scripts" / "prepare.sh").read_text()},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return files_volume("configuration", held.metadata.name)

    def _keys(self, name: str, namespace: pulumi.Output[str], args: GiteaArgs) -> k8s.core.v1.VolumeArgs:
        held = k8s.core.v1.Secret(
            f"{name}-keys",
            metadata={"name": "keys", "namespace": namespace},
            string_data=pulumi.Output.secret(args.master_key).apply(gitea_keys),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret_volume("keys", held.metadata.name)


def network_rules(args: GiteaArgs) -> Sequence[NetworkRule]:
    """Network of Gitea and its set-up."""
    drone = pods_of(args.drone.namespace, args.drone.app)
    return [
        allow_dns_egress(),
        NetworkRule(
            name="allow-drone",
            egress=[{"to": [drone], "ports": ports(args.drone.port)}],
            ingress=[{"from_": [drone], "ports": ports(PORT)}],
        ),
        allow_kubernetes_api_egress(args.api),
        allow_ingress_controller(),
        allow_ingress("allow-hunt", pods_of(*args.hunt), PORT),
        allow_ingress("allow-builds", pods_of_namespaces("app.kubernetes.io/name", BUILD_LABEL), PORT),
    ]


def source(*, master_key: pulumi.Input[str], door: Door, drone: ServerPlace, players: Sequence[str]) -> Source:
    """Gitea as the rest of the game sees it. players: their accounts."""
    master = pulumi.Output.secret(master_key)
    passwords = {name: master.apply(_password_of(name)) for name in (CLONER, MERGER)}
    return Source(
        speaks="gitea",
        organisation=ORGANISATION,
        players_url=pulumi.Output.concat(door.url, "/"),
        pods_url=URL,
        builds_url=URL,
        egress=allow_egress("allow-gitea", pods_of(NAMESPACE, APP), PORT),
        webhooks=allow_ingress("allow-webhooks", pods_of(NAMESPACE, APP), drone.port),
        setup=(NAMESPACE, ACCOUNT),
        drone={
            "DRONE_GITEA_SERVER": URL,
            # Its default is no scope that Gitea knows, for which Gitea grants everything.
            "DRONE_GITEA_SCOPE": "write:repository,read:user,read:organization",
        },
        drone_secrets={},
        drone_awaits={"DRONE_GITEA_CLIENT_ID": "id", "DRONE_GITEA_CLIENT_SECRET": "secret"},
        builder=BUILDER,
        cloner=CLONER,
        cloner_password=passwords[CLONER],
        reader=pulumi.Output.concat(CLONER, ":", passwords[CLONER]),
        merger=pulumi.Output.concat(MERGER, ":", passwords[MERGER]),
        maintainer_password=master.apply(_password_of(MAINTAINER)),
        passwords=master.apply(lambda key: {player: account_password(key, player) for player in players}),
    )


def gitea_keys(master: str) -> Mapping[str, str]:
    """What Gitea signs and encrypts with, by the names of the files that `app.ini` names."""
    jwt = base64.urlsafe_b64encode(bytes.fromhex(derived(master, "gitea-jwt"))).decode().rstrip("=")
    return {
        "secret-key": derived(master, "gitea-secret-key"),
        "internal-token": derived(master, "gitea-internal-token"),
        "jwt-secret": jwt,
    }


def account_password(master: str, account: str) -> str:
    """The first password of an account: 32 hexadecimal digits, which a player can type."""
    return derived(master, f"account-{account}")[:32]


def _password_of(name: str) -> Callable[[str], str]:
    return lambda master: account_password(master, name)


def _set_up(args: GiteaArgs) -> SetUp:
    known = pulumi.Output.all(args.master_key, args.drone.public_url, args.drone.token)
    return SetUp(
        image=args.images.python,
        scm="gitea",
        plan=pulumi.Output.secret(known).apply(lambda values: _plan(args, *values)),
        pipelines=args.pipelines,
        secrets={"application": args.drone.application, "signatures": args.drone.signatures},
    )


def _plan(args: GiteaArgs, master: str, drone_public_url: str, drone_token: str) -> Mapping[str, Any]:
    return plan(
        components=args.components,
        teams=args.teams,
        master=master,
        scm_url=f"http://127.0.0.1:{PORT}",
        drone_url=f"http://{args.drone.host}:{args.drone.port}",
        drone_public_url=drone_public_url,
        drone_token=drone_token,
    )


def plan(
    *,
    components: Sequence[str],
    teams: Mapping[str, Sequence[str]],
    master: str,
    scm_url: str,
    drone_url: str,
    drone_public_url: str,
    drone_token: str,
) -> Mapping[str, Any]:
    """What the set-up makes, as its file has it (`setup.plan`)."""
    players = [player for team in teams.values() for player in team]
    return {
        "organisation": ORGANISATION,
        "branch": BRANCH,
        "scm_url": scm_url,
        "drone_url": drone_url,
        "drone_public_url": drone_public_url,
        "drone_token": drone_token,
        "builder": BUILDER,
        "cloner": CLONER,
        "merger": MERGER,
        "passwords": {name: account_password(master, name) for name in (BUILDER, CLONER, MERGER, MAINTAINER, *players)},
        "repositories": [
            *({"name": name, "minutes": COMPONENT, "readers": [], "writers": [MAINTAINER]} for name in components),
            *(
                {"name": name, "minutes": TEAM, "readers": list(readers), "writers": []}
                for name, readers in teams.items()
            ),
        ],
    }


def _prepare(image: str) -> k8s.core.v1.ContainerArgs:
    return container(
        "prepare",
        image,
        cpu="100m",
        memory="512Mi",
        entrypoint=["sh", "/etc/gitea/configuration/prepare.sh"],
        env=[_gitea_command()],
        mounts={**_GITEA_MOUNTS, "token": "/token"},
        writable=["data", "scratch", "token"],
    )


def _gitea(image: str) -> k8s.core.v1.ContainerArgs:
    return container(
        "gitea",
        image,
        cpu="200m",
        memory="1Gi",
        port=PORT,
        entrypoint=["gitea", "--config", "/etc/gitea/configuration/app.ini", "web"],
        mounts=_GITEA_MOUNTS,
        writable=["data", "scratch"],
        probe=http_probe("/api/healthz"),
    )


_GITEA_MOUNTS: Final = {
    "data": "/var/lib/gitea",
    "configuration": "/etc/gitea/configuration",
    "keys": "/etc/gitea/secrets",
    "scratch": "/tmp",  # noqa: S108 - Gitea's own scratch folder
}


def _gitea_command() -> k8s.core.v1.EnvVarArgs:
    return k8s.core.v1.EnvVarArgs(name="GITEA_CONFIG", value="/etc/gitea/configuration/app.ini")
