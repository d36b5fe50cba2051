"""The program's resources at Scaleway, without what is on the Instance and on the boards."""

from __future__ import annotations

import pulumi
from pulumi_command import Provider as Ssh
from pulumiverse_scaleway import Provider as Scaleway

from board.kapsule import Kapsule, KapsuleArgs
from common.settings import parse
from game_app import image_registry
from gamemaster.instance import Instance, InstanceArgs
from gamemaster.network import Network
from tests.support import example


def scaleway_part(tree: example.Tree) -> None:
    """The program's resources at Scaleway."""
    settings = parse(tree, tree["environment"])
    opts = pulumi.ResourceOptions(providers=[Scaleway("scaleway"), Ssh("ssh")])
    network = Network("gamemaster-network", settings, opts)
    arguments = InstanceArgs(settings=settings, private_network_id=network.private_network_id)
    Instance("gamemaster-instance", arguments, opts)
    for board in settings.boards:
        Kapsule(f"board-{board}-kapsule", KapsuleArgs(settings=settings, board=board, vpc_id=network.vpc_id), opts)
    image_registry("registry", settings, opts)
