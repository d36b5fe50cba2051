"""Gitea's configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.templates import render

_TEMPLATE: Final = Path(__file__).parent / "templates" / "app.ini.j2"


@dataclass(frozen=True, kw_only=True)
class GiteaSettings:
    """What differs from one Gitea of the game to another."""

    root_url: str
    """Where people find it, with a slash at its end."""
    drone_host: str
    """The one host that webhooks may reach: Drone's, inside the cluster."""
    address: str = "0.0.0.0"  # noqa: S104 - all of the pod's, for its Service
    port: int = 3000
    work_path: str = "/var/lib/gitea"
    secrets: str = "/etc/gitea/secrets"
    """Folder with the files secret-key, internal-token and jwt-secret."""
    static_path: str = ""
    """Folder with Gitea's own pages, for a program that does not carry them in itself."""
    log_level: str = "Info"


def app_ini(settings: GiteaSettings) -> str:
    """The text of app.ini. It holds no secret: it names their files."""
    return render(_TEMPLATE, settings)
