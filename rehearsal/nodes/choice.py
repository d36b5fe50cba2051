"""Whether the boards of a rehearsal get a node whose pods run: `make rehearse NODES=real`."""

from __future__ import annotations

from rehearsal.kept_choice import KeptChoice
from rehearsal.session import Session

_NODES = KeptChoice("NODES", ("simulated", "real"), "nodes")


def choose_nodes(session: Session) -> None:
    """Note what the environment variable NODES says. Raises SessionError."""
    _NODES.choose(session)


def real_nodes(session: Session) -> bool:
    """Whether each board gets a node whose pods run."""
    return _NODES.kept(session) == "real"
