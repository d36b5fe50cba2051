"""The values with which the program installs each chart."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gamemaster import rancher
from tests.support import programs
from tests.support.monitor import run


@cache
def given_values() -> Mapping[str, Mapping[str, Any]]:
    """By the chart's name."""

    def program() -> None:
        programs.board()
        programs.observability()

    releases = run(program, preview=False).of_type("kubernetes:helm.sh/v3:Release")
    on_the_game_master = {
        "rancher": rancher.helm_values("rancher.hunt.example.org", "a-bootstrap-password", private_ca=True)
    }
    return on_the_game_master | {release.inputs["name"]: release.inputs["values"] for release in releases}
