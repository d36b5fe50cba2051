"""What `init` begins with, what it makes, and what it calls a sample; `tests/commands/cli` runs the engine."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from cli import __main__ as cli
from cli.init.questions import QUESTIONS, TEAMS_QUESTIONS
from cli.init.samples import samples
from cli.init.setting_problems import refusals
from cli.init.starting_values import TEAMS, completed
from cli.init.trees import found
from cli.stack import leaves
from common.keys import dns_key, key_pair, password, public_key_of
from common.settings import Settings, parse
from common.settings.credentials import DnsKey
from common.settings.schema import schema_of
from common.signing import signing_key

ACCOUNT = {
    "projectId": "11111111-2222-4333-8444-555555555555",
    "accessKey": "SCWABCDEFGHJKLMNPQRS",
    "secretKey": "5f1c7b0e-7d53-4a0b-9a35-0c6f8b1f2d11",
}
GIVEN: dict[str, Any] = {"domain": "example.org", "operators": {"cidrs": ["203.0.113.0/24"]}, "scaleway": ACCOUNT}
"""All that nobody but the operator knows."""

# Made by `cosign generate-key-pair` 2.5.0, and used for nothing else.
COSIGNS_PASSWORD = "of a sample that signs nothing"
COSIGNS_KEY = """-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJ2dGpEZGpSVHVycVhqTU1aR3o3NktTVjBiUW5Lb1Fu
UnBUeXE5TDgxVXg4PSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJtM3o0U1dYa1M5QjVuVHFHUFowM1JQSGpCYmtZUFE0WiJ9LCJj
aXBoZXJ0ZXh0IjoibHRqKytPUmNFSWJSUVZDZE9BeHZrc003UENJaTE4eVRBaDUy
cHJvc2xOWjU2VmhTWXlrdjg5MFpENmdITDBZY002anlNemFWV2tNczQ0VDVZcU5K
M1M1TUUzcGFWUTBRWWEyOGw3cGxJWkRJZWZaODRGTDUvSlFPMThKQ0l0UUl6OWZl
ajU0WG4wNE5Qa0tQaVdvMTNYWUZ0bnBjcTYvNzl5NGRFUnQyMTJPb05zSVVFQmo2
aHJWK1Nab0xyRmt4WW5BRXRRbisrbGtZdWc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""
ITS_PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE30vvyVwUY/BdNMMAFsqZek7wMeyo
SmsYelC04aNM9SSC/GqKGoNbcpT5Spz5uuHxpdaqTKrz83CKVV1KNMMR4g==
-----END PUBLIC KEY-----
"""


def read(tree: dict[str, Any]) -> Settings:
    return parse(tree, "dev")


def opened(key: str, under: str) -> EllipticCurvePrivateKey:
    """A private key of cosign's, decrypted as its text says."""
    content = json.loads(base64.b64decode("".join(key.splitlines()[1:-1]), validate=True))
    kdf, cipher = content["kdf"], content["cipher"]
    assert (kdf["name"], cipher["name"]) == ("scrypt", "nacl/secretbox")
    n, r, p = (kdf["params"][name] for name in "Nrp")
    derived = Scrypt(base64.b64decode(kdf["salt"]), 32, n, r, p).derive(under.encode())
    plain = SecretBox(derived).decrypt(base64.b64decode(content["ciphertext"]), base64.b64decode(cipher["nonce"]))
    found = load_der_private_key(plain, None)
    assert isinstance(found, EllipticCurvePrivateKey)
    return found


def test_a_new_environment_lacks_only_what_the_operator_knows() -> None:
    assert read(completed(GIVEN, "dev")).zone_name == "hunt.example.org"


def test_what_stands_there_is_never_replaced() -> None:
    existing = completed(GIVEN, "dev")
    assert completed(existing, "dev") == existing


def test_boards_of_the_operators_own_get_no_other_beside_them() -> None:
    tree = completed({**GIVEN, "boards": {"green": {"kubernetesVersion": "1.35"}}}, "dev")
    assert tree["boards"] == {"green": {"kubernetesVersion": "1.35", "apiCidrs": ["203.0.113.0/24"]}}
    assert "activeBoard" not in tree


@pytest.mark.parametrize(
    ("half", "other"),
    [
        ("operators.sshPublicKey", "operators.sshPrivateKey"),
        ("gamemaster.hostKey.private", "gamemaster.hostKey.public"),
        ("delivery.signingKey", "delivery.signingPassword"),
    ],
)
def test_half_a_pair_is_not_completed_with_another_ones_half(half: str, other: str) -> None:
    section, _, rest = half.partition(".")
    step, _, last = rest.rpartition(".")
    tree = completed({section: {step: {last: "mine"}} if step else {last: "mine"}}, "dev", TEAMS)
    assert found(tree, half) == "mine"
    assert found(tree, other) is None


def test_rancher_needs_nothing_but_to_be_enabled() -> None:
    rancher = read(completed({**GIVEN, "rancher": {"enabled": True}}, "dev")).rancher
    assert rancher.bootstrap_password != rancher.admin_password


@pytest.mark.parametrize(
    "wanted", [{"delivery": {"components": ["portal"]}}, {"teams": {"list": [{"name": "red", "players": ["ada"]}]}}]
)
def test_delivery_gets_its_keys_where_the_operator_has_begun_with_it_or_teams_play(wanted: dict[str, Any]) -> None:
    assert "delivery" not in completed(GIVEN, "dev")
    made = completed({**GIVEN, **wanted}, "dev")["delivery"]
    assert not refusals(schema_of(DnsKey), made["masterKey"])
    assert opened(made["signingKey"], made["signingPassword"])
    kept = completed({**GIVEN, "delivery": {"masterKey": "mine"}}, "dev")
    assert kept["delivery"]["masterKey"] == "mine"


def test_the_signing_key_is_one_that_cosign_itself_would_have_made() -> None:
    cosigns = opened(COSIGNS_KEY, COSIGNS_PASSWORD)
    public = cosigns.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert public == ITS_PUBLIC_KEY, "what opens it here is what opens it there"
    own = signing_key("a password of mine")
    assert isinstance(opened(own, "a password of mine").curve, SECP256R1)
    assert [len(line) for line in own.splitlines()] == [len(line) for line in COSIGNS_KEY.splitlines()]
    assert own.splitlines()[0] == COSIGNS_KEY.splitlines()[0]
    with pytest.raises(CryptoError):
        opened(own, "another password")
    assert signing_key("a password of mine") != own


def test_secrets_are_told_from_plain_settings_at_any_depth() -> None:
    tree = completed(GIVEN, "dev", TEAMS)
    assert {each.path for each in leaves(tree, schema=schema_of(Settings)) if each.secret} == {
        "scaleway.accessKey",
        "scaleway.secretKey",
        "operators.sshPrivateKey",
        "gamemaster.hostKey.private",
        "gamemaster.dnsUpdateKey",
        "rancher.bootstrapPassword",
        "rancher.adminPassword",
        "observability.grafanaAdminPassword",
        "observability.lokiPassword",
        "delivery.masterKey",
        "delivery.signingKey",
        "delivery.signingPassword",
    }


def test_a_name_with_a_dot_is_one_step_of_a_path() -> None:
    assert [each.path for each in leaves({"labels": {"example.org/role": "game"}})] == ['labels["example.org/role"]']


@pytest.mark.parametrize(
    "sample",
    [
        *("example.org", "hunt.example.com", "game.example", "some.test", "operators@example.org"),
        *("https://mirror.example.net/debian", "registry.example.org:5000/game", "203.0.113.0/24", "192.0.2.7/32"),
    ],
)
def test_what_documents_use_is_a_sample(sample: str) -> None:
    assert [each.text for each in samples({"domain": sample})] == [sample]


@pytest.mark.parametrize(
    "own", ["myexample.org", "example.org.internal", "games.internal", "test", "203.0.112.0/23", "10.8.0.0/24", "1.36"]
)
def test_what_may_be_the_operators_own_is_none(own: str) -> None:
    assert not samples({"domain": own})


def test_no_sample_is_looked_for_in_a_secret() -> None:
    assert not samples({"scaleway": {"secretKey": "example.org"}})


def test_every_question_is_for_a_setting_and_gives_a_reason() -> None:
    for question in (*QUESTIONS, *TEAMS_QUESTIONS):
        assert question.schema is schema_of(Settings).at(question.path)
        assert question.reason.endswith(".")


def test_an_unknown_environment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["init", "productoin"]) == 1
    assert "'productoin' is no environment" in capsys.readouterr().err


def test_new_keys_are_new_each_time_and_whole() -> None:
    pair = key_pair()
    assert public_key_of(pair.private) == pair.public
    assert len({key_pair().public, key_pair().public, dns_key(), dns_key(), password(), password()}) == 6
    assert "PRIVATE" not in repr(pair)
