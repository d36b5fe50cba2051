"""HTTP server of the guard: each answer is `answer`'s, and has one line in the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from ..http_server import BadRequestError, BoundedHandler, BoundedServer, Limits
from ..json_log import log_entry
from ..pipeline_catalogue import PipelinesError
from .answer import Answer, answer
from .guard_files import GuardFiles

LIMITS: Final = Limits(body=2 * 1024 * 1024, seconds=5, connections=128)
"""A push's message may be long, but Drone's own limits lie far below 2 MiB."""


class GuardServer(BoundedServer):
    """GET /healthz, and POST for the two extensions and for Drone's word of builds that have ended."""

    def __init__(
        self, address: tuple[str, int], files: GuardFiles, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.files = files
        self.clock = clock or _now
        super().__init__(address, _Handler, LIMITS)
        log_entry({"status": 0, "reason": f"listening on {self.server_address[0]}:{self.server_address[1]}"})

    def log_lost(self, error: BaseException) -> None:
        log_entry({"status": 0, "reason": f"the caller went away: {type(error).__name__}"})

    def log_failed(self, error: BaseException | None) -> None:
        log_entry({"status": 0, "reason": f"the guard failed: {type(error).__name__}"})


class _Handler(BoundedHandler):
    server: GuardServer  # pyright: ignore[reportIncompatibleVariableOverride] - only a GuardServer makes it
    server_version = "guard"

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        if self.path != "/healthz":
            self._answer(Answer(404, b"there is nothing here\n", "there is nothing here"))
            return
        try:
            self.server.files.guard()
        except PipelinesError as error:
            self._answer(Answer(503, f"{error}\n".encode(), str(error)))
        else:
            self.send(200, b"ready\n")

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        self._answer(self._answered())

    def _answered(self) -> Answer:
        try:
            body = self.body()
        except BadRequestError as refused:
            return Answer(refused.status, f"{refused}\n".encode(), str(refused))
        try:
            guard = self.server.files.guard()
        except (PipelinesError, OSError) as error:
            return Answer(503, b"the guard cannot read its files\n", str(error))
        return answer(guard, self.path, self.headers.items(), body, self.server.clock())

    def _answer(self, answered: Answer) -> None:
        # Before Drone hears of it.
        for note in answered.notes:
            log_entry(note)
        log_entry({"path": self.path, "status": answered.status, "reason": answered.reason})
        self.send(answered.status, answered.body, "application/json" if answered.status == 200 else "text/plain")


def _now() -> datetime:
    return datetime.now(UTC)
