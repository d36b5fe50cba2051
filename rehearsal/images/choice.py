"""Whose images the pods of boards run: `make rehearse NODES=real IMAGES=publishers`."""

from __future__ import annotations

from rehearsal.kept_choice import KeptChoice
from rehearsal.session import Session

_IMAGES = KeptChoice("IMAGES", ("local", "publishers"), "images")


def choose_images(session: Session) -> None:
    """Note what the environment variable IMAGES says. Raises SessionError."""
    _IMAGES.choose(session)


def publishers_only(session: Session) -> bool:
    """Whether every image is the publisher's, also those that can be built here."""
    return _IMAGES.kept(session) == "publishers"
