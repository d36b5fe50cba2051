"""Secrets in settings: no message and no log shows one."""

from __future__ import annotations

import pytest

from common.settings import parse
from tests.support.example import ACCESS_KEY, OTHER_KEY, PASSWORD, SECRETS, complete, spoiled
from tests.unit.wrong_settings import refusal


@pytest.mark.parametrize(
    "key",
    [
        "scaleway.accessKey",
        "scaleway.secretKey",
        "operators.sshPrivateKey",
        "gamemaster.hostKey.private",
        "gamemaster.dnsUpdateKey",
        "operators.sshPublicKey",
        "observability.grafanaAdminPassword",
        "observability.lokiPassword",
        "observability.logs.objectStorage.secretKey",
        "observability.signIn.clientSecret",
    ],
)
def test_a_wrong_secret_is_never_shown(key: str) -> None:
    text = str(refusal({key: OTHER_KEY.private[:-40]}))
    assert "(hidden)" in text
    assert not any(line in text for line in OTHER_KEY.private.splitlines())


@pytest.mark.parametrize("key", ["scaleway", "operators", "gamemaster", "rancher", "observability", "delivery"])
def test_a_secret_in_the_place_of_its_section_is_never_shown(key: str) -> None:
    assert PASSWORD not in str(refusal({key: {"quux": PASSWORD}}))
    assert PASSWORD not in str(refusal({key: PASSWORD}))


def test_a_password_in_a_url_is_never_shown() -> None:
    assert "hunter2" not in str(refusal({"scaleway.apiUrl": "https://somebody:hunter2@api.scaleway.com"}))


def test_settings_in_a_log_show_no_secret() -> None:
    shown = repr(parse(complete(), "dev"))
    assert not any(secret in shown for secret in SECRETS)


async def test_a_secret_is_one_to_the_engine_too() -> None:
    output = parse(complete(), "dev").scaleway.access_key.output
    assert await output.is_secret()
    assert await output.future() == ACCESS_KEY


def test_a_private_key_gets_back_the_line_end_that_the_engine_drops() -> None:
    key = complete()["operators"]["sshPrivateKey"]
    assert parse(spoiled({"operators.sshPrivateKey": key.rstrip("\n")}), "dev").operators.ssh_private_key.value == key
