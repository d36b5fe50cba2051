"""The players' workshop of two teams, as the program raises it on a cluster."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from common.keys import dns_key
from common.versions import Images
from game_app import GameApp, GameAppArgs, Workshop, load_course
from game_app.delivery.registry import ImageRegistry
from tests.releases.site import Site
from tests.releases.values import GIVEN

MASTER = dns_key()
COURSE = load_course("game_app/hunt/example")
TEAMS: Mapping[str, list[str]] = {"red": ["ada", "grace"], "blue": ["linus"]}


def program(site: Site, teams: Mapping[str, list[str]]) -> None:
    provider = k8s.Provider(
        "board", kubeconfig=site.kubeconfig, enable_config_map_mutable=True, enable_secret_mutable=True
    )
    on_the_board = pulumi.ResourceOptions(provider=provider)
    ingress = k8s.core.v1.Namespace("ingress", metadata={"name": "ingress"}, opts=on_the_board)
    # An Ingress counts as ready once a controller has given it an address.
    controller = site.install("nginx-ingress", GIVEN["nginx-ingress"], on_the_board, namespace=ingress.metadata.name)
    GameApp(
        "game",
        GameAppArgs(
            images=Images(),
            host="play.hunt.example.org",
            address="192.0.2.20",
            ingress_class=controller.id.apply(lambda _: "nginx"),
            cluster_issuer=None,
            course=COURSE,
            check_seconds=15,
            workshop=Workshop(
                git_host="git.hunt.example.org",
                drone_host="drone.hunt.example.org",
                master_key=pulumi.Output.secret(MASTER),
                components=["portal"],
                teams=teams,
                registry=ImageRegistry(folder="registry.example/game", config=pulumi.Output.secret('{"auths": {}}')),
                signing_key=pulumi.Output.secret("a signing key"),
                signing_password=pulumi.Output.secret("a password"),
            ),
        ),
        opts=pulumi.ResourceOptions(providers=[provider]),
    )
