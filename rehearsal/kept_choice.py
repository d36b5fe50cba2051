"""Choices that an environment variable makes at the first `make rehearse`, and that a rehearsal then keeps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rehearsal.session import Session, SessionError, make


@dataclass(frozen=True)
class KeptChoice:
    """One choice, whose first value is the default."""

    variable: str
    values: Sequence[str]
    of: str
    """Whose choice it is, in the plural, such as `nodes`."""

    def choose(self, session: Session) -> None:
        """Note what the environment variable says; a rehearsal that stands keeps what was chosen first.

        Raises SessionError for another value than those, and for a change.
        """
        given = os.environ.get(self.variable, "")
        chosen = given or self.values[0]
        again = make("rehearse", session.name)
        if chosen not in self.values:
            raise SessionError(
                f"{self.variable}={chosen} is neither {' nor '.join(sorted(self.values))}: "
                f"'{again} {self.variable}={self.values[-1]}'."
            )
        file = session.home / f"{self.of}-of-boards"
        if not file.exists():
            file.write_text(chosen)
        elif given and file.read_text() != chosen:
            raise SessionError(
                f"The boards of {session.name!r} have {file.read_text()} {self.of}, and keep them: "
                f"'{make('rehearse-down', session.name)}' first, then '{again} {self.variable}={chosen}'."
            )

    def kept(self, session: Session) -> str:
        """What was chosen; the default before anything was."""
        file = session.home / f"{self.of}-of-boards"
        return file.read_text() if file.exists() else self.values[0]
