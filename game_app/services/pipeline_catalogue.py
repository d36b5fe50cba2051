"""Catalogue of pipelines, from files that only the operators' program writes: the guard serves it, the set-up signs it.

A repository has a kind, and a kind has one template for pull requests and one for pushes to the main branch. What a
template is filled with is the repository's own name out of the catalogue: nothing of a request ever reaches it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

PULL_REQUEST: Final = "pull_request"
PUSH: Final = "push"
EVENTS: Final = (PULL_REQUEST, PUSH)
"""The events that have a pipeline, by Drone's names."""
CHECK: Final = "continuous-integration/drone/pr"
DEPLOYMENT: Final = "continuous-integration/drone/push"
"""Commit statuses at the source control that Drone writes: of a pull request's build, and of a push's to main."""
CATALOGUE: Final = "repositories.json"
SIGNATURES: Final = "signatures.json"
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9-]{0,62}")
_BRANCH: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HMAC: Final = re.compile(r"[0-9a-f]{64}")
_PLACEHOLDER: Final = re.compile(r"@[a-z]+@")
_FORBIDDEN: Final = ("${", "from_secret", "privileged", "kind: signature", "\n---", "\n...")
"""What no template has: what Drone would fill in from a pull request's own words, what lets a build out of its
namespace's bounds, and a second document."""


class PipelinesError(Exception):
    """The files are not fit to be served; the text says which and why."""


@dataclass(frozen=True)
class Catalogue:
    """Which repositories there are, and what each of their builds runs."""

    branch: str
    """The branch that pull requests aim at and deployments come from."""
    pipelines: Mapping[tuple[str, str], str]
    """(owner/name, event) to the pipeline as it stands in the template, filled and not yet signed."""


def load(folder: Path) -> Catalogue:
    """The catalogue in a folder: `repositories.json` beside a template `<kind>.<event>.yaml` for each kind and event.

    Raises PipelinesError for anything odd, so that a guard with doubtful files never starts.
    """
    given = _read(folder / CATALOGUE)
    branch, repositories = given.get("branch"), given.get("repositories")
    if set(given) != {"branch", "repositories"} or not isinstance(branch, str) or not _BRANCH.fullmatch(branch):
        raise PipelinesError(f"{CATALOGUE} must hold a branch and repositories, and nothing else")
    if not isinstance(repositories, dict) or not repositories:
        raise PipelinesError(f"{CATALOGUE} names no repository")
    templates: dict[tuple[str, str], str] = {}
    pipelines: dict[tuple[str, str], str] = {}
    for slug, kind in cast("dict[str, object]", repositories).items():
        if not _SLUG.fullmatch(slug) or not isinstance(kind, str) or not _BRANCH.fullmatch(kind):
            raise PipelinesError(f"{CATALOGUE} has an entry that is no repository with a kind: {slug[:80]!r}")
        for event in EVENTS:
            if (kind, event) not in templates:
                templates[kind, event] = _template(folder / f"{kind}.{event}.yaml")
            owner, name = slug.split("/")
            pipelines[slug, event] = templates[kind, event].replace("@owner@", owner).replace("@name@", name)
    return Catalogue(branch, pipelines)


def load_signatures(file: Path, catalogue: Catalogue) -> Mapping[tuple[str, str], str]:
    """(owner/name, event) to the signature that Drone made of that pipeline; those that it has not made are missing.

    Raises PipelinesError when the file is there and cannot be read.
    """
    if not file.exists():
        return {}
    found: dict[tuple[str, str], str] = {}
    for slug, events in _read(file).items():
        for event, signature in cast("dict[str, object]", events if isinstance(events, dict) else {}).items():
            if not isinstance(signature, str) or not _HMAC.fullmatch(signature):
                raise PipelinesError(f"{file.name} has a signature that is none")
            if (slug, event) in catalogue.pipelines:
                found[slug, event] = signature
    return found


def signed(pipeline: str, signature: str) -> str:
    """A pipeline with Drone's own signature after it, as a protected repository must have it."""
    return f"{pipeline}---\nkind: signature\nhmac: {signature}\n\n...\n"


def _template(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise PipelinesError(f"{file.name} cannot be read") from error
    found = [word for word in _FORBIDDEN if word in text]
    if found:
        raise PipelinesError(f"{file.name} has {found[0]!r}, which no served pipeline may have")
    if not text.startswith("kind: pipeline\n") or not text.endswith("\n"):
        raise PipelinesError(f"{file.name} must be one pipeline: 'kind: pipeline' first, a line's end last")
    if _PLACEHOLDER.search(text.replace("@owner@", "").replace("@name@", "")):
        raise PipelinesError(f"{file.name} has a placeholder that nothing fills; there are @owner@ and @name@")
    return text


def _read(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PipelinesError(f"{file.name} cannot be read as JSON") from error
    if not isinstance(value, dict):
        raise PipelinesError(f"{file.name} must hold one JSON object")
    return cast("dict[str, Any]", value)
