from __future__ import annotations

import asyncio
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import config as engine
from pulumi.runtime import mocks

from common.settings import SettingsError
from tests.unit.example import spoiled

PROGRAM = Path(__file__).parents[2] / "__main__.py"


class Cloud(mocks.Mocks):
    """Writes down what is registered and called."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.seen.append(args.name)
        return args.name, {}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        self.seen.append(args.token)
        return {}, []


@pytest.mark.parametrize("spoil", [{"domain": "example"}, {"gameApp.checkSeconds": 0}, {"sources.chart": {}}], ids=str)
def test_nothing_is_registered_when_a_setting_is_wrong(spoil: dict[str, object], preview: bool) -> None:
    cloud = Cloud()
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(cloud, project="shambhala", stack="dev", preview=preview)
    tree = spoiled(spoil)
    values = {f"shambhala:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in tree.items()}
    engine.set_all_config(values, list(values))
    try:
        with pytest.raises(SettingsError, match=r"1 setting is wrong\. Nothing was changed\."):
            runpy.run_path(str(PROGRAM))
    finally:
        engine.set_all_config({}, [])
    assert cloud.seen == []
