"""nginx, the only program of the game master that the web reaches: one server block per name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from common.outputs import known_after
from gamemaster.host_files import rendered
from gamemaster.ssh_steps import Host

HSTS_SECONDS: Final = 365 * 86_400
"""Time for which browsers remember to come by HTTPS only."""
DEFAULT_BODY_MB: Final = 1
"""Largest request, in MiB, where no site says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A name on the web, and the program behind nginx that serves it."""

    host: str
    """Full name, which the certificate covers."""
    upstream: str
    """URL of the program, such as http://127.0.0.1:8080."""
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
    default_body_mb: int


@dataclass(frozen=True, kw_only=True)
class NginxArgs:
    """Arguments of nginx."""

    host: Host
    zone: str
    """Zone whose certificate nginx shows."""
    certificate: pulumi.Input[str]
    """Output of Certbot: the certificate must be there first."""
    sites: Sequence[Site]


class Nginx(pulumi.ComponentResource):
    """nginx with TLS, in front of all web pages of the game master."""

    urls: pulumi.Output[dict[str, str]]
    """Name to URL, known once nginx serves them."""

    def __init__(self, name: str, args: NginxArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Nginx", name, None, opts)
        script = args.host.run_script(
            f"{name}-setup",
            "nginx",
            {"nginx.conf": configuration(args.zone, args.sites)},
            parent=self,
            after=args.certificate,
        )
        self.urls = known_after({site.host: f"https://{site.host}" for site in args.sites}, script.stdout)
        self.register_outputs({"urls": self.urls})


def configuration(zone: str, sites: Sequence[Site]) -> str:
    """The whole nginx.conf."""
    live = f"/etc/letsencrypt/live/{zone}"
    return rendered(
        "nginx.conf.j2",
        _Configuration(f"{live}/fullchain.pem", f"{live}/privkey.pem", sites, HSTS_SECONDS, DEFAULT_BODY_MB),
    )
