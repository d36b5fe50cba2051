"""The game's settings: read once, checked together, then passed down. No component reads the configuration itself.

`load` reads what the engine was configured with; `parse` does the same from plain objects. Both give `Settings`, or
raise one `SettingsError` that names every wrong setting. The sections are the one source of the checks, of the
configuration in `Pulumi.yaml` and of `docs/settings.md` (`common/settings/documents.py` writes both).
"""

from common.settings.board import AutoUpgrade, Board, Pool, Taint
from common.settings.configuration import load, parse
from common.settings.costs import Costs
from common.settings.delivery import GITEA, GITHUB, INSTALL_GITHUB, Delivery
from common.settings.environment import ENVIRONMENTS, GRAFANA, REHEARSAL, Environment, Settings
from common.settings.game_app import GameApp
from common.settings.gamemaster import Certificates, GameMaster, HostKey
from common.settings.github import GitHub
from common.settings.networks import EVERYWHERE
from common.settings.object_storage import ObjectStorage
from common.settings.observability import (
    USABLE_PERCENT,
    Logs,
    Mail,
    Metrics,
    Notify,
    Observability,
    SignIn,
)
from common.settings.operators import Operators, Players
from common.settings.problems import HOW_TO_MEND, NAMESPACE, SettingsError
from common.settings.rancher import Rancher
from common.settings.scaleway import REGIONS, ZONES, Scaleway
from common.settings.secret import Secret
from common.settings.sources import Sources
from common.settings.team import Team
from common.settings.teams import Teams

__all__ = [
    "ENVIRONMENTS",
    "EVERYWHERE",
    "GITEA",
    "GITHUB",
    "GRAFANA",
    "HOW_TO_MEND",
    "INSTALL_GITHUB",
    "NAMESPACE",
    "REGIONS",
    "REHEARSAL",
    "USABLE_PERCENT",
    "ZONES",
    "AutoUpgrade",
    "Board",
    "Certificates",
    "Costs",
    "Delivery",
    "Environment",
    "GameApp",
    "GameMaster",
    "GitHub",
    "HostKey",
    "Logs",
    "Mail",
    "Metrics",
    "Notify",
    "ObjectStorage",
    "Observability",
    "Operators",
    "Players",
    "Pool",
    "Rancher",
    "Scaleway",
    "Secret",
    "Settings",
    "SettingsError",
    "SignIn",
    "Sources",
    "Taint",
    "Team",
    "Teams",
    "load",
    "parse",
]
