"""Rules between sections of the settings."""

from __future__ import annotations

import re
from collections.abc import Generator
from ipaddress import IPv4Network
from typing import Final

from common.settings.board import REPELLING
from common.settings.environment import GRAFANA, REHEARSAL, Settings
from common.settings.github import ANSWERS_A_MINUTE, is_login
from common.settings.names import LONGEST_LABEL, LONGEST_NAME
from common.settings.networks import EVERYWHERE, K3S_PODS, K3S_SERVICES, KAPSULE_SERVICES, loopback
from common.settings.problems import closest
from common.settings.rules import Conflict, Rule, left_out

ANSWERS_FOR_A_TEAM: Final = 4
"""What the hunt asks the source control at each look at a team, for its step and its pull requests."""

OF_ARM: Final = re.compile(r"(COPARM|AMP)\d.*")
"""Types of Instances with another processor than x86-64."""
TOO_SMALL_FOR_RANCHER: Final = re.compile(r"STARDUST1-S|DEV1-S|PLAY2-PICO|.*-[12]G")
"""Types of Instances with 1 or 2 GB of memory; Rancher asks for 4 GB.

Source: https://www.scaleway.com/en/docs/instances/reference-content/instances-datasheet/
"""
RANCHER_VOLUME_GB: Final = 20
"""Least room for K3s with its images, Rancher and the backups of a week."""


def zone_name_is_short_enough(settings: Settings) -> Generator[Conflict]:
    """The DNS zone's name leaves room for the names below and for the name server."""
    longest = LONGEST_NAME - 64
    if len(settings.zone_name) > longest:
        allowed = f"must leave room for names below it: at most {longest} characters with the domain"
        yield Conflict("subdomain", settings.subdomain, allowed)
    if len(settings.subdomain.partition(".")[0]) > LONGEST_LABEL - len("ns1-"):
        allowed = "must begin with a label of at most 59 characters: the name server is called ns1-LABEL"
        yield Conflict("subdomain", settings.subdomain, allowed)


def rancher_is_reached_by_tls(settings: Settings) -> Generator[Conflict]:
    """Rancher needs certificates."""
    if settings.rancher.enabled and settings.certificates.authority == "none":
        yield Conflict("certificates.authority", "none", "must be an authority, for Rancher is served by TLS only")


def k3s_has_room(settings: Settings) -> Generator[Conflict]:
    """K3s with Rancher fits the Instance."""
    own, enabled = settings.gamemaster, settings.rancher.enabled
    if enabled and OF_ARM.fullmatch(own.type):
        yield Conflict("gamemaster.type", own.type, "must be an Instance type of x86-64, as K3s and Helm are pinned")
    if enabled and TOO_SMALL_FOR_RANCHER.fullmatch(own.type):
        allowed = "must be an Instance type of at least 4 GB of memory where rancher.enabled is true"
        yield Conflict("gamemaster.type", own.type, allowed)
    if enabled and own.volume_size_gb < RANCHER_VOLUME_GB:
        allowed = f"must be at least {RANCHER_VOLUME_GB} GB where rancher.enabled is true"
        yield Conflict("gamemaster.volumeSizeGb", own.volume_size_gb, allowed)


def operators_sign_in_somewhere(settings: Settings) -> Generator[Conflict]:
    """Sign-in by Rancher needs Rancher."""
    sign_in = settings.observability.sign_in
    if sign_in and sign_in.provider == "rancher" and not settings.rancher.enabled:
        yield Conflict("observability.signIn.provider", "rancher", "must be oidc where rancher.enabled is false")


def agents_can_trust_rancher(settings: Settings) -> Generator[Conflict]:
    """Certificates of Let's Encrypt's staging need rancher.caBundle."""
    staging = settings.certificates.authority == "staging" and settings.sources.acme_directory is None
    if settings.rancher.enabled and staging and settings.rancher.ca_bundle is None:
        allowed = (
            "must be given where certificates.authority is staging, for no board's agent trusts that by itself: "
            "the root certificates in PEM, see https://letsencrypt.org/docs/staging-environment/"
        )
        yield Conflict("rancher.caBundle", "", allowed)


def active_board_exists(settings: Settings) -> Generator[Conflict]:
    """The active board is one of the boards."""
    if settings.active_board not in settings.boards:
        allowed = f"must name one of the boards: {', '.join(settings.boards)}"
        meant = closest(settings.active_board, settings.boards)
        yield Conflict("activeBoard", settings.active_board, allowed, meant)


def teams_have_a_source_control(settings: Settings) -> Generator[Conflict]:
    """Teams need delivery."""
    if settings.teams.all and settings.delivery.master_key is None:
        yield Conflict("delivery.masterKey", "", "must be given where teams play")


def github_finds_drone_by_tls(settings: Settings) -> Generator[Conflict]:
    """GitHub needs certificates for Drone."""
    if settings.delivery.github and settings.certificates.authority == "none":
        allowed = "must be an authority where delivery.scm is github, whose logins and webhooks come from outside"
        yield Conflict("certificates.authority", "none", allowed)


def players_have_accounts_at_github(settings: Settings) -> Generator[Conflict]:
    """Players at GitHub have accounts of their own."""
    if settings.delivery.github is None:
        return
    listed = {
        f"teams.list.{number}.players.{place}": player
        for number, team in enumerate(settings.teams.list)
        for place, player in enumerate(team.players)
    }
    filed = [("teams.file", player) for team in settings.teams.file for player in team.players]
    for key, name in (*listed.items(), *filed):
        if not is_login(name) or name == settings.delivery.github.account:
            allowed = (
                "must be a player's own account where delivery.scm is github, not the operators': "
                "at most 39 letters, digits and single hyphens"
            )
            yield Conflict(key, name, allowed)


def github_answers_so_often(settings: Settings) -> Generator[Conflict]:
    """Checks of all teams stay below GitHub's rate limit."""
    least = -(-len(settings.teams.all) * ANSWERS_FOR_A_TEAM * 60 // ANSWERS_A_MINUTE)
    if settings.delivery.github and settings.game_app.check_seconds < least:
        allowed = (
            f"must be at least {least} for so many teams at GitHub, which answers {ANSWERS_A_MINUTE} times a minute"
        )
        yield Conflict("gameApp.checkSeconds", settings.game_app.check_seconds, allowed)


def names_below_the_zone_differ(settings: Settings) -> Generator[Conflict]:
    """DNS labels in the game's zone are unique."""
    takers = {GRAFANA: "Grafana"}
    named = {
        "gameApp.host": settings.game_app.host,
        "delivery.gitHost": settings.delivery.git_host,
        "delivery.droneHost": settings.delivery.drone_host,
        "rancher.host": settings.rancher.host,
        # A board may prove its own name and all below it, and everything below it leads there.
        **{f"boards.{name}": name for name in settings.boards},
    }
    for key, label in named.items():
        if label in takers:
            allowed = f"must be a name of its own below the zone, not that of {takers[label]}"
            yield Conflict(key, label, allowed, remedy=left_out if key.startswith("boards.") else None)
        takers.setdefault(label, key)


def each_loki_has_a_node(settings: Settings) -> Generator[Conflict]:
    """Loki has as many nodes as replicas."""
    logs = settings.observability.logs
    # Without a storage that they share, several are refused already.
    if settings.active_board not in settings.boards or logs.object_storage is None:
        return
    fewest = sum(
        pool.min_size if pool.autoscaling else pool.size
        for pool in settings.board.pools.values()
        if not any(taint.effect in REPELLING for taint in pool.taints)
    )
    if 1 < logs.replicas > fewest:
        allowed = (
            f"must be at most the board's nodes without a taint, of which there may be {fewest}: no two are on one node"
        )
        yield Conflict("observability.logs.replicas", logs.replicas, allowed, meant="1")


def subnets_apart(settings: Settings) -> Generator[Conflict]:
    """Subnets do not overlap."""
    owners = {"gamemaster.subnet": settings.gamemaster}
    owners |= {f"boards.{name}.subnet": board for name, board in settings.boards.items()}
    known = {
        "the network of Kapsule's Services": IPv4Network(KAPSULE_SERVICES),
        "the network of K3s' pods": IPv4Network(K3S_PODS),
        "the network of K3s' Services": IPv4Network(K3S_SERVICES),
    }
    for key, owner in owners.items():
        # One that was refused is not there.
        if not hasattr(owner, "subnet"):
            continue
        subnet = IPv4Network(owner.subnet)
        for other, network in known.items():
            if subnet.overlaps(network):
                yield Conflict(key, str(subnet), f"must not overlap {other} ({network})")
        known[key] = subnet


def pools_in_region(settings: Settings) -> Generator[Conflict]:
    """Pools are in the region."""
    for board_name, board in settings.boards.items():
        for name, pool in board.pools.items():
            if pool.zone is not None and not pool.zone.startswith(f"{settings.scaleway.region}-"):
                key = f"boards.{board_name}.pools.{name}.zone"
                yield Conflict(key, pool.zone, f"must lie in the region {settings.scaleway.region}")


def production_is_not_open_to_everyone(settings: Settings) -> Generator[Conflict]:
    """SSH in production is limited to the operators' networks."""
    if settings.environment == "production" and EVERYWHERE in settings.operators.cidrs:
        key = f"operators.cidrs.{settings.operators.cidrs.index(EVERYWHERE)}"
        yield Conflict(key, EVERYWHERE, "must name the operators' own networks in production")


def rehearsal_stays_on_this_machine(settings: Settings) -> Generator[Conflict]:
    """A rehearsal's API is on loopback."""
    if settings.environment == REHEARSAL and not loopback(settings.scaleway.api_url):
        allowed = "must be a URL on loopback in a rehearsal, which never reaches Scaleway"
        yield Conflict("scaleway.apiUrl", settings.scaleway.api_url, allowed)


RULES: Final[tuple[Rule, ...]] = (
    zone_name_is_short_enough,
    rancher_is_reached_by_tls,
    k3s_has_room,
    operators_sign_in_somewhere,
    agents_can_trust_rancher,
    active_board_exists,
    teams_have_a_source_control,
    github_finds_drone_by_tls,
    players_have_accounts_at_github,
    github_answers_so_often,
    names_below_the_zone_differ,
    each_loki_has_a_node,
    subnets_apart,
    pools_in_region,
    production_is_not_open_to_everyone,
    rehearsal_stays_on_this_machine,
)
