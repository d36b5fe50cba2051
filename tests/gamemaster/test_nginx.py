"""What the game master serves on the web, as a browser sees it."""

from __future__ import annotations

import datetime
import re
import ssl
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from cryptography import x509

from tests.gamemaster.games import ECHO, ECHO_PORT, OPEN_PORTS, RANCHER, ZONE, Game
from tests.gamemaster.steps import StepError, cut_before
from tests.gamemaster.web import Browser

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def browser(game: Game) -> Browser:
    await game.host.run(
        "install -d /opt && cat > /opt/upstream.py && "
        f"systemd-run --quiet --collect --unit=upstream python3 /opt/upstream.py {ECHO_PORT}",
        (Path(__file__).parent / "upstream.py").read_text(),
    )
    await game.host.sh(f"timeout 20 sh -c 'until curl -s -o /dev/null 127.0.0.1:{ECHO_PORT}; do sleep 0.1; done'")
    return Browser(game.address, await game.authority.root())


async def test_a_name_shows_a_certificate_of_the_authority_for_the_zone_and_its_names(browser: Browser) -> None:
    shown, version = await browser.certificate(ECHO)
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == [f"*.{ZONE}", ZONE]
    assert shown.not_valid_after_utc > datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    assert version == "TLSv1.3"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_tls_1_2_is_the_oldest_that_is_spoken(browser: Browser) -> None:
    modern = browser.trust()
    modern.maximum_version = ssl.TLSVersion.TLSv1_2
    _, version = await browser.certificate(ECHO, modern)
    assert version == "TLSv1.2"
    old = browser.trust()
    old.minimum_version = ssl.TLSVersion.TLSv1_1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    # In the server's words: the caller did speak TLS 1.1.
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        await browser.certificate(ECHO, old)


async def test_an_unknown_name_gets_neither_a_certificate_nor_a_page(browser: Browser) -> None:
    curious = ssl.create_default_context()
    curious.check_hostname = False
    curious.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        await browser.certificate("other.example.org", curious)
    async with browser.session() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get("http://other.example.org/")


async def test_plain_http_leads_to_https_on_the_same_page(browser: Browser) -> None:
    async with browser.session() as session, session.get(f"http://{ECHO}/a?b=c", allow_redirects=False) as answer:
        assert answer.status == 301
        assert answer.headers["Location"] == f"https://{ECHO}/a?b=c"


async def test_the_program_behind_learns_who_calls_and_by_which_name(browser: Browser) -> None:
    async with (
        browser.session() as session,
        session.get(f"https://{ECHO}/", headers={"X-Forwarded-For": "198.51.100.1"}) as answer,
    ):
        seen = await answer.json(content_type=None)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "nginx/" not in answer.headers["Server"]
    assert seen["Host"] == ECHO
    assert seen["X-Forwarded-Proto"] == "https"
    assert "198.51.100.1" not in seen["X-Forwarded-For"]


async def test_websockets_pass(browser: Browser) -> None:
    async with browser.session() as session, session.ws_connect(f"wss://{ECHO}/") as socket:
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=10) == "hello"


async def test_a_request_larger_than_the_name_s_limit_is_refused(browser: Browser) -> None:
    async with browser.session() as session:
        async with session.post(f"https://{ECHO}/", data=bytes(1024 * 1024)) as answer:
            assert answer.status == 200
        async with session.post(f"https://{ECHO}/", data=bytes(3 * 1024 * 1024)) as answer:
            assert answer.status == 413


async def test_a_forced_renewal_is_seen_by_the_next_caller(game: Game, browser: Browser) -> None:
    before, _ = await browser.certificate(ECHO)
    # As the timer would: in the environment of the unit, not in one of our own.
    await game.host.sh(
        "systemd-run --quiet --wait --collect "
        "-p Environment=$(systemctl show -P Environment certbot.service) "
        "certbot -q renew --force-renewal --no-random-sleep-on-renew"
    )

    async def changed() -> bool:
        after, _ = await browser.certificate(ECHO)
        return after.serial_number != before.serial_number

    await game.eventually(changed, True, seconds=20)


async def test_a_name_that_is_not_ours_to_prove_is_told_and_the_old_certificate_stays(
    game: Game, browser: Browser
) -> None:
    step = game.step("gamemaster-certbot-setup")
    before, _ = await browser.certificate(ECHO)
    foreign = step.stdin.replace(f"*.{ZONE}", f"*.{ZONE}\\nhost.example.com")
    with pytest.raises(AssertionError, match=r"(?s)certbot: .*issued no certificate for .*host\.example\.com"):
        await game.host.run(step.command, foreign)
    after, _ = await browser.certificate(ECHO)
    assert after.serial_number == before.serial_number


async def test_a_refused_challenge_is_told_in_the_authority_s_words_and_the_old_certificate_stays(
    game: Game, browser: Browser
) -> None:
    step = game.step("gamemaster-certbot-setup")
    before, _ = await browser.certificate(ECHO)
    fewer = step.stdin.replace(f"{ZONE}\\n*.{ZONE}", f"*.{ZONE}")
    assert fewer != step.stdin
    # The authority, which is outside, finds nobody to ask for the proof.
    await game.cloud.instances.publish_ports(
        game.machine.id, game.address, [port for port in OPEN_PORTS if port.first_port != 53]
    )
    try:
        with pytest.raises(StepError) as failure:
            await game.host.run(step.command, fewer)
    finally:
        await game.cloud.instances.publish_ports(game.machine.id, game.address, OPEN_PORTS)
    said = str(failure.value)
    told = r"Domain: hunt\.example\.org\n *Type: +unauthorized\n *Detail: Error retrieving TXT records"
    assert re.search(told, said)
    assert "issued no certificate for *.hunt.example.org; see the lines below" in said
    after, _ = await browser.certificate(ECHO)
    assert after.serial_number == before.serial_number


async def test_a_bad_configuration_leaves_the_running_proxy_alone(game: Game, browser: Browser) -> None:
    step = game.step("gamemaster-nginx-setup")
    with pytest.raises(AssertionError, match="nginx: nginx would not accept its configuration"):
        await game.host.run(step.command, step.stdin.replace("sendfile on;", "sendfile perhaps;"))
    assert (await browser.certificate(ECHO))[1]


async def test_a_configuration_that_was_written_and_not_loaded_is_loaded_by_the_next_run(
    game: Game, browser: Browser
) -> None:
    step = game.step("gamemaster-nginx-setup")
    other = step.stdin.replace("max-age=31536000", "max-age=60")

    async def promise() -> str:
        async with browser.session() as session, session.get(f"https://{ECHO}/") as answer:
            return answer.headers["Strict-Transport-Security"].partition(";")[0]

    with pytest.raises(StepError):
        await game.host.run(step.command, cut_before("try-reload-or-restart", other))
    assert await game.host.sh("grep -c max-age=60 /etc/nginx/nginx.conf") != "0"
    assert await promise() == "max-age=31536000"
    try:
        await game.host.run(step.command, other)
        await game.eventually(promise, "max-age=60", seconds=10)
    finally:
        await game.host.take([step])
    await game.eventually(promise, "max-age=31536000", seconds=10)


async def test_every_step_done_twice_changes_nothing(game: Game) -> None:
    await game.host.take(game.steps)
    before = await game.host.snapshot()
    await game.host.take(game.steps)
    assert (await game.host.snapshot()).splitlines() == before.splitlines()


async def test_after_a_reboot_everything_comes_back(game: Game, browser: Browser) -> None:
    await game.cloud.instances.halt(game.machine.id)
    await game.cloud.boot(game.machine, OPEN_PORTS)
    game.host.connection = await game.cloud.enter()

    async def serves() -> bool:
        try:
            return bool((await browser.certificate(ECHO))[1]) and bool(await game.records(f"play.{ZONE}", "A"))
        except (OSError, TimeoutError):
            return False

    await game.eventually(serves, True, seconds=60)

    async def rancher_answers() -> str:
        async with browser.session() as session, session.get(f"https://{RANCHER}/ping") as answer:
            return await answer.text() if answer.status == 200 else str(answer.status)

    await game.eventually(rancher_answers, "pong", seconds=60)
    assert await game.host.sh("kubectl get --raw /readyz") == "ok"
    timers = await game.host.sh(
        "systemctl is-active certbot.timer shambhala-records-drift-repair.timer shambhala-nightly-backup.timer"
    )
    assert timers.split() == ["active", "active", "active"]
    rules = await game.host.sh("nft list table inet shambhala")
    assert "policy drop" in rules
