"""The game's settings: read once, checked together, then passed down. No component reads the configuration itself.

`load` reads what the engine was configured with; `parse` does the same from plain objects. Both give
`Settings`, or raise one `SettingsError` that names every wrong setting. The keys are those that
`Pulumi.yaml` documents: a field `parent_zone` is the key `shambhala:parentZone`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Mapping, Sequence
from importlib.util import find_spec
from ipaddress import IPv4Network
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, get_args

import pulumi
from pulumi.runtime import config as engine

from common import kinds
from common.fields import Container, ListOf, MapOf, Secret, Section, camel, section, setting, settings_of
from common.github import ANSWERS_A_MINUTE, GitHub, is_login
from common.images import PINNED, asks_no_extension, image, mirror, registry, registry_of, resolved
from common.keys import bare_public_key, public_key_of
from common.plain import boolean, integer, one_of, optional, secret
from common.problems import HIDDEN, Place, Problem, closest
from common.rules import Conflict, left_out, rule
from common.stack_file import plain_secrets, stored
from common.teams import Teams
from common.versions import ACME_DIRECTORIES, CHARTS, HELM, K3S, Images

NAMESPACE: Final = "shambhala"
REHEARSAL: Final = "rehearsal"
Environment = Literal["dev", "staging", "production", "rehearsal"]
ENVIRONMENTS: Final[tuple[Environment, ...]] = get_args(Environment)
REGIONS: Final = ("fr-par", "nl-ams", "pl-waw")
ZONES: Final = tuple(f"{region}-{number}" for region in REGIONS for number in (1, 2, 3))
DAYS: Final = ("any", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
REPELLING: Final = ("NoSchedule", "NoExecute")
"""Effects of a taint by which a node takes no pod that does not tolerate it."""
VOLUME_TYPES: Final = ("l_ssd", "sbs_5k", "sbs_15k")
EVERYWHERE: Final = "0.0.0.0/0"
GRAFANA: Final = "grafana"
GITEA, GITHUB = "gitea", "github"
INSTALL_GITHUB: Final = ".venv/bin/pip install -r requirements-github.txt"
ANSWERS_FOR_A_TEAM: Final = 4
"""What the hunt asks the source control at each look at a team, for its step and its pull requests."""
USABLE_PERCENT: Final = 80
"""Part of a volume for logs that they may fill: the rest is for what is not deleted yet."""
_PUBLISHERS: Final = {name: chart.repository for name, chart in CHARTS.items()}


HOW_TO_MEND: Final = (
    "Below each stands what mends it, with your own VALUE, FILE or NAME; a secret is asked for, and not shown."
)


class SettingsError(pulumi.RunError):
    """Settings are wrong. The text lists each: its key, its value unless secret, and what is allowed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        listed = "\n".join(f"  {NAMESPACE}:{problem}" for problem in problems)
        text = f"{count} wrong. Nothing was changed. {HOW_TO_MEND}\n{listed}"
        # Half of a surrogate pair, which JSON lets stand in a name, can be neither sent nor printed.
        super().__init__(text.encode(errors="backslashreplace").decode())


@section
class Scaleway:
    """Where at Scaleway the game stands, and with whose rights it is raised."""

    region: str = setting(one_of(REGIONS))
    """Region of the board and of the private networks."""
    zone: str = setting(one_of(ZONES))
    """Availability zone of the game master; it lies in the region."""
    project_id: str = setting(kinds.identifier)
    """Project that everything belongs to and is billed to."""
    organization_id: str | None = setting(optional(kinds.identifier), default=None)
    """Organisation of the project; needed only where the API key belongs to several."""
    access_key: Secret = setting(kinds.access_key)
    """Public half of the API key, kept secret all the same."""
    secret_key: Secret = setting(kinds.secret_key)
    """Secret half of the API key."""
    api_url: str = setting(kinds.web_url, default="https://api.scaleway.com")
    """Where Scaleway's API answers; a rehearsal's answers on loopback."""

    @rule
    def zone_in_region(self) -> Generator[Conflict]:
        if not self.zone.startswith(f"{self.region}-"):
            yield Conflict("zone", self.zone, f"must lie in the region {self.region}, such as {self.region}-1")


@section
class Operators:
    """The people who run the game: from where and with which key they reach the game master."""

    cidrs: tuple[str, ...] = setting(ListOf(kinds.cidr, least=1))
    """IPv4 networks from which port 22 of the game master answers."""
    ssh_public_key: str = setting(kinds.public_key)
    """The key that the game master lets in as root."""
    ssh_private_key: Secret = setting(kinds.private_key)
    """Its private half, with which the program sets the game master up."""

    @rule
    def keys_match(self) -> Generator[Conflict]:
        if public_key_of(self.ssh_private_key.value) != bare_public_key(self.ssh_public_key):
            yield Conflict("sshPrivateKey", None, "must be the private half of operators.sshPublicKey")


@section
class Players:
    """The people who play: from where their own machines reach a board."""

    cidrs: tuple[str, ...] = setting(ListOf(kinds.cidr), default=())
    """IPv4 networks from which their kubectl reaches every board's Kubernetes API, once teams play.

    They come beside the operators' own `boards.NAME.apiCidrs`. Where there are none, steps that need kubectl, such as
    the last one of the example hunt, cannot be done from the players' machines.
    """


@section
class HostKey:
    """The game master's SSH host key: given at first boot, so that it is known before the first connection."""

    public: str = setting(kinds.public_key)
    """What clients must find there."""
    private: Secret = setting(kinds.private_key)
    """What the game master proves itself with."""

    @rule
    def keys_match(self) -> Generator[Conflict]:
        if public_key_of(self.private.value) != bare_public_key(self.public):
            yield Conflict("private", None, "must be the private half of gamemaster.hostKey.public")


@section
class GameMaster:
    """The Instance that answers for the game's names and holds its tools."""

    type: str = setting(kinds.instance_type)
    """Commercial type of the Instance, such as PLAY2-MICRO."""
    image: str = setting(one_of(("debian_trixie",)), default="debian_trixie")
    """Label of the image; the set-up is written for Debian 13."""
    volume_size_gb: int = setting(integer(10, 10_000, "GB"), default=20)
    """Size of the root volume, in gigabytes of 10^9 bytes."""
    volume_type: str = setting(one_of(("sbs_volume", "l_ssd")), default="sbs_volume")
    """Block storage (sbs_volume) or a disk of the hypervisor (l_ssd)."""
    subnet: str = setting(kinds.subnet)
    """IPv4 network (CIDR) of its private network."""
    host_key: HostKey = setting(Section(HostKey))
    """Its SSH host key."""
    dns_update_key: Secret = setting(kinds.dns_key)
    """TSIG key (HMAC-SHA256, base64) that may change the game's zone."""
    boot_timeout_seconds: int = setting(integer(30, 3600, "seconds"), default=300)
    """Seconds that the Instance may take until SSH answers and cloud-init is done."""


@section
class Certificates:
    """The game master's certificates."""

    authority: str = setting(one_of(("production", "staging", "none")), default="production")
    """Let's Encrypt, its rehearsal for trials, or none: the game master then serves names only, nothing on the web."""
    email: str | None = setting(optional(kinds.email), default=None)
    """Where the authority may write to when a certificate is about to end."""
    delegation_timeout_seconds: int = setting(integer(0, 86_400, "seconds"), default=600)
    """Seconds to wait, before asking for any, until the parent domain leads to the game master; 0 does not look."""


@section
class Rancher:
    """What manages the boards, on the game master's own K3s."""

    enabled: bool = setting(boolean, default=False)
    """Whether the game master has K3s and Rancher; it needs 4 GB of memory then."""
    host: str = setting(kinds.label, default="rancher")
    """The label under which operators reach it in the game's zone."""
    bootstrap_password: Secret | None = setting(optional(kinds.password), default=None)
    """The first password of its user `admin`; needed where it is enabled."""
    admin_password: Secret | None = setting(optional(kinds.password), default=None)
    """The password that takes its place; needed where it is enabled."""
    api_url: str | None = setting(optional(kinds.web_url), default=None)
    """Where this program reaches it; by default where everybody does."""
    ca_bundle: str | None = setting(optional(kinds.certificates), default=None)
    """What this program and the boards' agents trust when talking to it, where its certificate is not a public one."""

    @rule
    def passwords_where_enabled(self) -> Generator[Conflict]:
        for key, value in (("bootstrapPassword", self.bootstrap_password), ("adminPassword", self.admin_password)):
            if self.enabled and value is None:
                yield Conflict(key, "", "must be given where rancher.enabled is true")
        if self.admin_password and self.admin_password == self.bootstrap_password:
            yield Conflict(
                "adminPassword", None, "must not be rancher.bootstrapPassword, which is stored in the cluster"
            )


@section
class Taint:
    """A Kubernetes taint: what keeps pods off a pool's nodes unless they tolerate it."""

    key: str = setting(kinds.label_key)
    """Its key."""
    value: str = setting(kinds.label_value, default="")
    """Its value."""
    effect: str = setting(one_of(("NoSchedule", "PreferNoSchedule", "NoExecute")))
    """What becomes of pods that do not tolerate it."""


@section
class Pool:
    """Nodes of one type in a board."""

    node_type: str = setting(kinds.node_type)
    """Commercial type of each node."""
    size: int = setting(integer(1, 500, "nodes"))
    """Number of nodes; with autoscaling, the number at the start."""
    min_size: int = setting(integer(1, 500, "nodes"), default=1)
    """Fewest nodes that autoscaling leaves."""
    max_size: int = setting(integer(1, 500, "nodes"), default=10)
    """Most nodes that autoscaling adds up to."""
    autoscaling: bool = setting(boolean, default=False)
    """Whether the number of nodes follows the load."""
    autohealing: bool = setting(boolean, default=True)
    """Whether a node that stops answering is replaced."""
    root_volume_size_gb: int = setting(integer(20, 10_000, "GB"), default=20)
    """Size of each node's root volume, in gigabytes of 10^9 bytes."""
    labels: Mapping[str, str] = setting(MapOf(kinds.label_key, kinds.label_value), default={})
    """Kubernetes labels of each node."""
    taints: tuple[Taint, ...] = setting(ListOf(Section(Taint)), default=())
    """Kubernetes taints of each node."""
    root_volume_type: str | None = setting(optional(one_of(VOLUME_TYPES)), default=None)
    """Disk of the hypervisor (l_ssd) or block storage of 5000 or 15000 operations a second; by default Scaleway's."""
    public_ip: bool = setting(boolean, default=True)
    """Whether each node has a public address; without, the board's network gets a Public Gateway as its way out."""
    zone: str | None = setting(optional(one_of(ZONES)), default=None)
    """Availability zone of the nodes; by default the game master's."""

    @rule
    def size_within_bounds(self) -> Generator[Conflict]:
        if self.min_size > self.max_size:
            yield Conflict("minSize", self.min_size, f"must be at most maxSize ({self.max_size})")
        elif not self.min_size <= self.size <= self.max_size:
            yield Conflict(
                "size", self.size, f"must lie between minSize ({self.min_size}) and maxSize ({self.max_size})"
            )


@section
class AutoUpgrade:
    """When Scaleway may install patch releases of Kubernetes on a board."""

    day: str = setting(one_of(DAYS))
    """Day of the week."""
    start_hour: int = setting(integer(0, 23, "o'clock UTC"))
    """Hour, in UTC, at which the maintenance window of two hours opens."""


@section
class Board:
    """A Kubernetes cluster on which the game is played."""

    kubernetes_version: str = setting(kinds.kubernetes_minor)
    """Minor version; Scaleway keeps the patch release current."""
    cni: str = setting(one_of(("cilium", "calico")), default="cilium")
    """Container network plugin."""
    subnet: str = setting(kinds.subnet)
    """IPv4 network (CIDR) of its private network."""
    pools: Mapping[str, Pool] = setting(MapOf(kinds.label, Section(Pool), least=1))
    """Its pools of nodes, by name."""
    api_cidrs: tuple[str, ...] = setting(ListOf(kinds.cidr, least=1))
    """IPv4 networks from which its Kubernetes API answers."""
    auto_upgrade: AutoUpgrade = setting(Section(AutoUpgrade))
    """Its maintenance window."""
    ready_timeout_seconds: int = setting(integer(30, 7200, "seconds"), default=1200)
    """Seconds that a pool may take until its nodes are ready."""
    allow_replacement: bool = setting(boolean, default=False)
    """The word without which its cluster, once made, is neither replaced nor removed."""

    @rule
    def some_pool_takes_every_pod(self) -> Generator[Conflict]:
        kept_off = {
            name: [f"{taint.key}={taint.value}:{taint.effect}" for taint in pool.taints if taint.effect in REPELLING]
            for name, pool in self.pools.items()
        }
        if all(kept_off.values()):
            allowed = "must be left out of one pool at least: no pod of the game, nor the cluster's own, tolerates it"
            name = next(iter(kept_off))
            yield Conflict(("pools", name, "taints"), kept_off[name], allowed, remedy=left_out)


@section
class ObjectStorage:
    """A bucket for logs, where one volume is too small; made beforehand, in a region near the board."""

    endpoint: str = setting(kinds.domain)
    """Host name at which the storage answers, such as s3.fr-par.scw.cloud."""
    region: str = setting(kinds.label)
    """Region of the bucket."""
    bucket: str = setting(kinds.label)
    """Name of the bucket."""
    access_key: Secret = setting(kinds.unquoted_key)
    """Public half of a key that may read and write in the bucket, and nothing else."""
    secret_key: Secret = setting(kinds.unquoted_key)
    """Secret half of it."""


@section
class Logs:
    """How long logs are kept, and where."""

    retention_days: int = setting(integer(1, 365, "days"), default=14)
    """Days after which a line is deleted."""
    daily_gb: int = setting(integer(1, 1000, "GB"), default=1)
    """What the whole game logs in a day, compressed, in gigabytes of 10^9 bytes."""
    volume_size_gb: int = setting(integer(5, 10_000, "GB"), default=20)
    """Size of the volume for logs, in gigabytes of 10^9 bytes; with object storage it holds the newest only."""
    object_storage: ObjectStorage | None = setting(Section[ObjectStorage | None](ObjectStorage), default=None)
    """Where logs are kept beyond the volume."""
    replicas: int = setting(integer(1, 20, "pods"), default=1)
    """Number of Loki's pods; more than one share the object storage, and three of them keep each new line."""

    @rule
    def several_share_a_storage(self) -> Generator[Conflict]:
        if self.replicas == 2:
            yield Conflict("replicas", 2, "must be 1, or at least 3, of which one may fail")
        if self.replicas > 1 and self.object_storage is None:
            yield Conflict("replicas", self.replicas, "must be 1 without objectStorage, which several share")

    @rule
    def retention_fits_the_volume(self) -> Generator[Conflict]:
        room = self.volume_size_gb * USABLE_PERCENT // 100
        if self.object_storage is None and self.retention_days * self.daily_gb > room:
            yield Conflict(
                "retentionDays",
                self.retention_days,
                f"must fit the volume: {self.daily_gb} GB a day for at most {room // self.daily_gb} days in "
                f"{USABLE_PERCENT} % of {self.volume_size_gb} GB; raise volumeSizeGb or set objectStorage",
            )


@section
class Metrics:
    """How long metrics are kept."""

    retention_days: int = setting(integer(1, 365, "days"), default=14)
    """Days after which a sample is deleted; the oldest go earlier when the volume is full."""
    volume_size_gb: int = setting(integer(5, 10_000, "GB"), default=10)
    """Size of the volume for metrics, in gigabytes of 10^9 bytes."""


@section
class SignIn:
    """Where operators sign in who may look at Grafana and change nothing."""

    provider: str = setting(one_of(("oidc", "rancher")), default="oidc")
    """Any OpenID Connect provider by its addresses, or the game's own Rancher, which needs none."""
    client_id: str = setting(kinds.label)
    """Grafana's name at the provider."""
    client_secret: Secret = setting(kinds.unquoted_key)
    """Its secret there."""
    authorize_url: str | None = setting(optional(kinds.web_url), default=None)
    """Where users sign in."""
    token_url: str | None = setting(optional(kinds.web_url), default=None)
    """Where Grafana redeems what they come back with."""
    userinfo_url: str | None = setting(optional(kinds.web_url), default=None)
    """Where Grafana asks who they are."""

    @rule
    def addresses_of_a_stranger(self) -> Generator[Conflict]:
        for key in ("authorize_url", "token_url", "userinfo_url"):
            value = getattr(self, key)
            if self.provider == "oidc" and value is None:
                yield Conflict(camel(key), "", "must be given where signIn.provider is oidc")
            if self.provider == "rancher" and value is not None:
                allowed = "must be left out where signIn.provider is rancher, whose it is known"
                yield Conflict(camel(key), value, allowed, remedy=left_out)


@section
class Mail:
    """Alerts by e-mail."""

    to: str = setting(kinds.email)
    """Who gets them."""
    sender: str = setting(kinds.email)
    """Whom they come from."""
    server: str = setting(kinds.mail_server)
    """The server that takes them, by TLS."""
    user: str = setting(kinds.email)
    """Name there."""
    password: Secret = setting(kinds.password)
    """Password there."""


@section
class Notify:
    """Where alerts go, beside the page that shows them."""

    webhook_url: Secret | None = setting(optional(secret(kinds.web_url)), default=None)
    """Where Alertmanager posts them as JSON; whoever knows the address may post there, so it is secret."""
    mail: Mail | None = setting(Section[Mail | None](Mail), default=None)
    """By e-mail."""

    @rule
    def somewhere(self) -> Generator[Conflict]:
        if self.webhook_url is None and self.mail is None:
            yield Conflict("webhookUrl", "", "must be given where notify.mail is not")


@section
class Observability:
    """What watches the game."""

    grafana_admin_password: Secret = setting(kinds.unquoted_password)
    """Password of Grafana's user `admin`."""
    loki_password: Secret = setting(kinds.unquoted_password)
    """Password with which logs are written to Loki and read from it."""
    players: int = setting(integer(1, 10_000, "players"), default=100)
    """How many players it is sized for; 20 teams of five by default."""
    logs: Logs = setting(Section(Logs), default=Logs())
    """How long logs are kept, and where."""
    metrics: Metrics = setting(Section(Metrics), default=Metrics())
    """How long metrics are kept."""
    sign_in: SignIn | None = setting(Section[SignIn | None](SignIn), default=None)
    """Who else may look; by default only `admin` signs in."""
    notify: Notify | None = setting(Section[Notify | None](Notify), default=None)
    """Whom alerts wake; by default they are only shown."""
    stuck_after_minutes: int = setting(integer(5, 1440, "minutes"), default=45)
    """Minutes without a passed step after which a team counts as stuck, while the hunt runs."""


@section
class GameApp:
    """The hunt."""

    host: str = setting(kinds.label, default="play")
    """The label under which players reach its page in the game's zone."""
    hunt: str = setting(kinds.folder, default="game_app/hunt/example")
    """What is played: the folder with its steps."""
    check_seconds: int = setting(integer(5, 600, "seconds"), default=15)
    """Seconds between two looks at every team's step; a team may ask at any time."""


@section
class Delivery:
    """The players' source control and the game's continuous deployment; without its key there is neither."""

    master_key: Secret | None = setting(optional(kinds.dns_key), default=None)
    """What every secret between the parts and every account's first password is derived from."""
    components: tuple[str, ...] = setting(ListOf(kinds.component, least=1), default=("portal",))
    """Repositories of the game's own components."""
    registry: str | None = setting(optional(kinds.image_folder), default=None)
    """Where the components' images go; by default into a registry at Scaleway that the program makes."""
    registry_config: Secret | None = setting(optional(kinds.registry_config), default=None)
    """The login with which they are pushed and pulled there; needed where registry is given."""
    registry_key_expires_at: str | None = setting(optional(kinds.moment), default=None)
    """When the API key of the program's own registry ends; only where the organisation bounds the life of keys."""
    signing_key: Secret | None = setting(optional(kinds.signing_key), default=None)
    """What they are signed with."""
    signing_password: Secret | None = setting(optional(kinds.password), default=None)
    """Password of that key."""
    scm: str = setting(one_of((GITEA, GITHUB)), default=GITEA)
    """The source control: Gitea on the board, which needs nobody outside, or an organisation at GitHub."""
    github: GitHub | None = setting(Section[GitHub | None](GitHub), default=None)
    """That organisation; needed where the source control is GitHub."""
    git_host: str = setting(kinds.label, default="git")
    """The label under which players reach Gitea in the game's zone."""
    drone_host: str = setting(kinds.label, default="drone")
    """The label that Drone calls itself by in the game's zone."""

    @property
    def makes_a_registry(self) -> bool:
        """Whether the program makes the registry of the components' images."""
        return self.master_key is not None and self.registry is None

    @rule
    def whole_or_absent(self) -> Generator[Conflict]:
        if self.master_key is None:
            return
        for key in ("signing_key", "signing_password"):
            if not getattr(self, key):
                yield Conflict(camel(key), "", "must be given where delivery.masterKey is")

    @rule
    def another_registry_is_whole(self) -> Generator[Conflict]:
        unless = "; leave out both for a registry at Scaleway of the program's own"
        if self.registry and self.registry_config is None:
            yield Conflict("registryConfig", "", f"must be given where delivery.registry is{unless}")
        if self.registry_config and self.registry is None:
            yield Conflict("registry", "", f"must be given where delivery.registryConfig is{unless}")
        if self.registry and self.registry_key_expires_at:
            allowed = "must be left out where delivery.registry is given, whose login the program does not make"
            yield Conflict("registryKeyExpiresAt", self.registry_key_expires_at, allowed)

    @rule
    def components_are_named_once(self) -> Generator[Conflict]:
        for index, name in enumerate(self.components):
            if name in self.components[:index]:
                yield Conflict(f"components.{index}", name, "must not be another component's name")

    @rule
    def one_source_control(self) -> Generator[Conflict]:
        if self.scm == GITHUB and self.github is None:
            yield Conflict("github", "", "must be given where delivery.scm is github")
        if self.scm == GITEA and self.github is not None:
            allowed = "must be left out where delivery.scm is gitea, which needs none of it"
            yield Conflict("github", {}, allowed, remedy=left_out)

    @rule
    def githubs_package_is_there(self) -> Generator[Conflict]:
        if self.scm == GITHUB and find_spec("pulumi_github") is None:
            allowed = "needs the package pulumi-github, which is installed only where it is used"
            yield Conflict("scm", GITHUB, allowed, remedy=lambda _: (INSTALL_GITHUB,))


@section
class Costs:
    """What the environment may cost at Scaleway."""

    max_daily_eur: int | None = setting(optional(integer(1, 100_000, "euros")), default=None)
    """Euros a day without VAT, every pool at its largest; `make up` refuses more unless told (docs/costs.md)."""


@section
class Sources:
    """Where what is installed comes from; mirrors go here."""

    charts: Mapping[str, str] = setting(kinds.Overriding(_PUBLISHERS, kinds.chart_url), default=_PUBLISHERS)
    """Repository of each Helm chart by the chart's name; a name left out keeps its publisher's."""
    chart_timeout_seconds: int = setting(integer(30, 3600, "seconds"), default=600)
    """Seconds that the objects of a chart may take to be ready."""
    acme_directory: str | None = setting(optional(kinds.web_url), default=None)
    """ACME directory of another authority than Let's Encrypt."""
    acme_ca_bundle: str | None = setting(optional(kinds.certificates), default=None)
    """What to trust when talking to that ACME server, where Debian does not trust it by itself."""
    k3s_url: str = setting(kinds.web_url, default=K3S.url)
    """K3s for Linux on amd64."""
    k3s_sha256: str = setting(kinds.sha256, default=K3S.sha256)
    """What it must be."""
    helm_url: str = setting(kinds.web_url, default=HELM.url)
    """Helm's archive for Linux on amd64."""
    helm_sha256: str = setting(kinds.sha256, default=HELM.sha256)
    """What it must be."""
    debian: str = setting(kinds.debian_url, default="https://deb.debian.org/debian")
    """Debian mirror of the game master."""
    images: Mapping[str, str] = setting(kinds.Overriding(PINNED, image), default=PINNED)
    """Image of each of the program's own pods and of each step of the game's builds; the others keep their releases."""
    registries: Mapping[str, str] = setting(MapOf(registry, mirror), default={})
    """What takes the place of a registry in each of these images; charts bring others."""

    @rule
    def mirrors_are_of_use(self) -> Generator[Conflict]:
        known = sorted({registry_of(each) for each in self.images.values()})
        for name, place in self.registries.items():
            if name not in known:
                allowed = f"must take the place of a registry that an image comes from, which is {', '.join(known)}"
                yield Conflict(("registries", name), place, allowed, remedy=left_out)

    @rule
    def drone_asks_its_extensions(self) -> Generator[Conflict]:
        drone = self.images["drone"]
        if asks_no_extension(drone):
            allowed = "must not be built with the tag oss: it asks no extension, and runs what a pull request says"
            yield Conflict("images.drone", drone, allowed)


@section
class Settings:
    """Everything that one environment of the game is made from."""

    environment: str = setting(one_of(ENVIRONMENTS))
    """Which environment this is; the stack bears its name."""
    domain: str = setting(kinds.domain)
    """Parent domain in which the game gets its names."""
    subdomain: str = setting(kinds.labels, default="hunt")
    """The game's own labels below the parent domain."""
    parent_zone: str = setting(one_of(("scaleway", "external")), default="external")
    """Who hosts the parent domain: Scaleway DNS, where the program delegates by itself, or somebody else."""
    scaleway: Scaleway = setting(Section(Scaleway))
    """Where at Scaleway, and with whose rights."""
    operators: Operators = setting(Section(Operators))
    """Who runs the game."""
    players: Players = setting(Section(Players), default=Players())
    """From where people play; without their networks no player's machine reaches a board's Kubernetes API."""
    gamemaster: GameMaster = setting(Section(GameMaster))
    """The game master."""
    certificates: Certificates = setting(Section(Certificates), default=Certificates())
    """The game master's certificates."""
    rancher: Rancher = setting(Section(Rancher), default=Rancher())
    """What manages the boards."""
    boards: Mapping[str, Board] = setting(MapOf(kinds.label, Section(Board), least=1))
    """The boards by name; a second one beside the first is how a board is replaced."""
    active_board: str = setting(kinds.label)
    """Name of the board that the game's names point at."""
    observability: Observability = setting(Section(Observability))
    """What watches the game."""
    game_app: GameApp = setting(Section(GameApp), default=GameApp())
    """The hunt."""
    delivery: Delivery = setting(Section(Delivery), default=Delivery())
    """The players' source control and the game's continuous deployment; without its key there is neither."""
    teams: Teams = setting(Section(Teams), default=Teams())
    """Who plays; each team has a space of its own on the board."""
    costs: Costs = setting(Section(Costs), default=Costs())
    """What the environment may cost at Scaleway."""
    sources: Sources = setting(Section(Sources), default=Sources())
    """Where what is installed comes from; mirrors go here."""

    @property
    def zone_name(self) -> str:
        """The zone that the game master is the authority for, such as `hunt.example.org`."""
        return f"{self.subdomain}.{self.domain}"

    @property
    def acme_directory(self) -> str | None:
        """Where certificates are asked for; None where none are wanted."""
        if self.certificates.authority == "none":
            return None
        return self.sources.acme_directory or ACME_DIRECTORIES[self.certificates.authority]

    @property
    def images(self) -> Images:
        """Where each image of the game comes from."""
        return resolved(self.sources.images, self.sources.registries)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The labels under which what runs on the active board is reached."""
        workshop = (self.delivery.drone_host,) if self.delivery.master_key else ()
        if workshop and self.delivery.scm == GITEA:
            workshop = (self.delivery.git_host, *workshop)
        return (self.game_app.host, GRAFANA, *workshop)

    @property
    def rancher_url(self) -> str | None:
        """Where operators reach Rancher; None where there is none."""
        return f"https://{self.fqdn(self.rancher.host)}" if self.rancher.enabled else None

    @property
    def challenges(self) -> Mapping[str, str]:
        """Where the proofs of shared names are looked for, to where the active board writes them (labels)."""
        return {f"_acme-challenge.{host}": f"_acme-challenge.{host}.{self.active_board}" for host in self.hosts}

    def fqdn(self, label: str) -> str:
        """The full name of a label in the game's zone."""
        return f"{label}.{self.zone_name}"

    @property
    def board(self) -> Board:
        """The board that the game's names point at."""
        return self.boards[self.active_board]

    @rule
    def zone_name_is_short_enough(self) -> Generator[Conflict]:
        longest = kinds.LONGEST_NAME - 64
        if len(self.zone_name) > longest:
            allowed = f"must leave room for names below it: at most {longest} characters with the domain"
            yield Conflict("subdomain", self.subdomain, allowed)
        if len(self.subdomain.partition(".")[0]) > kinds.LONGEST_LABEL - len("ns1-"):
            allowed = "must begin with a label of at most 59 characters: the name server is called ns1-LABEL"
            yield Conflict("subdomain", self.subdomain, allowed)

    @rule
    def rancher_is_reached_by_tls(self) -> Generator[Conflict]:
        if self.rancher.enabled and self.certificates.authority == "none":
            yield Conflict("certificates.authority", "none", "must be an authority, for Rancher is served by TLS only")

    @rule
    def operators_sign_in_somewhere(self) -> Generator[Conflict]:
        sign_in = self.observability.sign_in
        if sign_in and sign_in.provider == "rancher" and not self.rancher.enabled:
            yield Conflict("observability.signIn.provider", "rancher", "must be oidc where rancher.enabled is false")

    @rule
    def agents_can_trust_rancher(self) -> Generator[Conflict]:
        staging = self.certificates.authority == "staging" and self.sources.acme_directory is None
        if self.rancher.enabled and staging and self.rancher.ca_bundle is None:
            allowed = (
                "must be given where certificates.authority is staging, for no board's agent trusts that by itself: "
                "the root certificates in PEM, see https://letsencrypt.org/docs/staging-environment/"
            )
            yield Conflict("rancher.caBundle", "", allowed)

    @rule
    def active_board_exists(self) -> Generator[Conflict]:
        if self.active_board not in self.boards:
            allowed = f"must name one of the boards: {', '.join(self.boards)}"
            meant = closest(self.active_board, self.boards)
            yield Conflict("activeBoard", self.active_board, allowed, meant)

    @rule
    def teams_have_a_source_control(self) -> Generator[Conflict]:
        if self.teams.all and self.delivery.master_key is None:
            yield Conflict("delivery.masterKey", "", "must be given where teams play")

    @rule
    def github_finds_drone_by_tls(self) -> Generator[Conflict]:
        if self.delivery.github and self.certificates.authority == "none":
            allowed = "must be an authority where delivery.scm is github, whose logins and webhooks come from outside"
            yield Conflict("certificates.authority", "none", allowed)

    @rule
    def players_have_accounts_at_github(self) -> Generator[Conflict]:
        if self.delivery.github is None:
            return
        listed = {
            f"teams.list.{number}.players.{place}": player
            for number, team in enumerate(self.teams.list)
            for place, player in enumerate(team.players)
        }
        filed = [("teams.file", player) for team in self.teams.file for player in team.players]
        for key, name in (*listed.items(), *filed):
            if not is_login(name) or name == self.delivery.github.account:
                allowed = (
                    "must be a player's own account where delivery.scm is github, not the operators': "
                    "at most 39 letters, digits and single hyphens"
                )
                yield Conflict(key, name, allowed)

    @rule
    def github_answers_so_often(self) -> Generator[Conflict]:
        least = -(-len(self.teams.all) * ANSWERS_FOR_A_TEAM * 60 // ANSWERS_A_MINUTE)
        if self.delivery.github and self.game_app.check_seconds < least:
            allowed = (
                f"must be at least {least} for so many teams at GitHub, which answers {ANSWERS_A_MINUTE} times a minute"
            )
            yield Conflict("gameApp.checkSeconds", self.game_app.check_seconds, allowed)

    @rule
    def names_below_the_zone_differ(self) -> Generator[Conflict]:
        takers = {GRAFANA: "Grafana"}
        named = {
            "gameApp.host": self.game_app.host,
            "delivery.gitHost": self.delivery.git_host,
            "delivery.droneHost": self.delivery.drone_host,
            "rancher.host": self.rancher.host,
            # A board may prove its own name and all below it, and everything below it leads there.
            **{f"boards.{name}": name for name in self.boards},
        }
        for key, label in named.items():
            if label in takers:
                allowed = f"must be a name of its own below the zone, not that of {takers[label]}"
                yield Conflict(key, label, allowed, remedy=left_out if key.startswith("boards.") else None)
            takers.setdefault(label, key)

    @rule
    def each_loki_has_a_node(self) -> Generator[Conflict]:
        logs = self.observability.logs
        # Without a storage that they share, several are refused already.
        if self.active_board not in self.boards or logs.object_storage is None:
            return
        fewest = sum(
            pool.min_size if pool.autoscaling else pool.size
            for pool in self.board.pools.values()
            if not any(taint.effect in REPELLING for taint in pool.taints)
        )
        if 1 < logs.replicas > fewest:
            allowed = (
                f"must be at most the board's nodes without a taint, of which there may be {fewest}: no two are on one "
                "node"
            )
            yield Conflict("observability.logs.replicas", logs.replicas, allowed, meant="1")

    @rule
    def subnets_apart(self) -> Generator[Conflict]:
        owners = {"gamemaster.subnet": self.gamemaster}
        owners |= {f"boards.{name}.subnet": board for name, board in self.boards.items()}
        known = {"the network of Kapsule's Services": IPv4Network(kinds.KAPSULE_SERVICES)}
        for key, owner in owners.items():
            # One that was refused is not there.
            if not hasattr(owner, "subnet"):
                continue
            subnet = IPv4Network(owner.subnet)
            for other, network in known.items():
                if subnet.overlaps(network):
                    yield Conflict(key, str(subnet), f"must not overlap {other} ({network})")
            known[key] = subnet

    @rule
    def pools_in_region(self) -> Generator[Conflict]:
        for board_name, board in self.boards.items():
            for name, pool in board.pools.items():
                if pool.zone is not None and not pool.zone.startswith(f"{self.scaleway.region}-"):
                    key = f"boards.{board_name}.pools.{name}.zone"
                    yield Conflict(key, pool.zone, f"must lie in the region {self.scaleway.region}")

    @rule
    def production_is_not_open_to_everyone(self) -> Generator[Conflict]:
        if self.environment == "production" and EVERYWHERE in self.operators.cidrs:
            key = f"operators.cidrs.{self.operators.cidrs.index(EVERYWHERE)}"
            yield Conflict(key, EVERYWHERE, "must name the operators' own networks in production")

    @rule
    def rehearsal_stays_on_this_machine(self) -> Generator[Conflict]:
        if self.environment == REHEARSAL and not kinds.loopback(self.scaleway.api_url):
            allowed = "must be a URL on loopback in a rehearsal, which never reaches Scaleway"
            yield Conflict("scaleway.apiUrl", self.scaleway.api_url, allowed)


def load(config: pulumi.Config, stack: str) -> Settings:
    """The settings that the engine was configured with.

    Raises SettingsError with every problem, before anything is registered.
    """
    # The public API gives a value for a key, but not the keys that there are.
    prefix = f"{config.name}:"
    keys = [key.removeprefix(prefix) for key in engine.CONFIG.get() if key.startswith(prefix)]
    return parse(
        {key: config.get(key) for key in keys},
        stack,
        encrypted=[key for key in keys if engine.is_config_secret(prefix + key)],
        in_file=stored(Path(pulumi.get_root_directory() or "."), stack, config.name),
    )


def parse(
    given: Mapping[str, object],
    stack: str,
    *,
    encrypted: Collection[str] | None = None,
    in_file: Mapping[str, object] = MappingProxyType({}),
) -> Settings:
    """The settings in plain objects or as JSON, for the stack of that name.

    encrypted: the top-level keys that hold an encrypted value, as the engine says; None where that is not known.
    in_file: what the stack's file holds (`stack_file.stored`).
    Raises SettingsError with every problem.
    """
    top = Place(stack, [])
    plain = {key: _decoded(value, top.child(key)) for key, value in given.items()}
    settings = Section(Settings).read(plain, top)
    _check_stack(given.get("environment"), top.child("environment"))
    if encrypted is not None:
        for key, kind in settings_of(Settings).items():
            held = in_file.get(key)
            for place in plain_secrets(kind, plain.get(key), held, top.child(key), encrypted=key in encrypted):
                place.report(HIDDEN, "stands in plain text and must be encrypted", (place.encrypt(),))
    if top.problems:
        raise SettingsError(top.problems)
    return settings


class _TwiceError(ValueError):
    """A name stands twice in one object."""


def _decoded(value: object, at: Place) -> object:
    """A value as its section wants it: the engine hands objects over as JSON, and text as it is."""
    kind = settings_of(Settings).get(at.key)
    if isinstance(value, str) and isinstance(kind, Container):
        try:
            return json.loads(value, object_pairs_hook=_each_once)
        except _TwiceError as error:
            at.child(str(error)).report("", "must be given once")
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _each_once(entries: list[tuple[str, object]]) -> Mapping[str, object]:
    """JSON lets a name stand twice, and Python keeps the last: one of two boards would be gone without a word."""
    found: dict[str, object] = {}
    for name, value in entries:
        if name in found:
            raise _TwiceError(name)
        found[name] = value
    return found


def _check_stack(environment: object, at: Place) -> None:
    """One environment has one stack of its name, so that nobody changes production by a slip; rehearsals are many."""
    if environment not in ENVIRONMENTS:
        return
    matches = at.stack.startswith(REHEARSAL) if environment == REHEARSAL else at.stack == environment
    if not matches:
        meant = at.stack if at.stack in ENVIRONMENTS else "VALUE"
        allowed = f"must be the environment of the stack, which is {at.stack!r}"
        at.report(f'"{environment}"', allowed, (at.set(meant),))
