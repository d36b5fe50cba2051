"""Images of the program: references, registries and mirrors."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Annotated, Final

from common.settings.constraints import Text
from common.settings.section import camel
from common.versions import Images

PINNED: Final[Mapping[str, str]] = {camel(each.name): str(each.default) for each in dataclasses.fields(Images)}
"""Each image's name in the settings, and what it is by default."""
_REGISTRY: Final = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"
_FOLDER: Final = r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)"
_TAG: Final = r":(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})"
_DIGEST: Final = r"(?P<digest>@sha256:[0-9a-f]{64})"
_IMAGE: Final = re.compile(f"(?P<registry>{_REGISTRY}){_FOLDER}+({_TAG})?{_DIGEST}?")
"""Source: github.com/distribution/reference, where a registry may be left out."""
_RELEASE: Final = re.compile(r"[0-9]+\.[0-9]+")


def _pinned(value: str) -> bool:
    found = _IMAGE.fullmatch(value)
    if found is None or not _is_registry(found["registry"]):
        return False
    return bool(found["digest"] or _RELEASE.search(found["tag"] or ""))


def _is_registry(host: str) -> bool:
    # What others take for a registry is a folder in `alpine/git`.
    return "." in host or ":" in host


Image = Annotated[
    str,
    Text(
        allowed="an image by its registry and digest, such as 'registry.example.org/git@sha256:' and 64 hexadecimal "
        "digits, or by its registry and the tag of a release, such as 'docker.io/alpine/git:v2.49.1'; never 'latest', "
        "or without a tag",
        accepts=_pinned,
    ),
]
Registry = Annotated[
    str,
    Text(
        allowed="the name of a registry, such as 'docker.io'",
        accepts=lambda value: re.fullmatch(_REGISTRY, value) is not None and _is_registry(value),
    ),
]
Mirror = Annotated[
    str,
    Text(
        allowed="a registry or a folder in one, such as 'mirror.example.org/docker'",
        accepts=lambda value: (
            re.fullmatch(f"{_REGISTRY}{_FOLDER}*", value) is not None and _is_registry(value.partition("/")[0])
        ),
    ),
]


def registry_of(reference: str) -> str:
    """The registry that an image comes from."""
    return reference.partition("/")[0]


def asks_no_extension(drone: str) -> bool:
    """Whether an image is a Drone built with the tag `oss`, by its name; a digest does not tell."""
    return "oss" in re.split(r"[/:@._-]", drone)


def resolved(references: Mapping[str, str], mirrors: Mapping[str, str]) -> Images:
    """The images by their names in the settings. mirrors: a registry's name to what takes its place."""
    found = {name: _through(mirrors, reference) for name, reference in references.items()}
    return Images(**{each.name: found[camel(each.name)] for each in dataclasses.fields(Images)})


def _through(mirrors: Mapping[str, str], reference: str) -> str:
    host, _, rest = reference.partition("/")
    return f"{mirrors.get(host, host)}/{rest}"
