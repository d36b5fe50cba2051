"""Backup of the game master every night: encrypted to the operators' key, bounded in number, whole or not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gamemaster.host_files import script_text
from tests.gamemaster.games import Game
from tests.gamemaster.steps import StepError
from tests.support.example import complete

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

UNIT = "shambhala-nightly-backup"
FOLDER = "/var/backups/shambhala"
SNAPSHOTS = "/var/lib/rancher/k3s/server/db/snapshots"


async def backups(game: Game) -> list[str]:
    return (await game.host.sh(f"ls {FOLDER}")).split()


async def leftovers(game: Game) -> str:
    """Whatever a backup needs only while it runs."""
    return await game.host.sh(
        f"ls -d {SNAPSHOTS}/backup-* /run/shambhala-backup.* /var/lib/shambhala-backup.* 2>&-; true"
    )


async def test_a_backup_opens_with_the_operators_ssh_key_and_with_no_other(game: Game) -> None:
    await game.host.sh(f"rm -rf {FOLDER}; systemctl start {UNIT}.service")
    [name] = await backups(game)
    assert re.fullmatch(r"backup-\d{4}-\d\d-\d\dT\d{6}Z\.tar\.gz\.age", name)
    file = f"{FOLDER}/{name}"
    assert await game.host.sh(f"stat -c '%a %U' {FOLDER} {file}") == "700 root\n600 root"
    operators, other = complete()["operators"]["sshPrivateKey"], complete()["gamemaster"]["hostKey"]["private"]
    opened = (
        f"(umask 077; cat >/run/identity); age --decrypt --identity /run/identity {file} | tar -tz; rm /run/identity"
    )
    held = (await game.host.run(f"set -o pipefail; {opened}", f"{operators.rstrip()}\n")).splitlines()
    assert {"etc/bind/certbot.key", "var/lib/shambhala/restore/k3s-snapshot"} <= set(held)
    assert [path for path in held if path.startswith("etc/letsencrypt/live/")]
    refused = await game.host.connection.run(opened, input=f"{other.rstrip()}\n")
    assert "no identity matched any of the recipients" in str(refused.stderr)
    assert await leftovers(game) == ""


async def test_the_last_seven_backups_are_kept(game: Game) -> None:
    older = [f"backup-2026-01-0{day}T024000Z.tar.gz.age" for day in range(1, 10)]
    await game.host.sh(f"mkdir -p {FOLDER}; rm -f {FOLDER}/*; cd {FOLDER}; touch {' '.join(older)}")
    await game.host.sh(f"systemctl start {UNIT}.service")
    kept = await backups(game)
    assert kept[:-1] == older[3:]
    assert kept[-1] > older[-1]


async def test_a_backup_without_room_fails_and_leaves_the_older_ones_and_nothing_else(game: Game) -> None:
    await game.host.sh(
        f"mkdir -p {FOLDER}; mount -t tmpfs -o size=16k tmpfs {FOLDER}; touch {FOLDER}/backup-old.tar.gz.age"
    )
    try:
        with pytest.raises(StepError):
            await game.host.sh(f"systemctl start {UNIT}.service")
        assert await game.host.sh(f"systemctl is-failed {UNIT}.service") == "failed"
        assert await backups(game) == ["backup-old.tar.gz.age"]
    finally:
        await game.host.sh(f"umount {FOLDER}; systemctl reset-failed {UNIT}.service")
    assert await leftovers(game) == ""


async def test_a_backup_that_breaks_off_behind_its_snapshot_leaves_none(game: Game) -> None:
    broken = "cp() { return 9; }\nmv() { return 9; }\n"
    assert (await game.host.connection.run(broken + script_text("backup"), encoding=None)).exit_status == 9
    assert await leftovers(game) == ""


async def test_the_timer_comes_every_night_and_makes_up_for_a_night_that_was_missed(game: Game) -> None:
    told = await game.host.sh(f"systemctl show -p Persistent,TimersCalendar {UNIT}.timer")
    assert "Persistent=yes" in told
    assert "OnCalendar=*-*-* 02:40:00 UTC" in told


CREDENTIALS = 'aws-sigv4 = "aws:amz:nl-ams:s3"\nuser = "SCWTESTTESTTESTTEST1:not-a-real-secret"\n'


async def test_a_copy_goes_to_the_bucket_signed_and_a_bucket_that_is_away_is_told(game: Game) -> None:
    step = game.step("gamemaster-nightly-backup-setup")
    server = (Path(__file__).parent / "bucket.py").read_text()
    await game.host.run(
        "cat >/opt/bucket.py; systemd-run --quiet --collect --unit=bucket python3 /opt/bucket.py 9901 /run/uploaded",
        server,
    )
    with_bucket = step.given(bucket_url="http://127.0.0.1:9901/hunt", bucket_credentials=CREDENTIALS)
    try:
        await game.host.run(step.command, with_bucket)
        assert await game.host.sh("stat -c '%a %U' /etc/shambhala/backup-bucket/curl.conf") == "600 root"
        await game.host.sh(f"rm -f {FOLDER}/*; systemctl start {UNIT}.service")
        [name] = await backups(game)
        uploaded = json.loads(await game.host.sh("cat /run/uploaded"))
        assert uploaded["path"] == f"/hunt/{name}"
        assert str(uploaded["size"]) == await game.host.sh(f"stat -c %s {FOLDER}/{name}")
        assert uploaded["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=SCWTESTTESTTESTTEST1/")
        assert "/nl-ams/s3/aws4_request" in uploaded["Authorization"]
        # S3 refuses an upload without it.
        assert uploaded["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
        assert "x-amz-content-sha256" in uploaded["Authorization"]

        await game.host.sh("systemctl stop bucket")
        with pytest.raises(StepError):
            await game.host.sh(f"systemctl start {UNIT}.service")
        told = await game.host.sh(f"journalctl --unit {UNIT} --output cat --lines 20")
        assert "The copy in the bucket, http://127.0.0.1:9901/hunt/, is missing" in told
        assert "not-a-real-secret" not in told
    finally:
        await game.host.sh(f"systemctl stop bucket; systemctl reset-failed {UNIT}.service; true")
        await game.host.take([step])
    assert "backup-bucket" not in (await game.host.sh("ls /etc/shambhala")).split()
