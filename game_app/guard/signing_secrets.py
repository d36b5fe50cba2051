"""Secrets that Drone signs its requests to the guard with, one for each of the guard's paths."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from common.settings import Delivery
from game_app.master_key import derived_secret


@dataclass(frozen=True, kw_only=True)
class SigningSecrets:
    """Secrets that Drone signs its requests with (HTTP signatures), and with which the guard checks them."""

    config: pulumi.Output[str]
    """Of the configuration extension (`DRONE_YAML_SECRET`), which says what a build runs."""
    validate: pulumi.Output[str]
    """Of the validation extension (`DRONE_VALIDATE_PLUGIN_SECRET`), which refuses any other pipeline."""
    ended: pulumi.Output[str]
    """Of Drone's webhook (`DRONE_WEBHOOK_SECRET`), which reports builds that ended."""

    @classmethod
    def derived(cls, settings: Delivery) -> SigningSecrets:
        """The three secrets, derived from `delivery.masterKey`."""
        return cls(
            config=derived_secret(settings, "drone-config"),
            validate=derived_secret(settings, "drone-validate"),
            ended=derived_secret(settings, "drone-ended"),
        )
