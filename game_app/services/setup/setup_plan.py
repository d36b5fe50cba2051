"""Plan of the set-up, as the Pulumi program writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Repository:
    """One repository of the game."""

    name: str
    minutes: int
    """How long Drone lets one of its builds run."""
    readers: Sequence[str] = ()
    """Players who may read it; empty: everybody who has an account."""
    writers: Sequence[str] = ()
    """Accounts that push to its main branch and merge into it; of most repositories none."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that Drone should have."""

    organisation: str
    drone_url: str
    """Address of Drone inside the cluster."""
    drone_public_url: str
    """Public address of Drone, to which the OAuth application sends people back."""
    drone_token: str = field(repr=False)
    builder: str
    """Drone's own account at the source control."""
    repositories: Sequence[Repository]

    @classmethod
    def read(cls, file: Path) -> Self:
        """The plan in a file."""
        given = json.loads(file.read_text(encoding="utf-8"))
        repositories = [Repository(**each) for each in given.pop("repositories")]
        return cls(**given, repositories=repositories)


@dataclass(frozen=True, kw_only=True)
class GiteaPlan(Plan):
    """Everything that Gitea and Drone should have."""

    branch: str
    scm_url: str
    cloner: str
    merger: str
    """Accounts: that of builds, and that which merges what is green."""
    passwords: Mapping[str, str] = field(repr=False)
    """Every account, players and the game's own, to its first password."""
