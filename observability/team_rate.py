"""Rate of teams' log lines, by which whatever players print fits Loki's volume for the whole retention."""

from __future__ import annotations

import math
from typing import Final

from common.settings import Observability

PLAYERS_OF_A_TEAM: Final = 5
COMPRESSION: Final = 4
"""Bytes of log lines for a byte of Loki's chunks: a rule, not a measurement. Random text in base64 becomes 3/4."""
DAY_SECONDS: Final = 86_400
BURST_SECONDS: Final = 6 * 3600
"""Seconds for which a team's rate may be written at once, such as the log of a long build."""


def team_rate(settings: Observability, nodes: int) -> float | None:
    """Bytes a second of a team's lines on one node, in the long run; None where no volume bounds the logs.

    All teams on all nodes together write half of logs.dailyGb at most; the settings refuse a logs.retentionDays that
    does not fit logs.volumeSizeGb. nodes: most that the board may have.
    """
    logs = settings.logs
    if logs.object_storage is not None:
        return None
    teams = max(1, settings.players // PLAYERS_OF_A_TEAM)
    rate = logs.daily_gb * 10**9 * COMPRESSION / 2 / DAY_SECONDS / teams / max(1, nodes)
    return math.floor(10 * rate) / 10


def rate_limit(team_bytes_per_second: float | None) -> str:
    """Beginning of record.lua, which holds each team to its rate; empty for no bound."""
    if team_bytes_per_second is None:
        return ""
    burst = int(team_bytes_per_second * BURST_SECONDS)
    return f"TEAM_BYTES_PER_SECOND = {team_bytes_per_second}\nTEAM_BURST_BYTES = {burst}\n"
