"""Secrets of the delivery section: those that the settings hold, and those derived from `delivery.masterKey`."""

from __future__ import annotations

import pulumi

from common.keys import derived
from common.settings import Delivery, Secret


def given(secret: Secret | None) -> pulumi.Output[str]:
    """A secret of the settings. Raises ValueError where there is none, which the settings' own checks exclude."""
    if secret is None:
        raise ValueError("delivery.masterKey, signingKey or signingPassword is missing; 'make init' makes all three")
    return secret.output


def derived_secret(settings: Delivery, purpose: str) -> pulumi.Output[str]:
    """Secret of one purpose, 64 hexadecimal digits. Raises ValueError where the settings have no master key."""
    return given(settings.master_key).apply(lambda master: derived(master, purpose))
