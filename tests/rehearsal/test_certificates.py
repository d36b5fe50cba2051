"""A board's certificates as far as they go where no pod runs: the objects, and the update that cert-manager makes."""

from __future__ import annotations

import base64
import json

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest

from rehearsal.configuration import ZONE
from tests.rehearsal.site import Rehearsal

pytestmark = pytest.mark.timeout(600)


def test_what_the_issuer_holds_proves_the_boards_own_names_and_no_other(game: Rehearsal) -> None:
    game.command("up")
    issuer = json.loads(game.kubectl("get", "clusterissuer", "acme", "--output=json"))
    [solver] = issuer["spec"]["acme"]["solvers"]
    way = solver["dns01"]["rfc2136"]
    reference = way["tsigSecretSecretRef"]
    held = json.loads(game.kubectl("--namespace=cert-manager", "get", "secret", reference["name"], "--output=json"))
    key = dns.tsig.Key(
        way["tsigKeyName"], base64.b64decode(held["data"][reference["key"]]).decode(), dns.tsig.HMAC_SHA256
    )
    server, _, port = way["nameserver"].partition(":")

    def written(name: str, kind: str, data: str) -> dns.rcode.Rcode:
        update = dns.update.UpdateMessage(ZONE, keyring={key.name: key}, keyname=key.name)
        update.replace(name, 60, kind, data)
        return dns.query.tcp(update, server, port=int(port), timeout=10).rcode()

    challenge = "_acme-challenge.blue"
    assert written(challenge, "TXT", "proof") == dns.rcode.NOERROR
    question = dns.message.make_query(f"{challenge}.{ZONE}", "TXT")
    [answer] = dns.query.udp(question, server, port=int(port), timeout=10).answer
    assert str(answer).endswith('TXT "proof"')
    assert written("blue", "A", "192.0.2.1") == dns.rcode.REFUSED
    assert written("_acme-challenge.green", "TXT", "proof") == dns.rcode.REFUSED

    [certificate] = json.loads(game.kubectl("get", "certificates", "--all-namespaces", "--output=json"))["items"]
    assert certificate["spec"]["dnsNames"] == [f"*.blue.{ZONE}"]
    assert certificate["spec"]["issuerRef"]["name"] == issuer["metadata"]["name"]
