"""Set-up of GitHub: the Pulumi program has made the repositories, and the rest only a person can do."""

from __future__ import annotations

from .secret_store import SecretStore
from .setup_faults import Faults, SetupError
from .setup_plan import Plan
from .source_control_setup import SourceControlSetup


class GitHubSetup(SourceControlSetup):
    """GitHub, of which nothing is asked here."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def set_up(self, store: SecretStore, timeout: float, faults: Faults) -> None:
        """Make nothing: Drone has its OAuth application from the settings."""

    def log_drone_in(self) -> None:
        plan = self._plan
        raise SetupError(
            f"Drone does not see the repositories of {plan.organisation}: log in at {plan.drone_public_url}/login as "
            f"{plan.builder} once and authorise it, which GitHub lets nobody else do"
        )
