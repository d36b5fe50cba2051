"""Clue pod: the program's own Deployment in a team's namespace, whose log holds the words that the team looks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from game_app.services.hunt.codes import word
from game_app.services.hunt.hunt_steps import Logged, Step
from game_app.services.hunt.hunt_teams import GameUrls, Team, filled
from game_app.teams.team_namespace import CLUE_POD
from game_app.workload import container, deployment, pod, secret_volume

_FOLDER: Final = "/etc/clues"
_SCRIPT: Final = Path(__file__).parent / "clue_pod.sh"


@dataclass(frozen=True, kw_only=True)
class CluePodArgs:
    """Arguments of one team's clue pod."""

    image: str
    """Any image with a shell."""
    team: Team
    namespace: pulumi.Input[str]
    """Namespace of the team, known once it is made."""
    steps: Sequence[Step]
    urls: pulumi.Input[GameUrls]
    key: pulumi.Input[str]
    """Key of the hunt, from which the team's words are derived, a secret."""


class CluePod(pulumi.ComponentResource):
    """Deployment that logs the clues of a hunt's steps, each with the team's own word.

    The clues are in a Secret: players may read everything else in their namespace, and the pod's log.
    """

    ready: pulumi.Output[str]
    """Name of the Deployment, known once its pod is ready."""

    def __init__(self, name: str, args: CluePodArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:CluePod", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        logged = pulumi.Output.all(pulumi.Output.secret(args.key), args.urls).apply(
            lambda known: clues(args.team, args.steps, known[1], known[0])
        )
        secret = k8s.core.v1.Secret(
            f"{name}-clues", metadata={"name": CLUE_POD, "namespace": args.namespace}, string_data=logged, opts=child
        )
        spec = pod(
            [
                container(
                    CLUE_POD,
                    args.image,
                    cpu="10m",
                    memory="16Mi",
                    command=["sh", "-c", _SCRIPT.read_text()],
                    mounts={"clues": _FOLDER},
                )
            ],
            volumes=[secret_volume("clues", secret.metadata.name)],
        )
        running = deployment(
            name, CLUE_POD, args.namespace, spec, replicas=1, files={"clues": logged.apply(str)}, opts=child
        )
        self.ready = running.metadata.name
        self.register_outputs({"ready": self.ready})


def clues(team: Team, steps: Sequence[Step], urls: GameUrls, key: str) -> Mapping[str, str]:
    """Line for the log of each step whose check is `logged`, by the step's name."""
    return {
        step.name: filled(step.check.line, urls.placeholders(team, word(key, team.name, step.name)))
        for step in steps
        if isinstance(step.check, Logged)
    }
