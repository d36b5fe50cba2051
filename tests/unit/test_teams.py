"""Who plays: read from the settings or from a file, every slip named with where it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.settings import Settings, SettingsError, parse
from common.settings.teams import LONGEST_LIST, MOST_PLAYERS, Team
from tests.support.example import spoiled

TEAM = "must be a team's name: 1 to 30 small letters"
PLAYER = "must be a player's account: at most 40 small letters"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str | bytes) -> Settings:
    Path("teams.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return parse(spoiled({"teams": {"file": "teams.txt"}}), "dev")


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(text)
    return told(caught.value)


def told(error: SettingsError) -> list[str]:
    """Each problem without the commands that mend it."""
    return [str(problem).partition("\n")[0] for problem in error.problems]


def listed(*teams: dict[str, object]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(spoiled({"teams": {"list": list(teams)}}), "dev")
    return told(caught.value)


def test_teams_come_from_the_settings_and_from_a_file_at_once() -> None:
    Path("teams.txt").write_text("# Those in Lyon\ngreen: yukihiro\n\nblack: dennis, ken  # late\n")
    settings = parse(
        spoiled({"teams": {"file": "teams.txt", "list": [{"name": "red", "players": ["ada", "grace"]}]}}), "dev"
    )
    assert settings.teams.all == (
        Team(name="black", players=("dennis", "ken")),
        Team(name="green", players=("yukihiro",)),
        Team(name="red", players=("ada", "grace")),
    )


def test_without_teams_nobody_plays_yet() -> None:
    assert parse(spoiled({"teams": {}}), "dev").teams.all == ()


def test_every_bad_line_of_a_file_is_reported_with_its_number() -> None:
    text = "red: ada, grace\nblue linus\nRed: margaret\ngreen: ada\n\nblue: ken, , Dennis\nred: barbara\n"
    found = problems(text)
    assert [problem.partition(")")[0] for problem in found] == [
        "teams.file (teams.txt, line 2",
        "teams.file (teams.txt, line 3",
        "teams.file (teams.txt, line 4",
        "teams.file (teams.txt, line 6",
        "teams.file (teams.txt, line 6",
        "teams.file (teams.txt, line 7",
    ]
    assert "must be 'team: player, player'" in found[0]
    assert TEAM in found[1]
    assert "plays already, on line 1" in found[2]
    assert all(PLAYER in problem for problem in found[3:5])
    assert "is a team already, on line 1" in found[5]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc",
        "kube-system/x",
        "red;rm -rf",
        "$(id)",
        "${HOME}",
        "-red",
        "red-",
        "1red",
        "r\u0435d",
        "r" * 31,
        "red\x00",
        "Red",
        "",
        "{{red}}",
        "<b>red",
        "red\u202e",
    ],
)
def test_a_hostile_name_of_a_team_is_refused(name: str) -> None:
    assert TEAM in listed({"name": name, "players": ["ada"]})[0]
    assert any(TEAM in problem for problem in problems(f"{name}: ada\n"))


@pytest.mark.parametrize(
    "name",
    [
        "admin",
        "ada.png",
        "robots.txt",
        "drone-bot",
        "merge-bot",
        "maintainer",
        "game",
        "a..b",
        ".ada",
        "ada@x",
        "ada bob",
        "a" * 41,
        "ADA",
        "ad\u0430",
    ],
)
def test_a_hostile_name_of_a_player_is_refused(name: str) -> None:
    assert PLAYER in listed({"name": "red", "players": [name]})[0]
    assert PLAYER in problems(f"red: {name}\n")[0]


def test_a_team_or_player_that_is_there_twice_is_refused() -> None:
    found = listed(
        {"name": "red", "players": ["ada", "ada"]},
        {"name": "red", "players": ["grace"]},
        {"name": "blue", "players": ["grace"]},
    )
    assert found == [
        'teams.list[0].players[1] = "ada": must not play twice',
        'teams.list[1].name = "red": must not be another team\'s name',
        'teams.list[2].players[0] = "grace": must not play twice',
    ]


def test_a_team_without_players_is_refused() -> None:
    assert "a list of at least 1" in listed({"name": "red", "players": []})[0]
    assert PLAYER in problems("red:\n")[0]


@pytest.mark.parametrize("count", [1, MOST_PLAYERS])
def test_as_many_as_2000_players_may_play(count: int) -> None:
    lines = "".join(f"team{number}: player{number}\n" for number in range(count))
    assert len(read(lines).teams.all) == count


def test_more_players_than_that_are_refused() -> None:
    lines = "".join(f"team{number}: player{number}\n" for number in range(MOST_PLAYERS + 1))
    assert problems(lines) == ["teams = 2001: must have at most 2000 players"]


def test_so_many_teams_in_the_settings_reach_the_program_whatever_their_names() -> None:
    names = [f"p{number:04}".ljust(40, "x") for number in range(MOST_PLAYERS)]
    teams = [
        {"name": f"t{number:03}".ljust(30, "x"), "players": names[number::LONGEST_LIST]}
        for number in range(LONGEST_LIST)
    ]
    tree = spoiled({"teams": {"list": teams}})
    assert len(parse(tree, "dev").teams.all) == LONGEST_LIST
    values = {f"shambhala:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in tree.items()}
    # As the language host hands them over, with as much again as other settings may be long: MAX_ARG_STRLEN.
    assert len(f"PULUMI_CONFIG={json.dumps(values)}") < 131_072 - 8_192


def test_more_teams_in_the_settings_are_sent_to_a_file_and_the_number_is_said() -> None:
    teams = [{"name": f"t{number}", "players": [f"p{number}"]} for number in range(1000)]
    with pytest.raises(SettingsError) as caught:
        parse(spoiled({"teams": {"list": teams}}), "dev")
    assert [str(problem) for problem in caught.value.problems] == [
        "teams.list = 1000: must have at most 200 teams, for the settings travel in one variable of 128 KiB: put them "
        "into a file, one 'team: player, player' a line, and name it in teams.file\n"
        "      pulumi config set --path teams.file FILE --stack dev\n"
        "      pulumi config rm --path teams.list --stack dev"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "must be a file that names a team"),
        (b"# nobody\n", "must be a file that names a team"),
        (b"red: \xff\xfe\n", "must be a text file in UTF-8"),
        (b"#" * (1024 * 1024 + 1), "at most 1048576 bytes"),
    ],
    ids=["empty", "only comments", "no text", "too large"],
)
def test_a_file_that_is_none_is_refused(text: bytes, why: str) -> None:
    assert why in problems(text)[0]


@pytest.mark.parametrize("file", ["none.txt", "../teams.txt", "/etc/passwd", "a//b", "", 7, ["x"], "folder"])
def test_the_name_of_no_file_in_the_project_is_refused(project: Path, file: object) -> None:
    (project / "folder").mkdir()
    with pytest.raises(SettingsError, match=r"teams\.file"):
        parse(spoiled({"teams": {"file": file}}), "dev")


def test_a_file_from_a_machine_that_marks_its_text_is_read() -> None:
    assert read("\ufeffred: ada\r\nblue: ken\r\n".encode()).teams.all[1].players == ("ada",)
