"""Gitea on the board, with the set-up beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from common.keys import derived
from common.naming import restricted_namespace
from common.versions import Images
from game_app.delivery.policies import BUILD_LABEL
from game_app.guard.pipelines import BRANCH, ORGANISATION
from game_app.ingress import Door, exposed
from game_app.isolation import Allowance, fenced, from_labelled, from_namespace, from_pods, to_api, to_dns, to_pods
from game_app.scm.configuration import GiteaSettings, app_ini
from game_app.workload import (
    container,
    files_volume,
    flat,
    folder_volume,
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
SETUP: Final = "setup"
"""Service account of the set-up."""
BUILDER, CLONER, MERGER, MAINTAINER = "drone-bot", "clone-bot", "merge-bot", "maintainer"
"""Accounts: Drone's own, that of builds, that which merges what is green, and the operators' own."""
_GITEA_USER: Final = 1000
_HERE: Final = Path(__file__).parent
_PROJECT: Final = _HERE.parents[1]
_PROGRAM: Final = ("game_app/guard/service", "game_app/scm/setup")
_ALLOWANCE: Final = Allowance(
    pods=2,
    cpu="4",
    memory="3Gi",
    storage="4Gi",
    container_cpu="2",
    container_memory="2Gi",
    container_storage="1Gi",
)


@dataclass(frozen=True, kw_only=True)
class ServerPlace:
    """Where Drone's server is."""

    namespace: str
    app: str
    port: int
    host: str
    """Its name inside the cluster."""
    public_url: pulumi.Input[str]
    token: pulumi.Input[str]
    """Its admin's token."""


@dataclass(frozen=True, kw_only=True)
class SourceControlArgs:
    """What Gitea holds, and for whom."""

    images: Images
    master_key: pulumi.Input[str]
    """Base64; every secret is derived from it."""
    door: Door
    """Where players find it."""
    ingress_namespace: str
    components: Sequence[str]
    """Names of the repositories that every player reads."""
    teams: Mapping[str, Sequence[str]]
    """Name of each team's repository to the accounts of its players."""
    pipelines: Mapping[str, str]
    """The guard's files, whose pipelines the set-up has Drone sign."""
    drone: ServerPlace
    api_cidrs: Sequence[str]
    """Networks in which the cluster's own API answers, which the set-up hands its results to."""
    hunt: tuple[str, str]
    """Namespace and name of the hunt's pods, which look at what teams write and merge what is green."""


class SourceControl(pulumi.ComponentResource):
    """Gitea with SQLite on a volume; beside it the set-up, which looks every minute that all is as planned.

    The administrator's token is made afresh with each pod, and the set-up alone has it.
    """

    url: pulumi.Output[str]
    """Where players find it, known once it is ready."""

    def __init__(self, name: str, args: SourceControlArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:SourceControl", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace", metadata={"name": NAMESPACE, "labels": dict(restricted_namespace(APP))}, opts=child
        ).metadata.name
        fenced(
            name,
            namespace,
            _ALLOWANCE,
            egress=[to_dns(), to_pods(args.drone.namespace, args.drone.app, args.drone.port), to_api(args.api_cidrs)],
            ingress=[
                from_namespace(args.ingress_namespace),
                from_pods(args.drone.namespace, args.drone.app, PORT),
                from_pods(*args.hunt, PORT),
                from_labelled("app.kubernetes.io/name", BUILD_LABEL, PORT),
            ],
            volumes=1,
            opts=child,
        )
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={"name": SETUP, "namespace": namespace},
            automount_service_account_token=False,
            opts=child,
        )
        volumes = [
            *self._files(name, namespace, args),
            *self._secrets(name, namespace, args),
            scratch_volume("token", "1Mi"),
            scratch_volume("scratch", "256Mi"),
            _account_volume(),
        ]
        spec = pod(
            [_gitea(args.images.gitea), _setup(args.images.python)],
            init=[_prepare(args.images.gitea)],
            volumes=volumes,
            user=_GITEA_USER,
            service_account=account.metadata.name,
            automount=False,
        )
        running = stateful_set(name, APP, namespace, spec, volume="data", size="10Gi", opts=child)
        # No value flows, but a Service counts as ready only once it has endpoints.
        door = service(name, APP, namespace, PORT, pulumi.ResourceOptions(parent=self, depends_on=[running]))
        exposed(name, APP, namespace, door.metadata.name, args.door, opts=child)
        self.url = pulumi.Output.all(args.door.url, door.id).apply(lambda values: f"{values[0]}/")
        self.register_outputs({"url": self.url})

    def _files(self, name: str, namespace: pulumi.Output[str], args: SourceControlArgs) -> list[k8s.core.v1.VolumeArgs]:
        child = pulumi.ResourceOptions(parent=self)
        ini = args.door.url.apply(lambda url: app_ini(GiteaSettings(root_url=f"{url}/", drone_host=args.drone.host)))
        program = program_files()
        made: list[k8s.core.v1.VolumeArgs] = []
        for files, data in (
            ("configuration", {"app.ini": ini, "prepare.sh": (_HERE / "scripts" / "prepare.sh").read_text()}),
            ("pipelines", args.pipelines),
            ("program", flat(program)),
        ):
            held = k8s.core.v1.ConfigMap(
                f"{name}-{files}", metadata={"name": files, "namespace": namespace}, data=dict(data), opts=child
            ).metadata.name
            made.append(folder_volume(files, held, program) if files == "program" else files_volume(files, held))
        return made

    def _secrets(
        self, name: str, namespace: pulumi.Output[str], args: SourceControlArgs
    ) -> list[k8s.core.v1.VolumeArgs]:
        child = pulumi.ResourceOptions(parent=self)
        master = pulumi.Output.secret(args.master_key)
        keys = master.apply(gitea_keys)
        plan = pulumi.Output.all(master, args.drone.public_url, args.drone.token).apply(
            lambda values: json.dumps(_plan(args, *values))
        )
        made: list[k8s.core.v1.VolumeArgs] = []
        for secret, data in (("keys", keys), ("plan", plan.apply(lambda text: {"plan.json": text}))):
            held = k8s.core.v1.Secret(
                f"{name}-{secret}",
                metadata={"name": secret, "namespace": namespace},
                string_data=data,
                opts=child,
            )
            made.append(secret_volume(secret, held.metadata.name))
        return made


def program_files() -> Mapping[str, str]:
    """The set-up's files by their path in this project."""
    return {
        str(file.relative_to(_PROJECT)): file.read_text()
        for folder in _PROGRAM
        for file in sorted((_PROJECT / folder).glob("*.py"))
    }


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


def _plan(args: SourceControlArgs, master: str, drone_public_url: str, drone_token: str) -> Mapping[str, Any]:
    """What the set-up makes; see `setup.plan`."""
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
    """What the set-up makes, as its file has it."""
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
            *({"name": name, "readers": [], "writers": [MAINTAINER]} for name in components),
            *({"name": name, "readers": list(readers), "writers": []} for name, readers in teams.items()),
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


def _setup(image: str) -> k8s.core.v1.ContainerArgs:
    return container(
        "setup",
        image,
        cpu="20m",
        memory="128Mi",
        entrypoint=[
            *("python", "-B", "-E", "-s", "-m", "game_app.scm.setup", "--plan=/etc/setup/plan.json"),
            *("--pipelines=/etc/pipelines", "--token=/token/token"),
            *("--secret=application=delivery/drone-oauth", "--secret=signatures=guard/signatures"),
        ],
        mounts={
            "program": "/srv",
            "plan": "/etc/setup",
            "pipelines": "/etc/pipelines",
            "token": "/token",
            "account": "/var/run/secrets/kubernetes.io/serviceaccount",
        },
        work_in="/srv",
    )


_GITEA_MOUNTS: Final = {
    "data": "/var/lib/gitea",
    "configuration": "/etc/gitea/configuration",
    "keys": "/etc/gitea/secrets",
    "scratch": "/tmp",  # noqa: S108 - Gitea's own scratch folder
}


def _gitea_command() -> k8s.core.v1.EnvVarArgs:
    return k8s.core.v1.EnvVarArgs(name="GITEA_CONFIG", value="/etc/gitea/configuration/app.ini")


def _account_volume() -> k8s.core.v1.VolumeArgs:
    """The set-up's own account, for its container alone: Gitea has no business with the cluster."""
    core = k8s.core.v1
    return core.VolumeArgs(
        name="account",
        projected=core.ProjectedVolumeSourceArgs(
            sources=[
                core.VolumeProjectionArgs(
                    service_account_token=core.ServiceAccountTokenProjectionArgs(path="token", expiration_seconds=3600)
                ),
                core.VolumeProjectionArgs(
                    config_map=core.ConfigMapProjectionArgs(
                        name="kube-root-ca.crt", items=[core.KeyToPathArgs(key="ca.crt", path="ca.crt")]
                    )
                ),
            ]
        ),
    )
