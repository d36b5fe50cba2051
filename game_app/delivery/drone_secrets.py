"""Secrets of Drone's server, each derived from `delivery.masterKey`; the guard's are in `guard.signing_secrets`."""

from __future__ import annotations

from typing import Final

import pulumi

from common.settings import Delivery
from game_app.master_key import derived_secret

_DATABASE_KEY_LENGTH: Final = 32
"""Characters of the key with which Drone encrypts what it stores. Source: drone, store/shared/encrypt/encrypt.go"""


def admin_token(settings: Delivery) -> pulumi.Output[str]:
    """API token of Drone's admin."""
    return derived_secret(settings, "drone-admin")


def rpc_secret(settings: Delivery) -> pulumi.Output[str]:
    """Password with which runners log in at Drone's server."""
    return derived_secret(settings, "drone-rpc")


def cookie_secret(settings: Delivery) -> pulumi.Output[str]:
    """Key with which Drone signs the cookies of people's sessions."""
    return derived_secret(settings, "drone-cookie")


def database_password(settings: Delivery) -> pulumi.Output[str]:
    """Password of Drone's user at PostgreSQL."""
    return derived_secret(settings, "postgres")


def database_key(settings: Delivery) -> pulumi.Output[str]:
    """Key with which Drone encrypts what it stores in PostgreSQL."""
    return derived_secret(settings, "drone-database").apply(lambda secret: secret[:_DATABASE_KEY_LENGTH])
