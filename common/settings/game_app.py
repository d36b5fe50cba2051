"""Game application: the hunt's page, folder and checks."""

from __future__ import annotations

from typing import Annotated

from common.settings.constraints import whole_number
from common.settings.names import Folder, Label
from common.settings.section import Section


class GameApp(Section):
    """Hunt: its page, its folder and its checks."""

    host: Label = "play"
    """DNS label of the hunt's page in the game's zone."""
    hunt: Folder = "game_app/hunt/example"
    """Folder with the steps of the hunt."""
    check_seconds: Annotated[int, whole_number(5, 600, "seconds")] = 15
    """Seconds between two checks of every team's step; a team may ask for a check at any time."""
