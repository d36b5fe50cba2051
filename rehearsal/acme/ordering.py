"""A certificate ordered from an ACME authority, its names proven by dynamic update (RFC 2136)."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update
from acme import challenges, errors, messages
from acme.client import ClientNetwork, ClientV2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from josepy.jwa import ES256
from josepy.jwk import JWKEC
from requests import RequestException

from rehearsal.acme.issuer import Issuer, OrderError

_ANSWER_SECONDS: Final = 30.0
_CHALLENGE: Final = "_acme-challenge"


def order(issuer: Issuer, names: Sequence[str]) -> tuple[str, str]:
    """A new key and the certificate for it, with its chain, both PEM.

    An alias of a name's challenge is followed. Raises OrderError.
    """
    try:
        return _order(issuer, names)
    except (errors.Error, messages.Error, RequestException, dns.exception.DNSException, OSError) as error:
        raise OrderError(f"{', '.join(names)}: {_said(error)}") from error


def _said(error: Exception) -> str:
    """The same words for the same error, without the ids and times of one attempt."""
    if isinstance(error, errors.ValidationError):
        failed: list[Any] = error.failed_authzrs
        return "; ".join(str(each.error.detail) for one in failed for each in one.body.challenges if each.error)
    detail: Any = error.detail if isinstance(error, messages.Error) else type(error).__name__
    return str(detail)


def _order(issuer: Issuer, names: Sequence[str]) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True)
        .sign(key, SHA256())
    )
    until = dt.datetime.now() + dt.timedelta(seconds=_ANSWER_SECONDS)  # noqa: DTZ005 - the library's own clock
    with _client(issuer) as client:
        ordered = client.new_order(request.public_bytes(Encoding.PEM))
        places: list[str] = []
        try:
            for authorization in ordered.authorizations:
                offered = authorization.body.challenges
                chosen = next(each for each in offered if isinstance(each.chall, challenges.DNS01))
                response, proof = chosen.response_and_validation(client.net.key)
                place = _leads_to(issuer, f"{_CHALLENGE}.{authorization.body.identifier.value}.")
                _write(issuer, place, proof)
                places.append(place)
                client.answer_challenge(chosen, response)
            chain = str(client.poll_and_finalize(ordered, until).fullchain_pem)
        finally:
            for place in places:
                _write(issuer, place, None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(), chain


@contextmanager
def _client(issuer: Issuer) -> Generator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        trusted = Path(folder) / "trusted.pem"
        trusted.write_text(issuer.authority)
        # requests takes a file in place of a yes.
        verify: Any = str(trusted) if issuer.authority else True
        # An account for each order, where cert-manager keeps one: a key is made faster than one is kept.
        key = JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
        network = ClientNetwork(key, alg=ES256, verify_ssl=verify, user_agent="shambhala-rehearsal")
        client = ClientV2(ClientV2.get_directory(issuer.directory, network), network)
        network.account = client.new_account(messages.NewRegistration.from_data(terms_of_service_agreed=True))
        yield client


def _leads_to(issuer: Issuer, name: str) -> str:
    """The name itself, or what it is another name of."""
    found: Any = _asked(issuer, name, dns.rdatatype.CNAME).answer
    return next((str(record.target) for each in found for record in each), name)


def _zone_of(issuer: Issuer, name: str) -> str:
    """The zone that a name is in: its server tells it by the SOA, also of a name that is not there."""
    answer = _asked(issuer, name, dns.rdatatype.SOA)
    for each in (*answer.answer, *answer.authority):
        if each.rdtype == dns.rdatatype.SOA:
            return str(each.name)
    raise OrderError(f"the name server {issuer.name_server} is no authority for {name}")


def _write(issuer: Issuer, name: str, proof: str | None) -> None:
    """Put the proof at a name, or take away what stands there."""
    key = dns.tsig.Key(issuer.key_name, issuer.key, dns.tsig.HMAC_SHA256)
    change = dns.update.UpdateMessage(_zone_of(issuer, name), keyring={key.name: key}, keyname=key.name)
    if proof is None:
        change.delete(name, "TXT")
    else:
        change.add(name, 1, "TXT", proof)
    answer = dns.query.tcp(change, issuer.name_server, port=issuer.port, timeout=_ANSWER_SECONDS)
    if answer.rcode():
        said = dns.rcode.to_text(answer.rcode())
        raise OrderError(f"the name server {issuer.name_server} did not take the proof at {name}: {said}")


def _asked(issuer: Issuer, name: str, kind: dns.rdatatype.RdataType) -> dns.message.Message:
    question = dns.message.make_query(name, kind)
    return dns.query.tcp(question, issuer.name_server, port=issuer.port, timeout=_ANSWER_SECONDS)
