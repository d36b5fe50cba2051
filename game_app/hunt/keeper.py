"""The keeper: the program's own pod in a team's namespace, in whose logs the words lie that the team looks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from game_app.hunt.service.codes import word
from game_app.hunt.service.steps import Logged, Step
from game_app.hunt.service.teams import Place, Team, filled
from game_app.teams.space import KEEPER
from game_app.workload import container, deployment, pod, secret_volume

APP: Final = KEEPER
_FOLDER: Final = "/etc/keeper"
_SCRIPT: Final = Path(__file__).parent / "keeper.sh"


@dataclass(frozen=True, kw_only=True)
class KeeperArgs:
    """What is said, and to whom."""

    image: str
    """Any with a shell."""
    team: Team
    namespace: pulumi.Input[str]
    """The team's namespace, known once it is there."""
    steps: Sequence[Step]
    place: pulumi.Input[Place]
    key: pulumi.Input[str]
    """The hunt's key, a secret."""


class Keeper(pulumi.ComponentResource):
    """A pod that says the lines of a hunt's steps, each with this team's own word.

    The lines lie in a Secret: players may look at everything else in their namespace, and at the pod's logs.
    """

    ready: pulumi.Output[str]

    def __init__(self, name: str, args: KeeperArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Keeper", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        said = pulumi.Output.all(pulumi.Output.secret(args.key), args.place).apply(
            lambda given: lines(args.team, args.steps, given[1], given[0])
        )
        secret = k8s.core.v1.Secret(
            f"{name}-lines", metadata={"name": APP, "namespace": args.namespace}, string_data=said, opts=child
        )
        spec = pod(
            [
                container(
                    APP,
                    args.image,
                    cpu="10m",
                    memory="16Mi",
                    entrypoint=["sh", "-c", _SCRIPT.read_text()],
                    mounts={"lines": _FOLDER},
                )
            ],
            volumes=[secret_volume("lines", secret.metadata.name)],
        )
        namespace = pulumi.Output.from_input(args.namespace)
        running = deployment(name, APP, namespace, spec, replicas=1, files={"lines": said.apply(str)}, opts=child)
        self.ready = running.metadata.name
        self.register_outputs({"ready": self.ready})


def lines(team: Team, steps: Sequence[Step], place: Place, key: str) -> Mapping[str, str]:
    """The line of each step that has one, by the step's name."""
    return {
        step.name: filled(step.check.line, place.names(team, word(key, team.name, step.name)))
        for step in steps
        if isinstance(step.check, Logged)
    }
