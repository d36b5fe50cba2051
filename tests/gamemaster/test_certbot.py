"""What comes of certificates where the authority refuses or the disk fills up: said, and put right by the next run."""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.gamemaster.games import ZONE, Game
from tests.gamemaster.steps import StepError
from tests.gamemaster.web import Browser

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

STEP = "gamemaster-certbot-setup"
LIVE = f"/etc/letsencrypt/live/{ZONE}"
PORT = 14001


@asynccontextmanager
async def refusing(game: Game, status: int, kind: str, detail: str) -> AsyncGenerator[str]:
    """The directory's URL of an authority on the host that refuses every order so."""
    server = (Path(__file__).parent / "refusing_acme.py").read_text()
    arguments = shlex.join([str(PORT), str(status), kind, detail])
    await game.host.run(
        "cat > /opt/refusing_acme.py && systemd-run --quiet --collect --unit=refusing-acme "
        f"python3 /opt/refusing_acme.py {arguments} && "
        f"timeout 20 sh -c 'until curl -s -o /dev/null 127.0.0.1:{PORT}; do sleep 0.1; done'",
        server,
    )
    try:
        yield f"http://127.0.0.1:{PORT}/directory"
    finally:
        await game.host.sh("systemctl stop refusing-acme; rm /opt/refusing_acme.py")


@pytest.mark.parametrize(
    ("status", "kind", "detail"),
    [
        (429, "rateLimited", "too many certificates (5) already issued for this exact set of names in the last 168h"),
        (403, "unauthorized", "Account is not permitted to ask for certificates"),
        (503, "serverInternal", "The service is down for maintenance"),
    ],
)
async def test_what_the_authority_answers_is_said(game: Game, status: int, kind: str, detail: str) -> None:
    step = game.step(STEP)
    async with refusing(game, status, kind, detail) as directory:
        with pytest.raises(StepError) as failure:
            await game.host.run(step.command, step.given(directory=directory))
    lines = str(failure.value).splitlines()
    assert lines[0].startswith(f"step: certbot: {directory} issued no certificate for {ZONE}")
    assert detail in "\n".join(lines[1:])
    assert len(lines) <= 3
    assert not [line for line in lines if "An unexpected error" in line or "Ask for help" in line]


DAMAGE = {
    "an empty certificate": f": > $(readlink -f {LIVE}/fullchain.pem)",
    "a certificate that was never written": f"rm $(readlink -f {LIVE}/fullchain.pem)",
    "an empty configuration": f": > /etc/letsencrypt/renewal/{ZONE}.conf",
    "another key": f"openssl ecparam -name prime256v1 -genkey -noout -out $(readlink -f {LIVE}/privkey.pem)",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
async def test_what_a_full_disk_left_is_moved_aside_and_what_is_served_is_what_was_asked_for(
    game: Game, damage: str
) -> None:
    before = await game.host.sh(f"openssl x509 -in {LIVE}/fullchain.pem -noout -serial")
    await game.host.sh(damage)
    await game.host.take([game.step(STEP)])
    after = await game.host.sh(f"openssl x509 -in {LIVE}/fullchain.pem -noout -serial")
    assert after != before
    assert game.host.said[STEP].startswith(after)
    browser = Browser(game.address, await game.authority.root())

    async def shown() -> int:
        certificate, _ = await browser.certificate(f"echo.{ZONE}")
        return certificate.serial_number

    # nginx lets its old workers end after a reload.
    await game.eventually(shown, int(after.partition("=")[2], 16), seconds=20)
    assert await game.host.sh("ls /etc/letsencrypt/renewal") == f"{ZONE}.conf"
    assert await game.host.sh(f"test -e /etc/letsencrypt/broken/live/{ZONE}/README && echo kept") == "kept"
    # The next run finds all in place and spends no other.
    await game.host.take([game.step(STEP)])
    assert await game.host.sh(f"openssl x509 -in {LIVE}/fullchain.pem -noout -serial") == after


async def test_what_certbot_put_beside_a_damaged_one_goes(game: Game) -> None:
    copy = f"{ZONE}-0001"
    await game.host.sh(
        f"cd /etc/letsencrypt && cp -a live/{ZONE} live/{copy} && cp -a archive/{ZONE} archive/{copy} && "
        f"sed 's,/{ZONE},/{copy},' renewal/{ZONE}.conf > renewal/{copy}.conf && "
        f"for link in live/{copy}/*.pem; do ln -sfn $(readlink $link | sed 's,/{ZONE}/,/{copy}/,') $link; done"
    )
    await game.host.take([game.step(STEP)])
    assert await game.host.sh("ls /etc/letsencrypt/renewal /etc/letsencrypt/live | grep -c 0001 || true") == "0"
