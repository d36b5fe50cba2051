"""An environment before its first update: its settings, Scaleway's stand-in, and a program in the engine's place."""

from __future__ import annotations

import asyncio
import json
import stat
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cli import __main__ as cli
from common.settings import Settings, parse
from rehearsal.run import Run
from tests.scaleway.cloud import Answer, Cloud
from tests.unit.example import complete

T = TypeVar("T")
STACK = "dev"
ENGINE = """#!/bin/sh
case "$*" in
"config --json"*) cat "$0.configuration" ;;
*) exit 255 ;;
esac
"""


class Api:
    """The stand-in, served beside the test: the commands ask it as they ask Scaleway."""

    def __init__(self, run: Run) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.cloud = self.wait(self._start(run))

    async def _start(self, run: Run) -> Cloud:
        cloud = Cloud(run)
        await cloud.start()
        return cloud

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        return self.wait(self.cloud.ask(method, path, body))

    def account(self, **state: object) -> None:
        """What the organization may do from now on (rehearsal/scaleway/account.py)."""
        assert self.ask("PUT", "/rehearsal/account", state).status == 204

    def stop(self) -> None:
        self.wait(self.cloud.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Site:
    """An environment and the commands on it."""

    def __init__(self, api: Api, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.api = api
        self.tree = complete()
        credentials = api.cloud.credentials
        self.tree["scaleway"] |= {
            "projectId": credentials.project_id,
            "organizationId": credentials.organization_id,
            "accessKey": credentials.access_key,
            "secretKey": credentials.secret_key,
            "apiUrl": api.cloud.api.url,
        }
        self._capsys = capsys
        self.engine = folder / "pulumi"
        self.engine.write_text(ENGINE)
        self.engine.chmod(self.engine.stat().st_mode | stat.S_IXUSR)

    @property
    def settings(self) -> Settings:
        return parse(self.tree, STACK)

    def command(self, name: str, *arguments: str) -> tuple[int, str]:
        """The exit status of `python -m cli NAME dev …`, and what it printed."""
        entries = {f"shambhala:{key}": {"objectValue": value} for key, value in self.tree.items()}
        self.engine.with_name("pulumi.configuration").write_text(json.dumps(entries))
        status = cli.run([name, STACK, *arguments, "--pulumi", str(self.engine), "--project", str(self.engine.parent)])
        captured = self._capsys.readouterr()
        return status, captured.out + captured.err
