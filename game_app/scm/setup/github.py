"""GitHub's part: the program itself has made the repositories, and what is left only a person can do."""

from __future__ import annotations

from game_app.scm.setup.plan import Plan
from game_app.scm.setup.source import SourceControl
from game_app.scm.setup.vault import Vault
from game_app.scm.setup.web import SetupError


class GitHub(SourceControl):
    """GitHub, of which nothing is asked here."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def set_up(self, vault: Vault, patience: float) -> None:
        """There is nothing to make, and Drone has its OAuth application from the settings."""

    def let_drone_in(self) -> None:
        plan = self._plan
        raise SetupError(
            f"Drone does not see the repositories of {plan.organisation}: log in at {plan.drone_public_url}/login as "
            f"{plan.builder} once and authorise it, which GitHub lets nobody else do"
        )
