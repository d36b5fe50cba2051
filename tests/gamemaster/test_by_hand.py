"""What somebody did on the host by hand: found, said, and put right where all that it takes is there."""

from __future__ import annotations

import dns.exception
import pytest

from tests.gamemaster.games import ZONE, Game
from tests.gamemaster.steps import StepError

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

DATABASE = f"/var/lib/bind/{ZONE}.db"


async def edited(game: Game, command: str) -> None:
    """What was updated lately lies in the journal, and in the file too."""
    await game.host.sh(f"rndc sync {ZONE}; systemctl stop named; {command}; systemctl start named")


EDITS = {
    "a line that is none": f"echo 'no such record' >> {DATABASE}",
    "no file": f"rm {DATABASE}",
    # With it, the journal is that of another zone.
    "another serial": f"sed -i 's/[0-9]*\\([[:space:]]*; serial\\)/999999999\\1/' {DATABASE}",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
async def test_a_zone_file_edited_by_hand_is_found_and_the_zone_begins_anew(game: Game, edit: str) -> None:
    keys = await game.records(ZONE, "DNSKEY")
    await edited(game, edit)

    async def address() -> list[str]:
        # Between its start and its new beginning, bind9 may answer nobody.
        try:
            return await game.records(f"play.{ZONE}", "A")
        except dns.exception.Timeout:
            return []

    # The timer repairs every 15 seconds.
    await game.eventually(address, ["192.0.2.20"], seconds=60)
    assert await game.records(f"note.{ZONE}", "TXT")
    # The parent's DS record stays right.
    assert await game.records(ZONE, "DNSKEY") == keys
    await game.host.take([game.step("gamemaster-bind9-setup")])


async def test_a_zone_that_begins_anew_is_said_and_what_was_there_is_kept(game: Game) -> None:
    await edited(game, EDITS["a line that is none"])
    await game.host.take([game.step("gamemaster-bind9-setup")])
    assert await game.records(f"play.{ZONE}", "A") == ["192.0.2.20"]
    assert "no such record" in await game.host.sh(f"cat {DATABASE}.broken")
    said = await game.host.sh("journalctl --unit shambhala-records-drift-repair --output cat")
    assert f"{ZONE} does not load, as when its file was changed by hand: the zone begins anew" in said


@pytest.mark.parametrize("back", [False, True], ids=["made", "taken back"])
async def test_a_frozen_zone_is_named_as_the_reason_with_what_to_do(game: Game, back: bool) -> None:
    step = game.step("dns-records-play-nsupdate")
    await game.host.sh(f"rndc freeze {ZONE}")
    try:
        said = f"refused .*A play.{ZONE}., since {ZONE} is frozen, as 'rndc freeze' does it; run 'rndc thaw {ZONE}'"
        with pytest.raises(StepError, match=said):
            await game.host.run(step.delete if back else step.command, step.given(data="192.0.2.99"))
    finally:
        await game.host.sh(f"rndc thaw {ZONE}")
        await game.host.take([step])
    assert await game.records(f"play.{ZONE}", "A") == ["192.0.2.20"]


async def test_an_update_of_a_package_is_not_held_back_by_a_file_that_a_script_wrote(game: Game) -> None:
    """unattended-upgrades' own judgement of a package that brings another version of such a file."""
    package = (
        "rm -rf /tmp/update && mkdir -p /tmp/update/DEBIAN /tmp/update/etc/bind && "
        "printf 'Package: bind9\\nVersion: 99:1\\nArchitecture: amd64\\nMaintainer: test\\nDescription: an update\\n' "
        "> /tmp/update/DEBIAN/control && echo /etc/bind/named.conf.options > /tmp/update/DEBIAN/conffiles && "
        "echo '// a newer one' > /tmp/update/etc/bind/named.conf.options && "
        "dpkg-deb --build /tmp/update /tmp/update.deb > /dev/null"
    )
    await game.host.sh(package)
    judged = (
        "import apt_pkg, importlib.machinery, importlib.util\n"
        "loader = importlib.machinery.SourceFileLoader('uu', '/usr/bin/unattended-upgrade')\n"
        "uu = importlib.util.module_from_spec(importlib.util.spec_from_loader('uu', loader))\n"
        "loader.exec_module(uu)\n"
        "apt_pkg.init()\n"
        "print(uu.conffile_prompt('/tmp/update.deb'), uu.dpkg_conffile_prompt())\n"
    )
    assert await game.host.run("python3 -", judged) == "True False"


async def test_wrong_logins_from_the_operators_network_shut_nobody_out(game: Game) -> None:
    exempt = await game.host.sh("sshd -T | sed -n 's/^persourcepenaltyexemptlist //p'")
    assert exempt == "127.0.0.0/8,172.16.0.0/12,192.168.0.0/16"


async def test_what_belongs_to_a_zone_that_is_no_more_is_forgotten_and_not_renewed(game: Game) -> None:
    """As after another `subdomain`: the drift repair would fail four times a minute, and certbot twice a day."""
    records, old = "/var/lib/shambhala/records", "old.example.org"
    await game.host.sh(
        f"mkdir {records}/play.{old}.A; cd {records}/play.{old}.A; echo 'play.{old}. 60 IN A 192.0.2.9' > served; "
        f"printf 'server 127.0.0.1\\nzone {old}\\nupdate add play.{old}. 60 A 192.0.2.9\\nsend\\n' > update; "
        f"cd /etc/letsencrypt && cp -a live/{ZONE} live/{old} && cp -a archive/{ZONE} archive/{old} && "
        f"sed 's/{ZONE}/{old}/g' renewal/{ZONE}.conf > renewal/{old}.conf && cd live/{old} && "
        f"for each in cert chain fullchain privkey; do ln -sfn ../../archive/{old}/$each*.pem $each.pem; done"
    )
    await game.host.sh("systemctl start shambhala-records-drift-repair.service")
    await game.host.take([game.step("gamemaster-nginx-setup")])
    assert await game.host.sh(f"ls -d {records}/*{old}* /etc/letsencrypt/*/*{old}* 2>&-; true") == ""
    assert await game.records(f"play.{ZONE}", "A") == ["192.0.2.20"]
    await game.host.sh(f"test -s /etc/letsencrypt/live/{ZONE}/fullchain.pem")
