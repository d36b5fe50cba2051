from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack import leaves
from common.settings import Settings
from common.settings.schema import schema_of
from tests.commands.settings.environment import Environment
from tests.support.example import complete
from tests.support.tools import engine

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A complete environment whose secrets the real engine has encrypted, in a folder with the project's own file."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    environment = Environment(folder, engine(), complete())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path_factory.mktemp('state')}")
        patch.setenv("PULUMI_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
        patch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
        environment.stack.create()
        environment.stack.add(list(leaves(complete(), schema=schema_of(Settings))))
        yield environment


@pytest.fixture
def environment(begun: Environment) -> Iterator[Environment]:
    """The complete environment, as it was."""
    before = begun.file.read_text()
    begun.right = complete()
    yield begun
    begun.file.write_text(before)
