"""Secret value of a setting."""

from __future__ import annotations

import pulumi
from pydantic import SecretStr

from common.settings.problems import HIDDEN


class Secret(SecretStr):
    """Text that no message, log or state may show."""

    def _display(self) -> str:
        return HIDDEN

    @property
    def value(self) -> str:
        """The text itself."""
        return self.get_secret_value()

    @property
    def output(self) -> pulumi.Output[str]:
        """The text for a resource; the engine encrypts it in the state."""
        return pulumi.Output.secret(self.value)
