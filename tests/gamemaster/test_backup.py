"""A game master that is lost, and another one made from what was saved."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cli.backup import SCRIPTS, BackupError, Login, restore_archive, save_archive
from tests.gamemaster.games import BOOTSTRAP_PASSWORD, ECHO, OPEN_PORTS, RANCHER, ZONE, Game
from tests.gamemaster.web import Browser
from tests.localcloud.instances.cloud import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


CUT = 'mv() { [[ ${!#} != /var/lib/rancher ]] || exit 9; command mv "$@"; }\n' + (SCRIPTS / "restore.sh").read_text()
"""A restore that ends before its last file is in place."""


def login(game: Game, address: str) -> Login:
    cloud = game.cloud
    return Login(
        ip=address,
        host_key=cloud.host_key.export_public_key().decode().strip(),
        private_key=cloud.me.export_private_key().decode(),
    )


async def test_a_new_host_takes_up_where_the_lost_one_was(game: Game, tmp_path: Path) -> None:
    browser = Browser(game.address, await game.authority.root())
    archive = tmp_path / "saved.tar.gz"
    await game.host.sh("kubectl create configmap remembered --from-literal=what=this")
    before, _ = await browser.certificate(ECHO)
    keys, own = await game.records(ZONE, "DNSKEY"), await game.certbot_key()
    data, token = game.host.said["gamemaster-k3s-datastore"], await log_in(browser)
    await asyncio.to_thread(save_archive, login(game, game.address), archive)
    assert archive.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="restore: this host is set up already"):
        await asyncio.to_thread(restore_archive, login(game, game.address), archive)

    game.host.connection.close()
    await game.cloud.instances.remove(game.machine.id)
    game.machine = game.cloud.machine(networks=game.machine.networks)
    await game.cloud.boot(game.machine, OPEN_PORTS)
    game.host.connection = await game.cloud.enter()
    with pytest.raises(BackupError, match="backup: this host is not set up yet"):
        await asyncio.to_thread(save_archive, login(game, game.address), archive)
    assert (await game.host.connection.run(CUT, input=archive.read_bytes(), encoding=None)).exit_status == 9
    await asyncio.to_thread(restore_archive, login(game, game.address), archive)
    await game.host.take(game.steps)

    after, _ = await eventually(lambda: browser.certificate(ECHO))
    assert after.serial_number == before.serial_number
    assert await game.records(ZONE, "DNSKEY") == keys
    assert (await game.certbot_key()).secret == own.secret
    assert await game.host.sh("kubectl get configmap remembered --output jsonpath={.data.what}") == "this"
    assert game.host.said["gamemaster-k3s-datastore"] == data
    # The same Rancher: it knows who had logged in before.
    shown = {"Authorization": f"Bearer {token}"}
    async with browser.session() as session, session.get(f"https://{RANCHER}/v3/users", headers=shown) as answer:
        assert answer.status == 200


async def log_in(browser: Browser) -> str:
    """A token of Rancher's admin."""
    asked = {"username": "admin", "password": BOOTSTRAP_PASSWORD}
    url = f"https://{RANCHER}/v3-public/localProviders/local?action=login"
    async with browser.session() as session, session.post(url, json=asked) as answer:
        return (await answer.json())["token"]
