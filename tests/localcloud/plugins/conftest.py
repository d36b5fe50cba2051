from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from pulumi import automation as auto

from rehearsal.plugins.command.provider import CommandProvider
from tests.localcloud.plugins.background import Background
from tests.localcloud.plugins.engine import Engine
from tests.localcloud.plugins.leftovers import none_left
from tests.localcloud.plugins.plugin import Plugin
from tests.localcloud.plugins.rancher2_plugin import BOOTSTRAP, FIRST, configured
from tests.localcloud.plugins.rancher_host import RancherHost
from tests.localcloud.plugins.ssh_host import SshHost
from tests.support.tools import tools


@pytest.fixture(autouse=True)
def nothing_left_running() -> Generator[None]:
    """First of all fixtures, so that it looks after the others have tidied up."""
    with none_left():
        yield


@pytest.fixture(scope="session")
def pulumi_command(tmp_path_factory: pytest.TempPathFactory) -> auto.PulumiCommand:
    root = tmp_path_factory.mktemp("engine")
    (root / "bin").mkdir()
    (root / "bin" / "pulumi").symlink_to(tools().pulumi.path)
    return auto.PulumiCommand(str(root), skip_version_check=True)


@pytest.fixture
def engine(pulumi_command: auto.PulumiCommand, tmp_path: Path) -> Engine:
    """The real engine with the stand-in plugins, on an empty stack."""
    return Engine(tmp_path, pulumi_command)


@pytest.fixture
def background() -> Generator[Background]:
    loop = Background()
    yield loop
    loop.stop()


@pytest.fixture
def host(tmp_path: Path, background: Background) -> Generator[SshHost]:
    folder = tmp_path / "host"
    folder.mkdir()
    ssh_host = SshHost(folder)
    background.run(ssh_host.start())
    yield ssh_host
    background.run(ssh_host.stop())


@pytest.fixture
async def command() -> AsyncGenerator[Plugin]:
    async with Plugin(CommandProvider()) as plugin:
        await plugin.configure()
        yield plugin


@pytest.fixture
def rancher(tmp_path: Path, background: Background) -> Generator[RancherHost]:
    host = RancherHost(tmp_path / "rancher")
    background.run(host.start())
    yield host
    background.run(host.stop())


@pytest.fixture
async def bootstrap(rancher: RancherHost) -> AsyncGenerator[Plugin]:
    # As the SDK sends them: what is no string is JSON in a string.
    async with configured(apiUrl=rancher.url, bootstrap="true", timeout="500ms") as plugin:
        yield plugin


@pytest.fixture
async def rancher2(rancher: RancherHost, bootstrap: Plugin) -> AsyncGenerator[Plugin]:
    _, state = await bootstrap.create(BOOTSTRAP, FIRST)
    async with configured(apiUrl=rancher.url, tokenKey=state["token"], timeout="500ms") as plugin:
        yield plugin
