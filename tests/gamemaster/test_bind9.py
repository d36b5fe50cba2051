"""The game master's names, as somebody outside asks for them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import dns.asyncquery
import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.xfr
import dns.zone
import pytest

from common.keys import dns_key
from tests.gamemaster.games import ZONE, Game

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


NOTES = [r'"a \"second\"; ' + 243 * "x" + '" "' + 57 * "x" + '"', '"first note"']


async def test_it_is_the_authority_of_the_zone(game: Game) -> None:
    answer = await game.ask(ZONE, "SOA")
    assert "AA" in dns.flags.to_text(answer.flags).split()
    assert "RA" not in dns.flags.to_text(answer.flags).split()
    assert await game.records(ZONE, "NS") == ["ns1-hunt.example.org."]


@pytest.mark.parametrize(
    ("name", "kind", "data"),
    [
        (f"play.{ZONE}", "A", ["192.0.2.20"]),
        (f"anything.blue.{ZONE}", "A", ["192.0.2.20"]),
        (f"v6.{ZONE}", "AAAA", ["2001:db8::20"]),
        (f"www.{ZONE}", "CNAME", [f"play.{ZONE}."]),
        (ZONE, "MX", ["10 mail.example.org."]),
        (ZONE, "CAA", ['0 issue "example.org"']),
        (f"note.{ZONE}", "TXT", NOTES),
    ],
)
async def test_each_record_is_answered(game: Game, name: str, kind: str, data: list[str]) -> None:
    assert await game.records(name, kind) == data


async def test_a_name_that_is_not_there_is_said_not_to_be(game: Game) -> None:
    assert (await game.ask(f"nothing.{ZONE}", "A")).rcode() == dns.rcode.NXDOMAIN


async def test_it_resolves_nothing_for_others_and_hands_its_zone_to_nobody(game: Game) -> None:
    assert (await game.ask("debian.org", "A")).rcode() == dns.rcode.REFUSED
    with pytest.raises(dns.xfr.TransferError, match="REFUSED"):
        await dns.asyncquery.inbound_xfr(game.address, dns.zone.Zone(ZONE), timeout=5)


async def test_it_does_not_tell_what_it_is(game: Game) -> None:
    for name in ("version.bind", "hostname.bind", "id.server"):
        question = dns.message.make_query(name, "TXT", "CH")
        assert not (await dns.asyncquery.udp(question, game.address, timeout=5)).answer


async def test_its_answers_are_signed_by_the_key_that_the_exported_ds_record_names(game: Game) -> None:
    zone = dns.name.from_text(ZONE)
    answer = await game.ask(ZONE, "DNSKEY", dnssec=True)
    keys: Any = answer.get_rrset(answer.answer, zone, dns.rdataclass.IN, dns.rdatatype.DNSKEY)
    assert keys is not None
    said = game.host.said["gamemaster-bind9-setup"].splitlines()
    assert said[0] == ZONE
    _, _, _, ds = said[1].split(maxsplit=3)
    assert ds in {dns.dnssec.make_ds(zone, key, "SHA256").to_text().upper() for key in keys}
    signed = await game.ask(f"play.{ZONE}", "A", dnssec=True)
    name = dns.name.from_text(f"play.{ZONE}")
    address = signed.find_rrset(signed.answer, name, dns.rdataclass.IN, dns.rdatatype.A)
    proof = signed.find_rrset(signed.answer, name, dns.rdataclass.IN, dns.rdatatype.RRSIG, dns.rdatatype.A)
    dns.dnssec.validate(address, proof, {zone: keys})  # pyright: ignore[reportUnknownMemberType]
    forged = dns.rrset.from_text(name, address.ttl, "IN", "A", "192.0.2.99")
    with pytest.raises(dns.exception.ValidationFailure):
        dns.dnssec.validate(forged, proof, {zone: keys})  # pyright: ignore[reportUnknownMemberType]


async def test_a_board_s_key_writes_challenges_of_its_own_names_and_nothing_else(game: Game) -> None:
    blue = game.board_key("blue")
    assert await game.update(blue, f"_acme-challenge.shell.blue.{ZONE}", "TXT", "proof") == "NOERROR"
    assert await game.records(f"_acme-challenge.shell.blue.{ZONE}", "TXT") == ['"proof"']
    assert await game.update(blue, f"_acme-challenge.shell.green.{ZONE}", "TXT", "proof") == "REFUSED"
    assert await game.update(blue, f"_acme-challenge.{ZONE}", "TXT", "proof") == "REFUSED"
    assert await game.update(blue, f"_acme-challenge.notblue.{ZONE}", "TXT", "proof") == "REFUSED"
    assert await game.update(blue, f"shell.blue.{ZONE}", "A", "192.0.2.66") == "REFUSED"
    assert await game.update(blue, f"_acme-challenge.shell.blue.{ZONE}", "CNAME", "elsewhere") == "REFUSED"


async def test_a_shared_name_is_proven_by_the_board_that_it_leads_to_and_by_no_other(game: Game) -> None:
    challenge, proof = f"_acme-challenge.play.{ZONE}", f"_acme-challenge.play.blue.{ZONE}"
    assert await game.update(game.board_key("blue"), proof, "TXT", "proof") == "NOERROR"
    assert await game.records(challenge, "CNAME") == [f"{proof}."]
    assert '"proof"' in await game.records(challenge, "TXT")
    for board in ("blue", "green"):
        assert await game.update(game.board_key(board), challenge, "TXT", "proof") == "REFUSED"
    assert await game.update(game.board_key("green"), proof, "TXT", "proof") == "REFUSED"


async def test_a_key_that_is_taken_away_writes_nothing_and_the_other_boards_go_on(game: Game) -> None:
    step, name = game.step("gamemaster-tsig-key-green-setup"), f"_acme-challenge.shell.green.{ZONE}"
    assert await game.update(game.board_key("green"), name, "TXT", "before") == "NOERROR"
    await game.host.run(step.delete, step.stdin)
    with pytest.raises((dns.tsig.PeerBadSignature, dns.tsig.PeerBadKey)):
        await game.update(game.board_key("green"), name, "TXT", "after")
    assert await game.update(game.board_key("blue"), f"_acme-challenge.x.blue.{ZONE}", "TXT", "proof") == "NOERROR"
    await game.host.take([step])
    assert await game.update(game.board_key("green"), name, "TXT", "again") == "NOERROR"


async def test_the_certbot_key_writes_challenges_of_the_game_master_and_nothing_else(game: Game) -> None:
    own = await game.certbot_key()
    assert await game.update(own, f"_acme-challenge.{ZONE}", "TXT", "proof") == "NOERROR"
    assert await game.update(own, f"_acme-challenge.{ZONE}", "A", "192.0.2.66") == "REFUSED"
    assert await game.update(own, f"play.{ZONE}", "TXT", "proof") == "REFUSED"


async def test_a_wrong_key_writes_nothing(game: Game) -> None:
    wrong = dns.tsig.Key(f"blue.{ZONE}", dns_key(), "hmac-sha256")
    with pytest.raises((dns.tsig.PeerBadSignature, dns.tsig.PeerBadKey)):
        await game.update(wrong, f"_acme-challenge.shell.blue.{ZONE}", "TXT", "proof")


async def test_a_record_changed_by_hand_is_put_right_by_itself(game: Game) -> None:
    change = (
        f"server 127.0.0.1\nzone {ZONE}\nupdate delete play.{ZONE}. A\nupdate add play.{ZONE}. 60 A 192.0.2.66\nsend\n"
    )
    await game.host.run("nsupdate -k /run/named/session.key", change)
    await game.eventually(lambda: game.records(f"play.{ZONE}", "A"), ["192.0.2.20"], seconds=60)


async def test_a_record_that_moves_is_not_taken_for_one_that_somebody_changed(game: Game) -> None:
    step = game.step("aaaa-record-nsupdate")
    # A lifetime of nothing from the first on, so that no step waits for old answers to be forgotten.
    await game.host.run(step.delete, step.stdin)
    moved = [step.stdin.replace('"60"', '"0"').replace("::20", f"::{place}") for place in range(21, 36)]
    repairs = await game.host.connection.create_process(
        "timeout 120 sh -c 'until [ -e /run/moved ]; do /usr/local/libexec/shambhala/records-drift-repair; done'"
    )
    for stdin in [*moved, step.stdin]:
        said = await game.host.run(step.command, stdin)
        assert await game.records(f"v6.{ZONE}", "AAAA") == [said]
    await game.host.sh("touch /run/moved")
    done = await repairs.wait()
    await game.host.sh("rm /run/moved")
    assert (done.exit_status, done.stdout) == (0, "")


async def test_a_record_beside_an_alias_is_refused_though_the_alias_leads_to_one_like_it(game: Game) -> None:
    """RFC 2136, section 3.4.2.2: a server leaves out such an update and says that all is well."""
    step = game.step("dns-records-play-nsupdate")
    said = rf"record-set: A www\.{ZONE}\. cannot be beside the platform's own CNAME of that name"
    with pytest.raises(AssertionError, match=said):
        await game.host.run(step.command, step.given(name=f"www.{ZONE}."))
    assert await game.records(f"www.{ZONE}", "CNAME") == [f"play.{ZONE}."]


@pytest.mark.parametrize(
    ("label", "kind", "instead", "right"),
    [
        ("v6", "AAAA", f"CNAME play.{ZONE}.", ["2001:db8::20"]),
        ("www", "CNAME", "A 192.0.2.66", [f"play.{ZONE}."]),
    ],
)
async def test_a_record_of_another_kind_in_a_record_s_place_is_put_right_whatever_becomes_of_the_others(
    game: Game, label: str, kind: str, instead: str, right: list[str]
) -> None:
    # One whose update bind9 refuses, as of a zone that it does not have: looked after first, and in vain.
    lost = "/var/lib/shambhala/records/0.A"
    update = "server 127.0.0.1\nzone example.com\nupdate add 0.example.com. 60 A 192.0.2.1\nsend\n"
    await game.host.sh(f"mkdir {lost} && echo '0.{ZONE}. 60 IN A 192.0.2.1' > {lost}/served")
    await game.host.run(f"cat > {lost}/update", update)
    change = (
        f"server 127.0.0.1\nzone {ZONE}\nupdate delete {label}.{ZONE}.\nupdate add {label}.{ZONE}. 60 {instead}\nsend\n"
    )
    try:
        await game.host.run("nsupdate -k /run/named/session.key", change)
        # Its timer would do so soon.
        await game.host.sh("systemctl start shambhala-records-drift-repair.service || true")
        await game.eventually(lambda: game.records(f"{label}.{ZONE}", kind), right, seconds=60)
    finally:
        await game.host.sh(f"rm -r {lost}")


async def test_a_record_that_is_removed_is_gone_and_stays_away(game: Game) -> None:
    step = game.step("txt-record-nsupdate")
    await game.host.run(step.delete, step.stdin)
    assert (await game.ask(f"note.{ZONE}", "TXT")).rcode() == dns.rcode.NXDOMAIN
    await game.host.sh("systemctl start shambhala-records-drift-repair.service")
    assert (await game.ask(f"note.{ZONE}", "TXT")).rcode() == dns.rcode.NXDOMAIN
    await game.host.take([step])
    assert await game.records(f"note.{ZONE}", "TXT") == NOTES


async def test_a_flood_of_one_question_is_answered_in_part_and_each_asker_may_come_by_tcp(game: Game) -> None:
    """From the tests' own network to the tests' own machine: 600 small datagrams, once."""
    question = dns.message.make_query(f"www.{ZONE}", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        asker.settimeout(2)
        asker.connect((game.address, 53))
        for _ in range(600):
            asker.send(question)
        answers: list[dns.message.Message] = []
        with contextlib.suppress(TimeoutError):
            while True:
                answers.append(dns.message.from_wire(await asyncio.to_thread(asker.recv, 4096)))
    cut = [answer for answer in answers if "TC" in dns.flags.to_text(answer.flags).split()]
    assert 0 < len(answers) - len(cut) < 300
    assert cut
    assert not any(answer.answer for answer in cut)
    by_tcp = await dns.asyncquery.tcp(dns.message.make_query(f"www.{ZONE}", "A"), game.address, timeout=5)
    assert by_tcp.answer


async def test_a_bad_setting_leaves_the_running_server_alone(game: Game) -> None:
    step = game.step("gamemaster-bind9-setup")
    spoiled = step.stdin.replace("recursion no;", "recursion maybe;")
    with pytest.raises(AssertionError, match="bind9: bind9 would not accept its configuration"):
        await game.host.run(step.command, spoiled)
    assert await game.records(f"play.{ZONE}", "A") == ["192.0.2.20"]
