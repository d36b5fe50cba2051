"""The game with source control, continuous deployment and two teams, as the program raises it on a cluster."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from common.kubernetes_api import KubernetesApi
from common.outputs import known_after
from game_app import GameApp, GameAppArgs
from game_app.delivery.image_registry import ImageRegistry
from tests.api_server.releases.site import Site
from tests.api_server.releases.values import GIVEN
from tests.support.programs import COURSE, BoardOutputs, delivery_settings, game_settings

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
            settings=game_settings(delivery_settings(), teams),
            course=COURSE,
            registry=ImageRegistry(folder="registry.example/game", config=pulumi.Output.secret('{"auths": {}}')),
            board=BoardOutputs(
                api=KubernetesApi("board-api", pulumi.ResourceOptions(providers=[provider])).server,
                ingress_class=known_after("nginx", controller.id),
            ),
        ),
        opts=pulumi.ResourceOptions(providers=[provider]),
    )
