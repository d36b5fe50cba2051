"""What the set-up wants of a source control, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from game_app.scm.setup.vault import Vault


class SourceControl(ABC):
    """A source control with the game's repositories, from which Drone is to build."""

    @abstractmethod
    def set_up(self, vault: Vault, patience: float) -> None:
        """Make it as planned, and hand over what Drone waits for before it starts.

        patience: seconds that it may take to answer. Raises SetupError with what refused.
        """

    @abstractmethod
    def let_drone_in(self) -> None:
        """Give Drone the token of its own account. Raises SetupError with what is missing."""
