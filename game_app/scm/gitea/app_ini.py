"""`app.ini`, the configuration file of Gitea."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.templates import render

_TEMPLATE: Final = Path(__file__).parent / "templates" / "app.ini.j2"
GIT_SCRIPT: Final = Path(__file__).parent / "scripts" / "git.sh"
CONFIGURATION_FOLDER: Final = "/etc/gitea/configuration"
"""Folder of the container with `app.ini` and the scripts."""


@dataclass(frozen=True, kw_only=True)
class GiteaSettings:
    """Values of `app.ini` that differ between a board and a test on one machine."""

    root_url: str
    """URL for people, with a slash at its end."""
    drone_host: str
    """The one host that webhooks may reach: Drone's inside the cluster."""
    address: str = "0.0.0.0"  # noqa: S104 - every address of the pod, for the Service
    port: int = 3000
    work_path: str = "/var/lib/gitea"
    secrets: str = "/etc/gitea/secrets"
    """Folder with the files secret-key, internal-token and jwt-secret."""
    static_path: str = ""
    """Folder with Gitea's own pages, for a program that was built without them."""
    git_path: str = f"{CONFIGURATION_FOLDER}/{GIT_SCRIPT.name}"
    """Program that Gitea runs for git, which bounds git's memory."""
    log_level: str = "Info"


def app_ini(settings: GiteaSettings) -> str:
    """Text of `app.ini`: names of the files with secrets, and no secret."""
    return render(_TEMPLATE, settings)
