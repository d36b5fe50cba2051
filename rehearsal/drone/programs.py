"""Builds Drone's server and Gitea from their Go modules, and keeps them in the tool chain's cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MODULES: Final = Path(__file__).parents[1] / "toolchain" / "modules"


class ProgramError(Exception):
    """A program could not be built; the text says why and what to do."""


@dataclass(frozen=True)
class Recipe:
    """How one program is built."""

    module: str
    """Its wrapper's folder, whose go.sum pins every byte."""
    package: str
    tags: str = ""


DRONE: Final = Recipe("drone", "github.com/drone/drone/cmd/drone-server")
GITEA: Final = Recipe("gitea", "code.gitea.io/gitea", tags="sqlite sqlite_unlock_notify")


def provide(recipe: Recipe, progress: Callable[[str], None]) -> Path:
    """The program, built unless the cache has it. Raises ProgramError."""
    target = _cache() / f"{recipe.module}-{_fingerprint(recipe)}"
    if target.exists():
        return target
    if shutil.which("go") is None or shutil.which("gcc") is None:
        raise ProgramError("Go 1.26 or newer and gcc are needed to build Drone and Gitea (SQLite is in C).")
    progress(f"building {recipe.module} from source: one to three minutes")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    _go(recipe, "build", "-trimpath", f"-tags={recipe.tags}", "-o", str(part), recipe.package)
    part.rename(target)
    return target


def source_folder(recipe: Recipe, module: str) -> Path:
    """The folder with a module's source, which has the files that the program does not carry in itself."""
    return Path(json.loads(_go(recipe, "mod", "download", "-json", module))["Dir"])


def _go(recipe: Recipe, *arguments: str) -> str:
    done = subprocess.run(
        ["go", *arguments],
        cwd=MODULES / recipe.module,
        env={**os.environ, "CGO_ENABLED": "1", "GOFLAGS": "-mod=readonly", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProgramError(f"`go {arguments[0]}` of {recipe.module} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _fingerprint(recipe: Recipe) -> str:
    digest = hashlib.sha256(repr(recipe).encode())
    for file in sorted((MODULES / recipe.module).rglob("*")):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "shambhala" / "toolchain"
