"""Small programs, each with one component, for the mock engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pulumi
import pulumi_rancher2 as rancher2
from pulumi_command import Provider as Ssh
from pulumi_kubernetes import Provider as Kubernetes
from pulumiverse_scaleway import Provider as Scaleway

from board import Board, BoardArgs
from common import settings
from common.helm import Charts
from common.keys import dns_key
from common.kubernetes_api import ApiServer, KubernetesApi
from common.namespaces import Quota
from common.settings import GitHub, Secret, Team, Teams
from common.settings.section import camel
from common.versions import CHARTS, Images
from game_app import GameApp, GameAppArgs, load_course
from game_app.delivery.image_registry import ImageRegistry, Registry, RegistryArgs
from gamemaster import DnsRecords, DnsRecordsArgs, GameMaster, Site
from observability import Observability, ObservabilityArgs
from tests.support import example

SECRET = "not-for-anybody's-eyes"
MASTER_KEY = dns_key()
COURSE = load_course("game_app/hunt/example")

SMALL_QUOTA = Quota(
    pods=1,
    cpu="1",
    memory="1Gi",
    storage="1Gi",
    container_cpu="1",
    container_memory="1Gi",
    container_storage="1Gi",
)
CHARTS_AS_PUBLISHED = Charts(repositories={name: chart.repository for name, chart in CHARTS.items()}, timeout=600)


def game_master_settings(changes: Mapping[str, object]) -> settings.Settings:
    """The example's settings, simpler beside the game master, with changes as `example.spoiled` takes them."""
    shared: dict[str, object] = {
        "subdomain": "hunt",
        "operators.cidrs": ["198.51.100.0/24"],
        "gamemaster.bootTimeoutSeconds": 300,
        "rancher.host": "rancher",
        "rancher.caBundle": example.MISSING,
        "delivery": {},
        "teams": {},
    }
    tree = example.spoiled(shared | dict(changes))
    return settings.parse(tree, tree["environment"])


def game_master(changes: Mapping[str, object] = MappingProxyType({})) -> GameMaster:
    return GameMaster(
        "gamemaster",
        game_master_settings(changes),
        opts=pulumi.ResourceOptions(providers=[Scaleway("scaleway"), Ssh("ssh")]),
        sites=[Site(host="status.hunt.example.org", upstream="http://127.0.0.1:9000")],
    )


def game_master_with_dns_records() -> None:
    master = game_master()
    DnsRecords(
        "dns-records",
        DnsRecordsArgs(host=master.host, zone=master.zone, a_records={"*.blue": "192.0.2.20", "play": "192.0.2.20"}),
        opts=pulumi.ResourceOptions(providers=[Ssh("other-ssh")]),
    )


ACME_DIRECTORY = "https://acme.example:8443/directory"


def board_settings(changes: Mapping[str, object] = MappingProxyType({})) -> settings.Settings:
    """The example's settings with a simpler board "blue", with changes as `example.spoiled` takes them."""
    shared: dict[str, object] = {
        "subdomain": "hunt",
        "sources.acmeDirectory": ACME_DIRECTORY,
        "delivery": {},
        "teams": {},
        "boards.blue.cni": "cilium",
        "boards.blue.pools": {"main": {"nodeType": "PRO2-XXS", "size": 2, "maxSize": 3}},
        "boards.blue.readyTimeoutSeconds": 1200,
        "boards.blue.allowReplacement": False,
    }
    tree = example.spoiled(shared | dict(changes))
    return settings.parse(tree, tree["environment"])


@dataclass(frozen=True)
class BoardKey:
    name: pulumi.Output[str]
    secret: pulumi.Output[str]

    @classmethod
    def of(cls, board: str, secret: str = SECRET) -> BoardKey:
        return cls(pulumi.Output.from_input(f"{board}.hunt.example.org"), pulumi.Output.secret(secret))


@dataclass(frozen=True)
class Rancher:
    provider: rancher2.Provider
    api_url: pulumi.Output[str]
    ca_certs: str | None
    machine: pulumi.Resource
    datastore: pulumi.Output[str]


def rancher_server(ca_certs: str | None = None) -> Rancher:
    provider = rancher2.Provider("rancher", api_url="https://rancher.example", token_key=pulumi.Output.secret(SECRET))
    machine = pulumi.ComponentResource("shambhala:tests:Machine", "machine")
    machine.register_outputs({"a": "machine"})
    url, datastore = pulumi.Output.from_input("https://rancher.example"), pulumi.Output.from_input("its data")
    return Rancher(provider, url, ca_certs, machine, datastore)


def managed_board(ca_certs: str | None = None) -> Board:
    return board(rancher=rancher_server(ca_certs))


def board(changes: Mapping[str, object] = MappingProxyType({}), *, rancher: Rancher | None = None) -> Board:
    return Board(
        "blue",
        BoardArgs(
            settings=board_settings(changes),
            board="blue",
            charts=CHARTS_AS_PUBLISHED,
            vpc_id="fr-par/vpc",
            zone="hunt.example.org",
            name_server="192.0.2.10",
            key=BoardKey.of("blue"),
            rancher=rancher,
        ),
        opts=pulumi.ResourceOptions(providers=[Scaleway("scaleway"), Ssh("ssh")]),
    )


BEHIND_A_GATEWAY: Mapping[str, object] = MappingProxyType({"boards.blue.pools.main.publicIp": False})
"""Changes of a board whose nodes have no public addresses."""


PUBLISHED = Images()
# The password is none that a stack may have: it is looked for among everything that is not secret.
OBSERVABILITY = settings.Observability.model_construct(
    grafana_admin_password=Secret(SECRET),
    loki_password=Secret(SECRET),
)


API_ADDRESSES = ["198.51.100.20/32"]
API = ApiServer(cidrs=API_ADDRESSES, ports=[6443])
"""A board's own API server, where a component is looked at alone."""
PLAYERS: Mapping[str, Sequence[str]] = {"red": ["ada", "grace"], "blue": ["linus"]}


def github_organisation() -> GitHub:
    return GitHub.model_construct(
        organization="hunters",
        account="hunt-operators",
        token=Secret(f"token-{SECRET}"),
        reader_token=Secret(f"reader-{SECRET}"),
        merge_token=Secret(f"merge-{SECRET}"),
        client_id="Ov23liAbCdEfGhIjKlMn",
        client_secret=Secret(f"client-{SECRET}"),
    )


PROJECT_ID = "6f1c3d2e-6d0a-4b62-9a50-3a1f0c3f0a11"


def registry_of_its_own(environment: str = "dev", project_id: str = PROJECT_ID) -> Registry:
    args = RegistryArgs(environment=environment, region="fr-par", project_id=project_id, allow_replacement=False)
    return Registry("registry", args, opts=pulumi.ResourceOptions(providers=[Scaleway("scaleway")]))


def registry(config: str = SECRET) -> ImageRegistry:
    return ImageRegistry(folder="registry.example/game", config=pulumi.Output.secret(config))


def delivery_settings(**changes: Any) -> settings.Delivery:
    """The delivery section of an environment in which teams play."""
    secret = Secret(SECRET)
    own = settings.Delivery.model_construct(master_key=Secret(MASTER_KEY), signing_key=secret, signing_password=secret)
    return own.model_copy(update=changes)


def game_settings(
    delivery: settings.Delivery, teams: Mapping[str, Sequence[str]], images: Images = PUBLISHED
) -> settings.Settings:
    """An environment in the zone hunt.example.org."""
    absent = dict.fromkeys(("gameApp", "delivery", "teams"), example.MISSING)
    own = settings.parse(example.spoiled({"subdomain": "hunt", **absent}), "dev")
    references = {camel(name): reference for name, reference in dataclasses.asdict(images).items()}
    changes = {
        "delivery": delivery,
        "teams": Teams(list=tuple(Team(name=name, players=tuple(accounts)) for name, accounts in teams.items())),
        "sources": own.sources.model_copy(update={"images": references, "registries": {}}),
    }
    return own.model_copy(update=changes)


@dataclass(frozen=True)
class BoardOutputs:
    """Outputs of a board without certificates."""

    api: ApiServer
    ingress_class: pulumi.Output[str] = dataclasses.field(default_factory=lambda: pulumi.Output.from_input("nginx"))
    ingress_ip: pulumi.Output[str] = dataclasses.field(default_factory=lambda: pulumi.Output.from_input("192.0.2.20"))
    dns_ip: pulumi.Output[str] = dataclasses.field(default_factory=lambda: pulumi.Output.from_input("10.32.0.10"))
    cluster_issuer: pulumi.Output[str] | None = None


def observability(
    own: settings.Observability = OBSERVABILITY, *, cluster_issuer: str | None = None, images: Images = PUBLISHED
) -> Observability:
    environment = game_settings(settings.Delivery(), {}, images)
    rancher = environment.rancher.model_copy(update={"host": "rancher"})
    environment = environment.model_copy(update={"observability": own, "rancher": rancher})
    issuer = None if cluster_issuer is None else pulumi.Output.from_input(cluster_issuer)
    return Observability(
        "observability",
        ObservabilityArgs(
            settings=environment,
            charts=CHARTS_AS_PUBLISHED,
            board=BoardOutputs(api=API, cluster_issuer=issuer),
            game_master_ip="10.20.0.2",
        ),
        opts=pulumi.ResourceOptions(providers=[Kubernetes("board")]),
    )


def game_app() -> GameApp:
    return _game_app(game_settings(settings.Delivery(), {}), None)


def game_app_with_delivery(
    teams: Mapping[str, Sequence[str]] = PLAYERS,
    images: Images = PUBLISHED,
    github: GitHub | None = None,
    images_registry: ImageRegistry | None = None,
) -> GameApp:
    own = delivery_settings(github=github, scm=settings.GITHUB if github else settings.GITEA)
    return _game_app(game_settings(own, teams, images), images_registry or registry())


def game_app_at_github() -> GameApp:
    return game_app_with_delivery(github=github_organisation())


def _game_app(own: settings.Settings, images_registry: ImageRegistry | None) -> GameApp:
    board = pulumi.ResourceOptions(providers=[Kubernetes("board")])
    return GameApp(
        "game",
        GameAppArgs(
            settings=own,
            course=COURSE,
            registry=images_registry,
            board=BoardOutputs(api=KubernetesApi("board-api", board).server),
        ),
        opts=board,
    )
