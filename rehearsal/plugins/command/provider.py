"""The provider `command`."""

from __future__ import annotations

from typing import ClassVar

from rehearsal.plugins.command.connection import Dialer
from rehearsal.plugins.command.copy import CopyToRemote
from rehearsal.plugins.command.local import LocalCommand
from rehearsal.plugins.command.remote import RemoteCommand
from rehearsal.plugins.install import VERSIONS
from rehearsal.plugins.properties import Properties
from rehearsal.plugins.provider_model import Provider


class CommandProvider(Provider[Dialer]):
    """Three resources, and no settings of its own."""

    name: ClassVar[str] = "command"
    version: ClassVar[str] = VERSIONS["command"]

    def __init__(self) -> None:
        self.resources = {
            "command:remote:Command": RemoteCommand(),
            "command:remote:CopyToRemote": CopyToRemote(),
            "command:local:Command": LocalCommand(),
        }

    def configure(self, settings: Properties) -> Dialer:
        return Dialer()
