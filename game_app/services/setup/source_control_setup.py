"""Set-up of a source control, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .secret_store import SecretStore
from .setup_faults import Faults


class SourceControlSetup(ABC):
    """Source control with the game's repositories, from which Drone is to build."""

    @abstractmethod
    def set_up(self, store: SecretStore, timeout: float, faults: Faults) -> None:
        """Make accounts and repositories as planned, and store what Drone waits for before it starts.

        timeout: seconds within which the source control must be ready. faults: notes what is refused.
        Raises SetupError where nothing can be made.
        """

    @abstractmethod
    def log_drone_in(self) -> None:
        """Give Drone the token of its own account. Raises SetupError with what is missing."""
