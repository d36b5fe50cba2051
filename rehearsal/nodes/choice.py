"""Whether the boards of a rehearsal get a node whose pods run: `make rehearse NODES=real`.

By default all nodes are simulated, for the pods of most charts have no image here yet.
"""

from __future__ import annotations

import os

from rehearsal.session import Session, SessionError, make

_CHOICES = ("simulated", "real")


def choose_nodes(session: Session) -> None:
    """Note what the environment variable NODES says; a rehearsal that stands keeps what was chosen first.

    Raises SessionError for anything but `real` and `simulated`.
    """
    given = os.environ.get("NODES", "")
    chosen = given or _CHOICES[0]
    if chosen not in _CHOICES:
        raise SessionError(
            f"NODES={chosen} is neither real nor simulated: '{make('rehearse', session.name)} NODES=real'."
        )
    file = session.home / "nodes-of-boards"
    if not file.exists():
        file.write_text(chosen)
    elif given and file.read_text() != chosen:
        raise SessionError(
            f"The boards of {session.name!r} have {file.read_text()} nodes, and keep them: "
            f"'{make('rehearse-down', session.name)}' first, then '{make('rehearse', session.name)} NODES={chosen}'."
        )


def real_nodes(session: Session) -> bool:
    """Whether each board gets a node whose pods run."""
    file = session.home / "nodes-of-boards"
    return file.exists() and file.read_text() == "real"
