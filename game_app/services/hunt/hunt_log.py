"""Log of the hunt: one event a line."""

from __future__ import annotations

from ..json_log import log_entry


def log(event: str, *, level: str = "info", team: str | None = None, step: int | None = None) -> None:
    """Write one event.

    The team is `of_team`: every line gets a label `team` on its way to Loki, which says who wrote it.
    """
    about = {} if team is None else {"of_team": team, "step": step}
    log_entry({"level": level, "event": event, **about})
