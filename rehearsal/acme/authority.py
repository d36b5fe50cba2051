"""Pebble as a program that is started and stopped."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
import time
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rehearsal.processes import Processes
from rehearsal.session import Block, Service, Session

PORT = 14000
MANAGEMENT_PORT = 15000
_PROGRAM = "pebble"
_START_SECONDS = 20
_DAY = datetime.timedelta(days=1)


class AuthorityError(Exception):
    """The authority does not answer; the text holds the end of its log."""


class Authority:
    """A certificate authority on the rehearsal's own address.

    program: the binary of Pebble. It keeps running when this object's process ends.
    """

    def __init__(self, session: Session, processes: Processes, program: Path) -> None:
        self._session = session
        self._processes = processes
        self._program = program
        self._folder = session.home / "acme"
        self._address = session.address(Block.SERVICES, Service.ACME)

    @property
    def directory(self) -> str:
        """URL of its ACME directory."""
        return f"https://{self._address}:{PORT}/dir"

    @property
    def own_certificate(self) -> str:
        """What to trust when talking to it (PEM), which is not what it signs with."""
        return (self._folder / "server.pem").read_text()

    async def start(self, dns_server: str) -> None:
        """Serve, asking that server (address and port) for every proof. Raises AuthorityError.

        Nothing happens if it runs already.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._folder / "server.pem").exists():
            self._make_certificate()
        (self._folder / "pebble.json").write_text(json.dumps(self._configuration()))
        process = await self._processes.start(
            _PROGRAM,
            [self._program, "-config", self._folder / "pebble.json", "-dnsserver", dns_server],
            # No random waits and refusals, which are there to try clients; and every order is proven anew.
            env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"},
        )
        deadline = time.monotonic() + _START_SECONDS
        while not await self._answers():
            if not process.alive or time.monotonic() > deadline:
                said = self._processes.tail(_PROGRAM)
                raise AuthorityError(f"Pebble does not answer. Its log {process.log} ends with:\n{said}")
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """End it, and with it all that it knows: accounts, orders, its root."""
        await self._processes.stop(_PROGRAM, grace=5)

    async def root(self) -> str:
        """The certificate (PEM) that its chains end in; another one after each start."""
        return await self._get(f"https://{self._address}:{MANAGEMENT_PORT}/roots/0")

    async def _answers(self) -> bool:
        try:
            await self._get(self.directory)
        except (aiohttp.ClientError, OSError):
            return False
        return True

    async def _get(self, url: str) -> str:
        trusted = ssl.create_default_context(cadata=self.own_certificate)
        async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(url, ssl=trusted) as answer:
            return await answer.text()

    def _configuration(self) -> dict[str, object]:
        return {
            "pebble": {
                "listenAddress": f"{self._address}:{PORT}",
                "managementListenAddress": f"{self._address}:{MANAGEMENT_PORT}",
                "certificate": str(self._folder / "server.pem"),
                "privateKey": str(self._folder / "server.key"),
                "httpPort": 80,
                "tlsPort": 443,
                "ocspResponderURL": "",
                "externalAccountBindingRequired": False,
            }
        }

    def _make_certificate(self) -> None:
        """A certificate for its own address, which signs itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Rehearsal ACME server")])
        now = datetime.datetime.now(datetime.UTC)
        usage = dict.fromkeys(
            (
                *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
                *("crl_sign", "encipher_only", "decipher_only"),
            ),
            False,
        )
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + 365 * _DAY)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(self._address))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
            .sign(key, SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self._folder / "server.key").touch(mode=0o600)
        (self._folder / "server.key").write_bytes(private)
        # Last: what is there is complete.
        (self._folder / "server.pem").write_bytes(built.public_bytes(Encoding.PEM))
