"""nginx: the only program of the game master that the web reaches, one block per name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from common.templates import render
from gamemaster.remote import Host

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A name on the web, and the program on this host that serves it."""

    host: str
    """Full name, which the certificate covers."""
    upstream: str
    """Where the program listens, such as http://127.0.0.1:8080."""
    body_mb: int = 16
    """Largest request, in MiB."""
    idle_seconds: int = 900
    """Seconds that a connection may be silent: websockets of Rancher's shell and logs are, for minutes."""
    buffered: bool = True
    """Whether answers are collected before they are passed on; not for streams of events."""


@dataclass(frozen=True)
class _Configuration:
    certificate: str
    certificate_key: str
    sites: Sequence[Site]
    hsts_seconds: int
    default_body_mb: int = 1


@dataclass(frozen=True, kw_only=True)
class ProxyArgs:
    """What is served."""

    host: Host
    zone: str
    """The zone whose certificate it shows."""
    issued: pulumi.Input[str]
    """Output of Certificates: there must be a certificate first."""
    sites: Sequence[Site]
    hsts_days: int = 365
    """Days for which browsers remember to come by HTTPS only."""


class Proxy(pulumi.ComponentResource):
    """nginx with TLS, in front of everything that the game master serves."""

    urls: pulumi.Output[dict[str, str]]
    """Name to URL, known once nginx serves them."""

    def __init__(self, name: str, args: ProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Proxy", name, None, opts)
        step = args.host.step(
            f"{name}-nginx",
            "proxy",
            {"nginx.conf": configuration(args.zone, args.sites, args.hsts_days)},
            parent=self,
            after=args.issued,
        )
        self.urls = step.stdout.apply(lambda _: {site.host: f"https://{site.host}" for site in args.sites})
        self.register_outputs({"urls": self.urls})


def configuration(zone: str, sites: Sequence[Site], hsts_days: int = 365) -> str:
    """nginx's whole configuration."""
    live = f"/etc/letsencrypt/live/{zone}"
    return render(
        _TEMPLATES / "nginx.conf.j2",
        _Configuration(f"{live}/fullchain.pem", f"{live}/privkey.pem", sites, hsts_days * 86_400),
    )
