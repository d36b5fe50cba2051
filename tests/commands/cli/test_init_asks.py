"""`make init` on a terminal, with the real engine: what it asks, refuses, keeps to itself and leaves."""

from __future__ import annotations

import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pexpect
import pytest

from cli.init.engine_access import passphrase_file
from common.settings import parse
from tests.commands.cli.place import ACCOUNT, ENOUGH, ROOT, Place
from tests.support.waiting import LONGEST_WAIT


@contextmanager
def terminal(place: Place, *arguments: str) -> Generator[pexpect.spawn[str]]:
    """The command on a terminal of its own."""
    command = ["-m", "cli", "init", *arguments, "--pulumi", str(place.engine), "--project", str(place.project)]
    screen: pexpect.spawn[str] = pexpect.spawn(
        sys.executable, command, cwd=str(ROOT), env=place.environment, encoding="utf-8", timeout=LONGEST_WAIT
    )
    try:
        yield screen
    finally:
        screen.close(force=True)


def answers(screen: pexpect.spawn[str], *pairs: tuple[str, str]) -> None:
    """Give each answer once its question is there."""
    for question, answer in pairs:
        screen.expect_exact(question)
        screen.sendline(answer)


def ended(screen: pexpect.spawn[str]) -> tuple[int | None, str]:
    """The exit status, and what was said since the last question."""
    screen.expect(pexpect.EOF)
    screen.close()
    return screen.exitstatus, screen.before or ""


def test_it_asks_for_what_only_the_operator_knows(place: Place) -> None:
    (place.project / "teams.txt").write_text("red: ada, bob\n")
    with terminal(place, "dev") as screen:
        answers(
            screen,
            ("Part of the game [platform]: ", "teams"),
            ("Parent domain [later]: ", "games.internal"),
            ("Who hosts the parent domain [external]: ", "scaleway"),
            ("Operators' networks [later]: ", "10.8.0.0/24, 10.8.1.0/24"),
            ("Scaleway project [later]: ", ACCOUNT["projectId"]),
            ("Access key of an API key (not shown) [later]: ", ACCOUNT["accessKey"]),
            ("Secret key of it (not shown) [later]: ", ACCOUNT["secretKey"]),
            ("Players' networks [none]: ", ""),
            ("File with the teams [none]: ", "teams.txt"),
        )
        said = ended(screen)[1]
    assert "Traceback" not in said
    settings = place.settings("dev")
    assert settings["domain"] == "games.internal"
    assert settings["parentZone"] == "scaleway"
    assert settings["operators"]["cidrs"] == ["10.8.0.0/24", "10.8.1.0/24"]
    assert settings["scaleway"] == {"region": "fr-par", "zone": "fr-par-1", **ACCOUNT}
    assert settings["teams"] == {"file": "teams.txt"}
    assert "signingKey" in settings["delivery"]


def test_a_wrong_answer_is_told_at_once_and_asked_again_and_a_secret_never_shown(place: Place) -> None:
    given = {key: value for key, value in ENOUGH.items() if key != "domain"}
    del (scaleway := dict(ACCOUNT))["secretKey"]
    values = place.gives({**given, "scaleway": scaleway})
    with terminal(place, "dev", "--part", "platform", "--values", values) as screen:
        answers(
            screen,
            ("Parent domain [later]: ", "no domain"),
            ("must be a domain name of two labels or more", "games.internal"),
            ("Who hosts the parent domain [external]: ", "exernal"),
            ("must be one of scaleway, external (did you mean external?)", ""),
            ("Secret key of it (not shown) [later]: ", "hunter2"),
        )
        screen.expect_exact("must be a Scaleway secret key, which is a UUID")
        assert "hunter2" not in (screen.before or "")
        answers(screen, ("Secret key of it (not shown) [later]: ", ACCOUNT["secretKey"]))
        status, said = ended(screen)
    assert status == 0, said
    assert ACCOUNT["secretKey"] not in said
    assert parse(place.settings("dev"), "dev").parent_zone == "external"


def test_each_of_several_networks_is_looked_at(place: Place) -> None:
    with terminal(
        place, "dev", "--part", "platform", "--domain", "games.internal", "--parent-zone", "external"
    ) as screen:
        answers(screen, ("Operators' networks [later]: ", "10.8.0.0/24, 10.8.1.7, 10.8.2.0/16"))
        wrong = ['"10.8.1.7": must be an IPv4 network', '"10.8.2.0/16": must be an IPv4 network']
        assert screen.expect_exact(wrong) != screen.expect_exact(wrong)
        answers(screen, ("Operators' networks [later]: ", "10.8.0.0/24"), ("Scaleway project [later]: ", ""))


def test_an_empty_answer_leaves_a_setting_for_later_and_only_what_is_missing_is_asked(place: Place) -> None:
    with terminal(
        place, "dev", "--part", "platform", "--values", place.gives({"operators": ENOUGH["operators"]})
    ) as screen:
        answers(screen, ("Parent domain", ""), ("Who hosts", ""), ("Scaleway project", ""), ("Access key", ""))
        answers(screen, ("Secret key", ""))
        status, said = ended(screen)
    assert status == 2
    assert "4 settings are left. " in said
    with terminal(place, "dev") as screen:
        assert screen.expect_exact(["Part of the game", "Parent domain", "Who hosts", "Operators'"]) == 1
        screen.sendline("games.internal")
        assert screen.expect_exact(["Who hosts", "Operators'", "Scaleway project"]) == 2
        screen.sendline(ACCOUNT["projectId"])
        answers(screen, ("Access key", ACCOUNT["accessKey"]), ("Secret key", ACCOUNT["secretKey"]))
        status, said = ended(screen)
    assert status == 0, said


@pytest.mark.parametrize("stop", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_whoever_stops_has_changed_nothing(place: Place, stop: str) -> None:
    with terminal(place, "dev") as screen:
        answers(screen, ("Part of the game", ""), ("Parent domain", "games.internal"))
        screen.expect_exact("Who hosts the parent domain [external]: ")
        screen.send(stop)
        status, said = ended(screen)
    assert status == 130
    assert "Stopped: nothing was written. 'make init STACK=dev' may be run again." in said
    assert not place.stacks
    assert not place.file("dev").exists()


def test_backend_and_passphrase_are_asked_for_and_kept_outside_of_the_clone(place: Place) -> None:
    place.lacks("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")
    with terminal(place, "dev", "--part", "platform", "--values", place.gives(ENOUGH)) as screen:
        answers(
            screen,
            ("Backend [file://~]: ", "nowhere"),
            ("must be a URL of file://", f"file://{place.state}"),
            ("Who hosts", ""),
            ("New passphrase (not shown) [made]: ", "short"),
            ("must be a password of 12 to 128 printable ASCII characters", ""),
        )
        status, said = ended(screen)
    assert status == 0, said
    kept = place.project.parent / "config" / "shambhala" / "dev.passphrase"
    assert f"Next:\r\n  export PULUMI_CONFIG_PASSPHRASE_FILE={kept}\r\n  make doctor STACK=dev" in said
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text().strip() not in said
    # A new shell, in which the printed line was not typed.
    with terminal(place, "dev") as screen:
        status, said = ended(screen)
    assert status == 0, said
    assert f"The passphrase of stack dev is taken from {kept}." in said
    place.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(kept)
    assert parse(place.settings("dev"), "dev")


def test_a_passphrase_of_ones_own_is_typed_twice(place: Place) -> None:
    place.lacks("PULUMI_CONFIG_PASSPHRASE")
    with terminal(
        place, "dev", "--part", "platform", "--values", place.gives({**ENOUGH, "parentZone": "external"})
    ) as screen:
        answers(
            screen,
            ("New passphrase (not shown) [made]: ", "correct horse battery"),
            ("The same again (not shown): ", "correct horse batery"),
            ("must be the same twice", "correct horse battery"),
            ("The same again (not shown): ", "correct horse battery"),
            ("for your eyes only? [Y/n]: ", "n"),
        )
        status, said = ended(screen)
    assert status == 0, said
    assert not list((place.project.parent / "config").rglob("*.passphrase"))
    with terminal(place, "dev") as screen:
        answers(screen, ("Passphrase (not shown): ", "correct horse batery"))
        answers(screen, ("This is an incorrect passphrase for stack dev.", "correct horse battery"))
        status, said = ended(screen)
    assert status == 0, said
    assert "Stack dev lacked nothing." in said


def test_stopped_at_the_passphrase_nothing_is_there(place: Place) -> None:
    place.lacks("PULUMI_CONFIG_PASSPHRASE")
    values = place.gives({**ENOUGH, "parentZone": "external"})
    with terminal(place, "dev", "--part", "platform", "--values", values) as screen:
        screen.expect_exact("New passphrase")
        screen.send("\x03")
        status, said = ended(screen)
    assert (status, place.stacks) == (130, [])
    assert "nothing was written" in said


def test_the_passphrase_is_kept_in_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", "/somebody")
    assert str(passphrase_file("dev")) == "/somebody/.config/shambhala/dev.passphrase"


def test_a_passphrase_that_was_made_is_never_lost_with_what_fails_after_it(place: Place) -> None:
    place.lacks("PULUMI_CONFIG_PASSPHRASE")
    place.does('case "$*" in "config set-all"*) exit 1 ;; esac')
    values = place.gives({**ENOUGH, "parentZone": "external"})
    with terminal(place, "dev", "--part", "platform", "--values", values) as screen:
        answers(screen, ("New passphrase (not shown) [made]: ", ""))
        assert ended(screen)[0] == 1
    place.does("")
    with terminal(place, "dev", "--part", "platform", "--values", values) as screen:
        status, said = ended(screen)
    assert status == 0, said
    assert "The passphrase of stack dev is taken from" in said
