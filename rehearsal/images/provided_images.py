"""Images that a rehearsal's boards may ask for: which are built here, pulled, or stand-ins."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rehearsal.session import Session

BUILT, PULLED, STAND_IN = "built here", "pulled from its publisher", "stand-in"


@dataclass(frozen=True)
class ProvidedImage:
    """One image, as a rehearsal provides it."""

    reference: str
    """With the publisher's registry."""
    what: str
    """BUILT, PULLED or STAND_IN."""
    origin: str
    """From what, for people to read."""
    folder: str = ""
    """Of this machine, with the manifest and the layers; empty where a node pulls from the publisher."""

    @property
    def path(self) -> Path:
        return Path(self.folder)


def write_provided(session: Session, images: Sequence[ProvidedImage]) -> None:
    """Tell a rehearsal's registry and report of its images."""
    # As a whole or not at all: the registry may be reading.
    fresh = _file(session).with_suffix(".fresh")
    fresh.write_text(json.dumps([asdict(image) for image in images]))
    fresh.rename(_file(session))


def read_provided(session: Session) -> list[ProvidedImage]:
    """The images, in the order of their references; none before a rehearsal with real nodes was raised."""
    file = _file(session)
    return [ProvidedImage(**told) for told in json.loads(file.read_text())] if file.exists() else []


def _file(session: Session) -> Path:
    return session.home / "images.json"
