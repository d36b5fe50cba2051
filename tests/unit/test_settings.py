from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import config as engine

from common.settings import SettingsError, load, parse
from common.versions import CHARTS, Images
from tests.unit.example import ACCESS_KEY, MISSING, OTHER_KEY, PASSWORD, SECRETS, complete, spoiled

ROOT = Path(__file__).parents[2]
LABEL = "must be a DNS label"
SUBNET = "must be a private IPv4 network (in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16) from /20 to /29"
CIDR = "must be an IPv4 network with its prefix and no host bits set"
MINOR = "must be a minor version in quotes, from '1.34' to '1.36', as Rancher 2.15 takes no other"
IMAGE = "must be an image by its registry and digest"
NODE = "it refuses DEV1-S, PLAY2-PICO and STARDUST"
MAIN = "boards.blue.pools.main"

WRONG: list[tuple[str, object, str]] = [
    ("environment", "prod", "must be one of dev, staging, production, rehearsal"),
    ("environment", "staging", "must be the environment of the stack, which is 'dev'"),
    ("environment", MISSING, "is missing; it must be one of dev, staging, production, rehearsal"),
    ("domain", "example", "must be a domain name of two labels or more in small letters"),
    ("domain", "Example.org", "must be a domain name"),
    ("domain", "example..org", "must be a domain name"),
    ("domain", "192.0.2.1", "must be a domain name"),
    ("domain", "example.org.", "must be a domain name"),
    ("domain", ".".join(60 * ["abcde"]), "must be a domain name"),
    ("subdomain", "hunt_dev", "must be one or more DNS labels"),
    ("subdomain", ".".join(39 * ["abcd"]), "must leave room for names below it"),
    ("subdomain", 60 * "x", "must begin with a label of at most 59 characters"),
    ("certificates.delegationTimeoutSeconds", -1, "must be a whole number from 0 to 86400 seconds"),
    ("parentZone", "gandi", "must be one of scaleway, external"),
    ("scaleway", "fr-par", "must be an object with region, zone, projectId"),
    ("scaleway.region", "fr-pari", "must be one of fr-par, nl-ams, pl-waw (did you mean fr-par?)"),
    ("scaleway.zone", "nl-ams-4", "must be one of fr-par-1"),
    ("scaleway.zone", "fr-par-1", "must lie in the region nl-ams"),
    ("scaleway.projectId", "my-project", "must be a UUID"),
    ("scaleway.organizationId", "my-organisation", "must be a UUID"),
    (
        "scaleway.accessKey",
        "AKIA0123456789ABCDEF",
        "must be a Scaleway access key: SCW and 17 capital letters or digits",
    ),
    ("scaleway.secretKey", "hunter2-hunter2", "must be a Scaleway secret key, which is a UUID"),
    ("scaleway.apiUrl", "http://api.scaleway.com", "must be an https:// URL (http:// on loopback only)"),
    ("scaleway.apiUrl", "https://somebody:hunter2@api.scaleway.com", "without user name, password"),
    ("scaleway.apiUrl", "https://api.scaleway.com:0x50", "must be an https:// URL"),
    ("operators.cidrs", [], "must be a list of at least 1"),
    ("operators.cidrs", "203.0.113.0/24", "must be a list of at least 1"),
    ("operators.cidrs[1]", "198.51.100.7/24", CIDR),
    ("operators.cidrs[1]", "198.51.100.7", CIDR),
    ("operators.cidrs[1]", "2001:db8::/32", CIDR),
    ("operators.cidrs[1]", "198.51.100.0/255.255.255.0", CIDR),
    ("operators.sshPublicKey", "ssh-rsa AAAA", "must be an SSH public key that begins with 'ssh-ed25519 '"),
    ("operators.sshPublicKey", 7, "must be an SSH public key"),
    ("operators.sshPrivateKey", "hunter2-hunter2", "must be an Ed25519 private key in OpenSSH's format"),
    ("operators.sshPrivateKey", OTHER_KEY.private, "must be the private half of operators.sshPublicKey"),
    ("players.cidrs[0]", "198.51.100.7", CIDR),
    ("gamemaster.type", "play2 micro", "must be an Instance type, such as 'PLAY2-MICRO'"),
    ("gamemaster.image", "debian_bookworm", "must be one of debian_trixie"),
    ("gamemaster.volumeSizeGb", 9, "must be a whole number from 10 to 10000 GB"),
    ("gamemaster.volumeSizeGb", "20", "must be a whole number from 10 to 10000 GB"),
    ("gamemaster.volumeSizeGb", True, "must be a whole number from 10 to 10000 GB"),
    ("gamemaster.volumeSizeGb", 20.5, "must be a whole number from 10 to 10000 GB"),
    ("gamemaster.volumeType", "b_ssd", "must be one of sbs_volume, l_ssd"),
    ("gamemaster.subnet", "10.20.0.0/16", SUBNET),
    ("gamemaster.subnet", "192.0.2.0/24", SUBNET),
    ("gamemaster.hostKey.private", OTHER_KEY.private, "must be the private half of gamemaster.hostKey.public"),
    ("gamemaster.dnsUpdateKey", "aHVudGVyMi1odW50ZXIy", "must be 32 bytes in base64"),
    ("gamemaster.bootTimeoutSeconds", 5, "must be a whole number from 30 to 3600 seconds"),
    ("boards", {}, "must be an object with at least 1 entry of names"),
    ("boards.blue.kubernetesVersion", 1.36, MINOR),
    ("boards.blue.kubernetesVersion", "1.37", MINOR),
    ("boards.blue.kubernetesVersion", "1.33", MINOR),
    ("boards.blue.kubernetesVersion", "1.9", MINOR),
    ("boards.blue.kubernetesVersion", "1.36.2", MINOR),
    ("boards.blue.cni", "flannel", "must be one of cilium, calico"),
    ("boards.green.subnet", "10.20.0.128/25", "must not overlap gamemaster.subnet (10.20.0.0/24)"),
    ("boards.green.subnet", "10.21.2.0/24", "must not overlap boards.blue.subnet (10.21.0.0/22)"),
    ("boards.green.subnet", "10.32.8.0/22", "must not overlap the network of Kapsule's Services (10.32.0.0/20)"),
    ("boards.blue.pools", {}, "must be an object with at least 1 entry of names"),
    ("boards.blue.apiCidrs[0]", "everywhere", CIDR),
    ("boards.blue.autoUpgrade.day", "Tuesday", "must be one of any, monday, tuesday"),
    ("boards.blue.autoUpgrade.startHour", 24, "must be a whole number from 0 to 23"),
    (f"{MAIN}.nodeType", "DEV1-S", NODE),
    (f"{MAIN}.nodeType", "PRO2-XXXS", NODE),
    (f"{MAIN}.nodeType", "PR02-XXS", "did you mean PRO2-XXS?"),
    (f"{MAIN}.rootVolumeType", "ssd", "must be one of l_ssd, sbs_5k, sbs_15k"),
    (f"{MAIN}.nodeType", "PLAY2-PICO", NODE),
    (f"{MAIN}.nodeType", "STARDUST1-S", NODE),
    (f"{MAIN}.size", 0, "must be a whole number from 1 to 500 nodes"),
    (f"{MAIN}.size", 5, "must lie between minSize (2) and maxSize (4)"),
    (f"{MAIN}.minSize", 5, "must be at most maxSize (4)"),
    (f"{MAIN}.autoscaling", "yes", "must be true or false"),
    (f"{MAIN}.rootVolumeSizeGb", 10, "must be a whole number from 20 to 10000 GB"),
    (f"{MAIN}.taints[0].effect", "NoShedule", "(did you mean NoSchedule?)"),
    (f"{MAIN}.zone", "fr-par-1", "must lie in the region nl-ams"),
    ("activeBoard", "bleu", "must name one of the boards: blue, green (did you mean blue?)"),
    *(
        (key, f"{12 * 'x'}{taken_apart}", "must be a password of 12 to 128 letters, digits, '-', '.', '_' and '~'")
        for key in ("observability.grafanaAdminPassword", "observability.lokiPassword")
        for taken_apart in (":", "$", "#", "%", '"', "\\", " ", "\u00fc")
    ),
    *(
        (key, f"{12 * 'x'}{taken_apart}", "must be a key of 12 to 512 letters, digits, '-', '.', '_', '~', '+', '/'")
        for key in (
            "observability.signIn.clientSecret",
            "observability.logs.objectStorage.accessKey",
            "observability.logs.objectStorage.secretKey",
        )
        for taken_apart in ("$", "%", "#", ": ", '"', "'")
    ),
    ("observability.lokiPassword", '"quoted-at-the-start', "must be a password of 12 to 128 letters"),
    ("observability.grafanaAdminPassword", "hunter2", "must be a password of 12 to 128 letters"),
    ("rancher.bootstrapPassword", "hunter2", "must be a password of 12 to 128 printable ASCII characters"),
    # JSON writes it as half a pair each, which YAML does not put together again.
    ("rancher.bootstrapPassword", "an-owl-\U0001f989-in-the-dark", "must be a password of 12 to 128 printable ASCII"),
    # What reads it from a file takes such a space away.
    ("delivery.signingPassword", " begins-with-a-space", "without a space at either end"),
    ("observability.players", 0, "must be a whole number from 1 to 10000 players"),
    ("observability.logs.retentionDays", 0, "must be a whole number from 1 to 365 days"),
    ("observability.logs.objectStorage.endpoint", "https://s3.nl-ams.scw.cloud", "must be a domain name"),
    ("observability.metrics.volumeSizeGb", 4, "must be a whole number from 5 to 10000 GB"),
    ("observability.signIn.tokenUrl", "http://login.example.org/", "must be an https:// URL"),
    ("delivery.components", [], "must be a list of at least 1"),
    ("delivery.components[0]", "denied", "must be a component's name: at most 50 small letters, digits and hyphens"),
    ("delivery.components[0]", "team-red", "not beginning with 'team-', as the teams' repositories do"),
    ("delivery.components[0]", "p" * 51, "must be a component's name: at most 50 small letters, digits and hyphens"),
    ("delivery.components[1]", "portal", "must not be another component's name"),
    ("delivery.registry", "registry.example.org", "must be a folder of a container registry"),
    ("delivery.registry", MISSING, "must be given where delivery.registryConfig is; leave out both for a registry at"),
    ("delivery.registryConfig", MISSING, "must be given where delivery.registry is; leave out both for a registry at"),
    ("delivery.registryKeyExpiresAt", "2027-01-31T18:00:00Z", "must be left out where delivery.registry is given"),
    ("delivery.registryKeyExpiresAt", "next year", "must be a moment in UTC"),
    ("delivery.registryKeyExpiresAt", "2027-02-30T18:00:00Z", "must be a moment in UTC"),
    ("delivery.signingKey", MISSING, "must be given where delivery.masterKey is"),
    ("delivery.apiCidrs", ["10.32.0.1/32"], "is no setting"),
    ("delivery.masterKey", MISSING, "must be given where teams play"),
    ("delivery.droneHost", "code", "must be a name of its own below the zone, not that of delivery.gitHost"),
    ("delivery.gitHost", "start", "must be a name of its own below the zone, not that of gameApp.host"),
    ("gameApp.hunt", "../elsewhere", "must be the name of a folder in the project's folder"),
    ("gameApp.checkSeconds", 1, "must be a whole number from 5 to 600 seconds"),
    ("gameApp.host", "play.here", LABEL),
    ("gameApp.host", "grafana", "must be a name of its own below the zone, not that of Grafana"),
    ("rancher.host", "grafana", "must be a name of its own below the zone, not that of Grafana"),
    (
        "sources.charts.grafana",
        "http://charts.example/",
        "must be an https:// or oci:// URL (http:// on loopback only)",
    ),
    ("sources.chartTimeoutSeconds", 0, "must be a whole number from 30 to 3600 seconds"),
    ("certificates.authority", "stagin", "must be one of production, staging, none (did you mean staging?)"),
    ("certificates.email", "operators", "must be an e-mail address, such as"),
    ("sources.acmeDirectory", "http://acme.example/directory", "must be an https:// URL (http:// on loopback only)"),
    ("sources.acmeCaBundle", "-----BEGIN", "must be one or more X.509 certificates in PEM"),
    ("rancher.bootstrapPassword", MISSING, "must be given where rancher.enabled is true"),
    ("rancher.adminPassword", MISSING, "must be given where rancher.enabled is true"),
    ("rancher.adminPassword", PASSWORD, "must not be rancher.bootstrapPassword"),
    ("certificates.authority", "none", "must be an authority, for Rancher is served by TLS only"),
    ("sources.k3sUrl", "http://mirror.example/k3s", "must be an https:// URL (http:// on loopback only)"),
    ("sources.k3sSha256", 63 * "a", "must be a SHA-256 of 64 hexadecimal digits"),
    ("sources.debian", "ftp://mirror.example/debian", "must be an https:// or http:// URL"),
    ("sources.images.git", "docker.io/alpine/git", IMAGE),
    ("sources.images.git", "docker.io/alpine/git:latest", IMAGE),
    ("sources.images.git", "docker.io/alpine/git:edge", IMAGE),
    ("sources.images.git", "alpine/git:v2.49.1", IMAGE),
    ("sources.images.git", f"mirror.example.org/git@sha256:{63 * 'a'}", IMAGE),
    ("sources.images.git", f"mirror.example.org/git@sha512:{64 * 'a'}", IMAGE),
    ("sources.images.git", "mirror.example.org/git:1.0\n  privileged: true", IMAGE),
    ("sources.images.drone", "docker.io/drone/drone:2.28.2-oss", "must not be built with the tag oss"),
]


def refusal(changes: dict[str, object], stack: str = "dev") -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parse(spoiled(changes), stack)
    return caught.value


def test_a_complete_environment_is_read_as_it_stands() -> None:
    settings = parse(complete(), "dev")
    assert settings.zone_name == "hunt-dev.example.org"
    assert settings.board.pools["main"].max_size == 4
    assert settings.board.pools["main"].labels == {"example.org/role": "game"}
    assert settings.scaleway.access_key.value == ACCESS_KEY
    assert settings.gamemaster.boot_timeout_seconds == 240


def test_what_is_left_out_has_its_default() -> None:
    left_out: dict[str, object] = {
        "subdomain": MISSING,
        "parentZone": MISSING,
        "scaleway.apiUrl": MISSING,
        "gamemaster.image": MISSING,
        "gameApp": MISSING,
        "sources": MISSING,
    }
    settings = parse(spoiled(left_out), "dev")
    assert settings.subdomain == "hunt"
    assert settings.parent_zone == "external"
    assert settings.scaleway.api_url == "https://api.scaleway.com"
    assert settings.game_app.check_seconds == 15
    assert settings.sources.debian == "https://deb.debian.org/debian"
    assert settings.sources.charts == {name: chart.repository for name, chart in CHARTS.items()}


def test_a_mirror_of_one_chart_leaves_the_others_at_their_publishers() -> None:
    charts = parse(complete(), "dev").sources.charts
    assert charts["grafana"] == "oci://mirror.example/charts"
    assert charts["loki"] == CHARTS["loki"].repository


DIGEST = f"@sha256:{64 * '0'}"


def test_an_image_is_given_by_its_digest_and_the_others_keep_their_release() -> None:
    given = f"mirror.example.org:5000/a_git{DIGEST}"
    own = {"git": given, "kubernetesTools": "ghcr.io/x/k8s:1.33.4"}
    images = parse(spoiled({"sources.images": own, "sources.registries": {}}), "dev").images
    assert images == Images(git=given, kubernetes_tools="ghcr.io/x/k8s:1.33.4")


def test_a_mirror_takes_the_place_of_its_registry_in_every_image() -> None:
    mirrors: dict[str, object] = {"docker.io": "mirror.example.org/docker", "ghcr.io": "mirror.example.org"}
    images = parse(
        spoiled({"sources.images": {"git": f"ghcr.io/x/git{DIGEST}"}, "sources.registries": mirrors}), "dev"
    ).images
    assert images.git == f"mirror.example.org/x/git{DIGEST}"
    assert images.drone == Images().drone.replace("docker.io/", "mirror.example.org/docker/")


@pytest.mark.parametrize(
    ("mirrors", "key", "allowed"),
    [
        (
            {"gcr.io": "mirror.example.org"},
            'sources.registries["gcr.io"]',
            "comes from, which is docker.io, ghcr.io, quay.io, registry.example.org, registry.k8s.io",
        ),
        (
            {"docker": "mirror.example.org"},
            "sources.registries.docker",
            "has a name that must be the name",
        ),
        (
            {"docker.io": "https://mirror.example.org"},
            'sources.registries["docker.io"]',
            "must be a registry or a folder",
        ),
        ({"docker.io": "mirror"}, 'sources.registries["docker.io"]', "must be a registry or a folder"),
    ],
)
def test_a_mirror_of_nothing_or_that_is_none_is_refused(mirrors: dict[str, str], key: str, allowed: str) -> None:
    [problem] = refusal({"sources.registries": mirrors}).problems
    assert problem.key == key
    assert allowed in problem.allowed


GAME_ONLY = {"key": "game", "value": "only", "effect": "NoExecute"}


def test_a_board_whose_every_pool_is_tainted_is_refused() -> None:
    """Nothing could be scheduled on it, not even the cluster's own name server."""
    tainted = {"nodeType": "PRO2-XXS", "size": 1, "taints": [GAME_ONLY]}
    [problem] = refusal({"boards.green.pools": {"main": tainted, "spare": tainted}}).problems
    assert str(problem) == (
        'boards.green.pools.main.taints = ["game=only:NoExecute"]: must be left out of one pool at least: no pod of '
        "the game, nor the cluster's own, tolerates it\n      "
        "pulumi config rm --path boards.green.pools.main.taints --stack dev"
    )


@pytest.mark.parametrize("beside", [[], [GAME_ONLY | {"effect": "PreferNoSchedule"}]])
def test_a_tainted_pool_beside_another_is_allowed(beside: list[object]) -> None:
    pool = {"nodeType": "PRO2-XXS", "size": 1}
    parse(
        spoiled({"boards.green.pools": {"main": pool | {"taints": [GAME_ONLY]}, "spare": pool | {"taints": beside}}}),
        "dev",
    )


@pytest.mark.parametrize(
    ("pools", "nodes"),
    [
        ({"main": {"nodeType": "PRO2-XXS", "size": 2}}, 2),
        ({"main": {"nodeType": "PRO2-XXS", "size": 3, "autoscaling": True}}, 1),
        (
            {
                "main": {"nodeType": "PRO2-XXS", "size": 1},
                "game": {"nodeType": "PRO2-XXS", "size": 2, "taints": [GAME_ONLY]},
            },
            1,
        ),
    ],
    ids=["too few", "may become too few", "tainted"],
)
def test_more_lokis_than_nodes_are_refused(pools: object, nodes: int) -> None:
    """The chart lets no two of them be on one node: the others would never be ready."""
    [problem] = refusal({"boards.blue.pools": pools, "observability.logs.replicas": 3}).problems
    assert problem.key == "observability.logs.replicas"
    assert f"at most the board's nodes without a taint, of which there may be {nodes}" in problem.allowed
    assert problem.commands == ("pulumi config set --path observability.logs.replicas 1 --stack dev",)


def test_as_many_lokis_as_nodes_are_allowed() -> None:
    pools = {"main": {"nodeType": "PRO2-XXS", "size": 3}}
    parse(spoiled({"boards.blue.pools": pools, "observability.logs.replicas": 3}), "dev")


AT_GITHUB: dict[str, object] = {
    "organization": "hunters",
    "account": "hunt-operators",
    "token": 40 * "w",
    "readerToken": 40 * "y",
    "mergeToken": 40 * "z",
    "clientId": "Ov23liAbCdEfGhIjKlMn",
    "clientSecret": 40 * "d",
}


def at_github(**changes: object) -> dict[str, object]:
    given = {key: value for key, value in {**AT_GITHUB, **changes}.items() if value is not MISSING}
    return {"delivery.scm": "github", "delivery.github": given}


def test_at_github_players_reach_drone_and_no_gitea() -> None:
    settings = parse(spoiled(at_github()), "dev")
    assert settings.hosts == ("start", "grafana", "builds")
    assert settings.delivery.github
    assert settings.delivery.github.web_url == "https://github.com"
    assert not any(40 * letter in repr(settings) for letter in "wyzd")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("organization", "Hunters", "must be a name at GitHub in small letters"),
        ("organization", "hunters--club", "must be a name at GitHub in small letters"),
        ("account", MISSING, "is missing"),
        ("token", "hunter2", "must be a token of GitHub's"),
        ("readerToken", 40 * "w", "must not be token too, which may do more"),
        ("readerToken", 40 * "z", "must not be mergeToken too, which may do more"),
        ("mergeToken", 40 * "w", "must not be token too, which may do more"),
        ("clientId", "drone", "must be the client ID of an OAuth application"),
        ("clientSecret", 40 * "x", "must be the client secret of an OAuth application"),
        ("apiUrl", "https://github.com", "must be 'https://api.github.com'"),
        ("apiUrl", "http://code.example.org/api/v3", "or 'https://HOST/api/v3'"),
        ("apiUrl", "https://me:secret@code.example.org/api/v3", "or 'https://HOST/api/v3'"),
        ("cidrs", [], "must be a list of at least 1"),
    ],
    ids=lambda value: f"{value!s:.24}" if value is not MISSING else "left out",
)
def test_a_wrong_setting_of_github_is_refused_and_no_token_shown(key: str, value: object, allowed: str) -> None:
    error = refusal(at_github(**{key: value}))
    assert [problem.key for problem in error.problems] == [f"delivery.github.{key}"]
    assert allowed in error.problems[0].allowed
    assert not any(40 * letter in str(error) for letter in "wyzdx")


def test_a_companys_own_github_has_networks_of_its_own() -> None:
    [problem] = refusal(at_github(apiUrl="https://code.example.org/api/v3")).problems
    assert problem.key == "delivery.github.cidrs"
    parse(spoiled(at_github(apiUrl="https://code.example.org/api/v3", cidrs=["192.0.2.0/24"])), "dev")


def test_githubs_package_is_asked_for_only_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.settings.delivery.find_spec", {"pulumi": "there"}.get)
    parse(complete(), "dev")
    [problem] = refusal(at_github()).problems
    assert str(problem) == (
        'delivery.scm = "github": needs the package pulumi-github, which is installed only where it is used\n'
        "      .venv/bin/pip install -r requirements-github.txt"
    )


def test_what_every_environment_installs_has_no_package_of_github() -> None:
    wanted = {name: (ROOT / name).read_text() for name in ("requirements.txt", "requirements-github.txt")}
    assert ["pulumi-github" in text for text in wanted.values()] == [False, True]


PLAYER = "teams.list[0].players[0]"
MANY = [{"name": f"t{number}", "players": [f"p{number}"]} for number in range(100)]


@pytest.mark.parametrize(
    ("changes", "key", "allowed"),
    [
        ({"delivery.scm": "github"}, "delivery.github", "must be given where delivery.scm is github"),
        ({"delivery.github": AT_GITHUB}, "delivery.github", "must be left out where delivery.scm is gitea"),
        ({"delivery.scm": "gitlab"}, "delivery.scm", "must be one of gitea, github"),
        (
            {**at_github(), "certificates.authority": "none", "rancher.enabled": False},
            "certificates.authority",
            "must be an authority where delivery.scm is github",
        ),
        ({**at_github(), "teams.list[0].players[0]": "ada.lovelace"}, PLAYER, "must be a player's own account"),
        ({**at_github(), "teams.list[0].players[0]": "hunt-operators"}, PLAYER, "not the operators'"),
        ({**at_github(), "teams.list": MANY}, "gameApp.checkSeconds", "must be at least 27 for so many teams"),
    ],
    ids=["no organisation", "both", "another", "no certificate", "no login", "the operators'", "too often"],
)
def test_what_does_not_go_together_with_github_is_named(changes: dict[str, object], key: str, allowed: str) -> None:
    [problem] = refusal(changes).problems
    assert problem.key == key
    assert allowed in problem.allowed


def _told(value: object) -> str:
    """A value in a test's name, which must not change from run to run."""
    if value is MISSING:
        return "left out"
    return "the other password" if value == PASSWORD else f"{value!s:.24}"


@pytest.mark.parametrize(("key", "value", "allowed"), WRONG, ids=[f"{key}={_told(value)}" for key, value, _ in WRONG])
def test_a_wrong_setting_is_refused_with_its_key_and_what_is_allowed(key: str, value: object, allowed: str) -> None:
    error = refusal({key: value})
    assert [problem.key for problem in error.problems] == [key]
    assert allowed in error.problems[0].allowed
    assert f"shambhala:{key}" in str(error)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("domian", "is no setting (did you mean domain?)"),
        ("scaleway.secretkey", "is no setting (did you mean secretKey?)"),
        ("boards.blue.pools.main.node_type", "is no setting (did you mean nodeType?)"),
        ("gamemaster.hostKey.quux", "is no setting"),
    ],
)
def test_a_key_that_is_no_setting_is_refused_without_showing_what_it_holds(key: str, hint: str) -> None:
    error = refusal({key: "hunter2-hunter2"})
    path = "--path " if "." in key else ""
    assert [str(problem) for problem in error.problems] == [
        f"{key}: {hint}\n      pulumi config rm {path}{key} --stack dev"
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("boards.Blue", complete()["boards"]["green"] | {"subnet": "10.30.0.0/22"}),
        ("sources.charts.graphana", "oci://a.example"),
        ("sources.images.gitt", "docker.io/alpine/git:v2.49.1"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(key: str, value: object) -> None:
    error = refusal({key: value})
    assert [problem.key for problem in error.problems] == [key]
    assert error.problems[0].allowed.startswith("has a name that must be ")


@pytest.mark.parametrize("name", ["start", "grafana", "ranch", "code", "builds"])
def test_a_board_is_not_called_as_what_is_reached_below_the_zone(name: str) -> None:
    green = {**complete()["boards"]["green"], "subnet": "10.30.0.0/22"}
    (problem,) = refusal({f"boards.{name}": green}).problems
    assert problem.key == f"boards.{name}"
    assert problem.allowed.startswith("must be a name of its own below the zone, not that of ")


def test_a_rule_does_not_judge_by_a_list_or_map_that_is_not_whole() -> None:
    error = refusal({"boards.blue": "a board", "operators.cidrs": ["nowhere", "0.0.0.0/0"]})
    assert [problem.key for problem in error.problems] == ["operators.cidrs[0]", "boards.blue"]


def test_every_problem_is_named_at_once() -> None:
    error = refusal(
        {
            "environment": "prod",
            "domian": "example.org",
            "scaleway.zone": "fr-par-1",
            "scaleway.projectId": MISSING,
            "operators.cidrs[0]": "203.0.113.1/24",
            "boards.blue.pools.main.size": "two",
            "boards.green.subnet": "10.20.0.0/24",
            "activeBoard": "red",
            "gameApp.checkSeconds": 0,
        }
    )
    assert {problem.key for problem in error.problems} == {
        "environment",
        "domian",
        "scaleway.zone",
        "scaleway.projectId",
        "operators.cidrs[0]",
        "boards.blue.pools.main.size",
        "boards.green.subnet",
        "activeBoard",
        "gameApp.checkSeconds",
    }
    assert str(error).startswith("9 settings are wrong. Nothing was changed.")


def test_nothing_given_is_reported_as_every_missing_setting() -> None:
    with pytest.raises(SettingsError) as caught:
        parse({}, "dev")
    missing = [
        "environment domain scaleway.region scaleway.zone scaleway.projectId scaleway.accessKey scaleway.secretKey",
        "operators.cidrs operators.sshPublicKey operators.sshPrivateKey",
        "gamemaster.type gamemaster.subnet gamemaster.hostKey.public gamemaster.hostKey.private",
        "gamemaster.dnsUpdateKey boards activeBoard",
        "observability.grafanaAdminPassword observability.lokiPassword",
    ]
    assert [problem.key for problem in caught.value.problems] == " ".join(missing).split()


@pytest.mark.parametrize(
    "key",
    [
        "scaleway.accessKey",
        "scaleway.secretKey",
        "operators.sshPrivateKey",
        "gamemaster.hostKey.private",
        "gamemaster.dnsUpdateKey",
        "operators.sshPublicKey",
        "observability.grafanaAdminPassword",
        "observability.lokiPassword",
        "observability.logs.objectStorage.secretKey",
        "observability.signIn.clientSecret",
    ],
)
def test_a_wrong_secret_is_never_shown(key: str) -> None:
    text = str(refusal({key: OTHER_KEY.private[:-40]}))
    assert "(hidden)" in text
    assert not any(line in text for line in OTHER_KEY.private.splitlines())


@pytest.mark.parametrize("key", ["scaleway", "operators", "gamemaster", "rancher", "observability", "delivery"])
def test_a_secret_in_the_place_of_its_section_is_never_shown(key: str) -> None:
    assert PASSWORD not in str(refusal({key: {"quux": PASSWORD}}))
    assert PASSWORD not in str(refusal({key: PASSWORD}))


def test_a_password_in_a_url_is_never_shown() -> None:
    assert "hunter2" not in str(refusal({"scaleway.apiUrl": "https://somebody:hunter2@api.scaleway.com"}))


def test_settings_in_a_log_show_no_secret() -> None:
    shown = repr(parse(complete(), "dev"))
    assert not any(secret in shown for secret in SECRETS)


async def test_a_secret_is_one_to_the_engine_too() -> None:
    output = parse(complete(), "dev").scaleway.access_key.output
    assert await output.is_secret()
    assert await output.future() == ACCESS_KEY


def test_a_private_key_gets_back_the_line_end_that_the_engine_drops() -> None:
    key = complete()["operators"]["sshPrivateKey"]
    assert parse(spoiled({"operators.sshPrivateKey": key.rstrip("\n")}), "dev").operators.ssh_private_key.value == key


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_everybody_may_reach_the_game_master_by_ssh_outside_production(environment: str) -> None:
    open_to_all = spoiled({"environment": environment, "operators.cidrs[0]": "0.0.0.0/0"})
    assert "0.0.0.0/0" in parse(open_to_all, environment).operators.cidrs


def test_production_refuses_ssh_from_everywhere() -> None:
    error = refusal({"environment": "production", "operators.cidrs[1]": "0.0.0.0/0"}, stack="production")
    assert [problem.key for problem in error.problems] == ["operators.cidrs[1]"]


def test_a_rehearsal_may_use_loopback_without_tls() -> None:
    local = {
        "environment": "rehearsal",
        "scaleway.apiUrl": "http://127.10.0.1:8080",
        "sources.charts.loki": "http://127.10.0.2:8080",
    }
    assert parse(spoiled(dict(local)), "rehearsal-two").environment == "rehearsal"


def test_a_rehearsal_that_would_reach_scaleway_is_refused() -> None:
    error = refusal({"environment": "rehearsal"}, stack="rehearsal")
    assert [problem.key for problem in error.problems] == ["scaleway.apiUrl"]
    assert "must be a URL on loopback in a rehearsal" in error.problems[0].allowed


@pytest.mark.parametrize("environment", ["dev", "production"])
def test_a_stack_of_another_environment_is_refused(environment: str) -> None:
    assert refusal({"environment": environment}, stack="rehearsal").problems[0].key == "environment"


class TestFromTheEngine:
    """The configuration as the engine hands it over: text, and objects as JSON."""

    @pytest.fixture(autouse=True)
    def _nothing_left_behind(self) -> Iterator[None]:
        yield
        engine.set_all_config({}, [])

    def given(self, tree: dict[str, object], *, secret: tuple[str, ...]) -> pulumi.Config:
        values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in tree.items()}
        engine.set_all_config(
            {f"shambhala:{key}": value for key, value in values.items()} | {"aws:region": "elsewhere"},
            [f"shambhala:{key}" for key in secret],
        )
        return pulumi.Config("shambhala")

    HOLDS_SECRETS = ("scaleway", "operators", "gamemaster", "rancher", "observability", "delivery")

    def test_settings_are_read(self) -> None:
        config = self.given(complete(), secret=self.HOLDS_SECRETS)
        assert load(config, "dev") == parse(complete(), "dev")

    def test_an_object_that_is_no_json_is_refused(self) -> None:
        config = self.given(spoiled({"boards": "{blue"}), secret=self.HOLDS_SECRETS)
        with pytest.raises(SettingsError, match=r"boards = \"\{blue\": must be an object"):
            load(config, "dev")

    def test_of_two_boards_of_one_name_neither_is_taken(self) -> None:
        green = json.dumps(complete()["boards"]["green"])
        config = self.given(spoiled({"boards": f'{{"green": {green}, "green": {green}}}'}), secret=self.HOLDS_SECRETS)
        with pytest.raises(SettingsError, match=r"boards\.green: must be given once"):
            load(config, "dev")

    def test_an_unknown_key_is_refused(self) -> None:
        config = self.given(spoiled({"gameapp": {}}), secret=self.HOLDS_SECRETS)
        with pytest.raises(SettingsError, match=r"shambhala:gameapp: is no setting \(did you mean gameApp\?\)"):
            load(config, "dev")


def test_with_a_certificate_that_nobody_trusts_the_agents_are_told_what_to_trust() -> None:
    staging: dict[str, object] = {"sources.acmeDirectory": MISSING, "rancher.caBundle": MISSING}
    assert [problem.key for problem in refusal(staging).problems] == ["rancher.caBundle"]
    parse(spoiled({"sources.acmeDirectory": MISSING}), "dev")
    parse(spoiled({**staging, "rancher.enabled": False}), "dev")
    parse(spoiled({**staging, "certificates.authority": "production"}), "dev")
