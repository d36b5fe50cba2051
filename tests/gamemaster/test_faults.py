"""A host on which something goes wrong: one clear sentence, what ran still runs, and the next `up` puts it right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.gamemaster.games import ZONE, Game

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

PACKAGE = "python3-certbot-dns-rfc2136"
"""A package that a script installs, and without which everything goes on for a while."""

HOLD = (
    "import fcntl, pathlib, time; file = open('/var/lib/{}', 'w'); fcntl.lockf(file, fcntl.LOCK_EX); "
    "pathlib.Path('/run/held').touch(); time.sleep(60)"
)
"""Holds one of apt's locks, as apt itself does, for a minute at most."""


@asynccontextmanager
async def without_the_package(game: Game) -> AsyncGenerator[None]:
    await game.host.sh(f"dpkg --remove {PACKAGE}")
    try:
        yield
    finally:
        await game.host.take([game.step("gamemaster-certbot-setup")])


async def test_a_script_that_was_cut_while_it_installed_is_finished_by_the_next_one(game: Game) -> None:
    step = game.step("gamemaster-certbot-setup")
    # The package's own set-up compiles it; here, it never ends.
    await game.host.sh(
        "mv /usr/bin/py3compile /usr/bin/py3compile.real && "
        "printf '#!/bin/sh\\ntouch /run/compiling\\nexec sleep 60\\n' > /usr/bin/py3compile && "
        "chmod 755 /usr/bin/py3compile"
    )
    try:
        await game.host.sh(f"dpkg --remove {PACKAGE}")
        cut = asyncio.ensure_future(game.host.run(step.command, step.stdin))
        await game.host.sh("timeout 120 sh -c 'until [ -e /run/compiling ]; do sleep 0.1; done'")
        await game.host.sh("kill -9 $(pidof dpkg)")
        with pytest.raises(AssertionError, match=f"certbot: Debian's packages {PACKAGE} cannot be installed"):
            await cut
    finally:
        await game.host.sh("mv /usr/bin/py3compile.real /usr/bin/py3compile; rm -f /run/compiling")
    # Another script meets what the interrupted one left, and so would everybody who installs something.
    assert "dpkg was interrupted" in await game.host.sh("apt-get -qq install bind9-dnsutils 2>&1 || true")
    await game.host.take([step])
    assert await game.host.sh("dpkg --audit") == ""
    assert await game.host.sh(f"dpkg-query -W -f '${{db:Status-Status}}' {PACKAGE}") == "installed"


@pytest.mark.parametrize("state", ["half-installed", "unpacked"])
async def test_a_package_that_was_cut_while_it_was_unpacked_is_unpacked_again(game: Game, state: str) -> None:
    step = game.step("gamemaster-certbot-setup")
    # What dpkg leaves when it is killed then.
    await game.host.sh(
        f"dpkg-query -s {PACKAGE} | sed 's/^Status: .*/Status: install reinstreq {state}/' >/var/lib/dpkg/updates/0000"
    )
    assert "dpkg was interrupted" in await game.host.sh("apt-get -qq install bind9-dnsutils 2>&1 || true")
    await game.host.take([step])
    assert await game.host.sh("dpkg --audit") == ""
    assert await game.host.sh(f"dpkg-query -W -f '${{db:Status-Status}}' {PACKAGE}") == "installed"


async def test_a_mirror_that_has_no_debian_is_told(game: Game) -> None:
    boot, step = game.step("gamemaster-first-boot"), game.step("gamemaster-certbot-setup")
    elsewhere = boot.stdin.replace("http://deb.debian.org/debian", game.environment.k3s.url)
    assert elsewhere != boot.stdin
    async with without_the_package(game):
        await game.host.run(boot.command, elsewhere)
        try:
            with pytest.raises(AssertionError, match="certbot: Debian's package list cannot be read; check sour"):
                await game.host.run(step.command, step.stdin)
        finally:
            await game.host.take([boot])


async def test_a_first_boot_that_ended_with_a_warning_is_over_and_one_that_failed_is_told(game: Game) -> None:
    step, stand_in = game.step("gamemaster-first-boot"), "/usr/local/bin/cloud-init"
    said = "echo 'a deprecated key'"
    try:
        await game.host.run(f"cat > {stand_in} && chmod 755 {stand_in}", f"#!/bin/sh\n{said}\nexit 2\n")
        done = await game.host.connection.run(step.command, input=step.stdin)
        assert (done.exit_status, str(done.stdout).strip()) == (0, "booted")
        assert "a deprecated key" in str(done.stderr)
        await game.host.run(f"cat > {stand_in}", f"#!/bin/sh\n{said}\nexit 1\n")
        with pytest.raises(AssertionError, match="first-boot: the first boot did not end well"):
            await game.host.run(step.command, step.stdin)
        await game.host.run(f"cat > {stand_in}", "#!/bin/sh\nexec sleep 60\n")
        with pytest.raises(AssertionError, match=r"ended after 1 seconds; .* raise gamemaster\.boot"):
            await game.host.run(step.command, step.given(seconds="1"))
    finally:
        await game.host.sh(f"rm {stand_in}")


@pytest.mark.parametrize("lock", ["dpkg/lock-frontend", "apt/lists/lock"])
async def test_a_program_that_holds_apt_is_waited_for_and_then_named(game: Game, lock: str) -> None:
    step = game.step("gamemaster-certbot-setup")
    assert "APT_LOCK_TIMEOUT=300\n" in step.stdin
    async with without_the_package(game):
        await game.host.sh(
            f'systemd-run --quiet --collect --unit=holder python3 -c "{HOLD.format(lock)}" && '
            "timeout 20 sh -c 'until [ -e /run/held ]; do sleep 0.1; done'"
        )
        try:
            with pytest.raises(
                AssertionError,
                match=r"certbot: python3 \(process \d+\) has held the lock of Debian's packages for 3 s",
            ):
                await game.host.run(step.command, step.stdin.replace("APT_LOCK_TIMEOUT=300\n", "APT_LOCK_TIMEOUT=3\n"))
        finally:
            await game.host.sh("systemctl stop holder; rm -f /run/held")


@asynccontextmanager
async def full(game: Game, folder: str, files: int) -> AsyncGenerator[None]:
    """A folder on a disk of its own, of 1 MiB and for so many files."""
    await game.host.sh(f"mkdir -p {folder} && mount -t tmpfs -o size=1m,nr_inodes={1 + files} full {folder}")
    try:
        yield
    finally:
        await game.host.sh(f"umount {folder}")


async def test_a_disk_that_fills_up_while_something_is_downloaded_is_told(game: Game) -> None:
    step = game.step("gamemaster-k3s-setup")
    async with full(game, "/usr/local/lib/shambhala/k3s", files=8):
        with pytest.raises(AssertionError, match=r"k3s: .* cannot be written to .*; is the disk full\?"):
            await game.host.run(step.command, step.stdin)
    await game.host.take([step])
    assert await game.host.sh("kubectl get --raw /readyz") == "ok"


async def test_an_upgrade_that_cannot_be_saved_before_changes_nothing(game: Game) -> None:
    step, new = game.step("gamemaster-k3s-setup"), game.environment.newer_k3s
    upgrade = step.given(url=new.url, sha256=new.sha256).replace("retention: 12", "retention: 13")
    async with full(game, "/var/lib/rancher/k3s/server/db/snapshots", files=0):
        with pytest.raises(AssertionError, match="k3s: the snapshot before the upgrade failed; nothing was changed"):
            await game.host.run(step.command, upgrade)
    assert await game.host.sh("grep -c 'retention: 12' /etc/rancher/k3s/config.yaml") == "1"
    assert new.sha256 not in await game.host.sh("readlink /usr/local/bin/k3s")


async def test_a_disk_without_room_for_a_setting_is_told_and_the_old_one_is_in_force(game: Game) -> None:
    step = game.step("gamemaster-hardening-setup")
    async with full(game, "/etc/shambhala", files=0):
        with pytest.raises(
            AssertionError, match=r"hardening: /etc/shambhala/firewall\.nft cannot be written; is the disk"
        ):
            await game.host.run(step.command, step.stdin)
    assert "policy drop" in await game.host.sh("nft list table inet shambhala")
    await game.host.take([step])


async def test_packages_are_not_begun_on_a_disk_that_is_almost_full(game: Game) -> None:
    step = game.step("gamemaster-certbot-setup")
    # What `df` says is all that the script looks at: the machine's own disk is not filled for this.
    nearly = step.stdin.replace("df --output=avail -BM / ", "printf 'Avail\\n120M\\n' ")
    assert nearly != step.stdin
    async with without_the_package(game):
        with pytest.raises(AssertionError, match=r"certbot: the disk is almost full \(120 MB left\); make room"):
            await game.host.run(step.command, nearly)


async def test_a_name_server_whose_port_is_taken_away_by_a_setting_keeps_serving(game: Game) -> None:
    step = game.step("gamemaster-bind9-setup")
    before = await game.host.sh("systemctl show -P MainPID named")
    for change, said in (
        (("listen-on { any; };", "listen-on { nowhere; };"), "bind9 would not accept its configuration"),
        (("hostmaster.", "(hostmaster."), f"the zone {ZONE} would not load"),
    ):
        spoiled = step.stdin.replace(*change)
        assert spoiled != step.stdin
        with pytest.raises(AssertionError, match=f"bind9: {said}"):
            await game.host.run(step.command, spoiled)
    assert await game.records(f"play.{ZONE}", "A") == ["192.0.2.20"]
    assert await game.host.sh("systemctl show -P MainPID named") == before
