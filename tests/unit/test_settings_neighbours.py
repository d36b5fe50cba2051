"""Mistakes beside the usual ones: each is told in the project's words, with the command that mends it."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import pytest

from common.settings import SettingsError, consistency, parse
from tests.support.example import PASSWORD, SECRET_KEY, complete, spoiled

PYDANTIC = ("Input should", "validation error", "pydantic", "Field required", "Extra inputs", "Value error")
"""Words of pydantic's own sentences."""
MAIN = "boards.blue.pools.main"


def told(changes: dict[str, object]) -> list[str]:
    """Each problem as it is printed."""
    with pytest.raises(SettingsError) as caught:
        parse(spoiled(changes), "dev")
    text = str(caught.value)
    assert not any(word in text for word in PYDANTIC)
    return [str(problem) for problem in caught.value.problems]


def test_a_wrong_type_deep_in_a_list() -> None:
    assert told({f"{MAIN}.taints[0].key": ["game"]}) == [
        f"{MAIN}.taints[0].key = [\"game\"]: must be a Kubernetes label key, such as 'role' or 'example.org/role'\n"
        f"      pulumi config set --path --type string '{MAIN}.taints[0].key' VALUE --stack dev"
    ]


def test_an_unknown_key_three_levels_down() -> None:
    assert told({"observability.logs.objectStorage.buckett": "logs"}) == [
        "observability.logs.objectStorage.buckett: is no setting (did you mean bucket?)\n"
        "      pulumi config rm --path observability.logs.objectStorage.buckett --stack dev"
    ]


def test_two_keys_that_differ_by_case() -> None:
    [first] = told({"scaleway.projectid": "22222222-2222-4333-8444-555555555555"})
    assert first.startswith("scaleway.projectid: is no setting (did you mean projectId?)")


@pytest.mark.parametrize("text", ["20", " 20", "2e1", "0x14"])
def test_numbers_as_text(text: str) -> None:
    assert told({"gamemaster.volumeSizeGb": text}) == [
        f'gamemaster.volumeSizeGb = "{text}": must be a whole number from 10 to 10000 GB\n'
        "      pulumi config rm --path gamemaster.volumeSizeGb --stack dev\n"
        "      pulumi config set --path gamemaster.volumeSizeGb VALUE --stack dev"
    ]


@pytest.mark.parametrize("value", ["true", "yes", 1, 0])
def test_true_in_other_words(value: object) -> None:
    [problem] = told({f"{MAIN}.autoscaling": value})
    assert "must be true or false" in problem


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("domain", "domain: is missing; it must be a domain name"),
        ("gamemaster.subnet", "gamemaster.subnet: is missing; it must be a private IPv4 network"),
        ("subdomain", 'subdomain = "": must be one or more DNS labels'),
        ("scaleway.secretKey", "scaleway.secretKey: is missing; it must be a Scaleway secret key"),
        ("rancher.adminPassword", "rancher.adminPassword = (hidden): must be a password"),
    ],
)
def test_an_empty_string(key: str, said: str) -> None:
    [problem] = told({key: ""})
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("domain", "domain: is missing; it must be"),
        ("operators.cidrs", "operators.cidrs: is missing; it must be a list of at least 1"),
        ("certificates.email", "certificates.email = null: must be an e-mail address"),
        ("gamemaster.volumeSizeGb", "gamemaster.volumeSizeGb = null: must be a whole number"),
        ("sources", "sources = null: must be an object with charts"),
    ],
)
def test_null(key: str, said: str) -> None:
    [problem] = told({key: None})
    assert problem.startswith(said)


def test_a_very_long_value() -> None:
    [problem] = told({"gameApp.host": 100_000 * "x"})
    assert problem.startswith(f'gameApp.host = "{58 * "x"}…: must be a DNS label')
    assert len(problem) < 400


@pytest.mark.parametrize("key", ["domain", "gameApp.host", f"{MAIN}.zone", "sources.k3sSha256"])
def test_a_value_with_a_newline(key: str) -> None:
    value: Any = complete()
    for step in key.split("."):
        value = value[step]
    [problem] = told({key: f"{value}\n"})
    assert f"{key} = " in problem
    assert '\\n"' in problem or "…" in problem


def test_a_secret_given_in_plain_text_and_wrong_is_told_and_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        parse(spoiled({"scaleway.accessKey": SECRET_KEY}), "dev", encrypted=["observability"])
    said = {problem.key: problem.allowed for problem in caught.value.problems}
    assert said["scaleway.secretKey"] == "stands in plain text and must be encrypted"
    assert SECRET_KEY not in str(caught.value)
    assert "(hidden)" in str(caught.value)


def test_every_board_is_judged_though_another_is_none() -> None:
    green = {**complete()["boards"]["green"], "pools": {"main": {"nodeType": "PRO2-XXS", "size": 11}}}
    problems = told({"boards.blue": "a board", "boards.green": green})
    assert [problem.partition(" ")[0] for problem in problems] == ["boards.blue", "boards.green.pools.main.size"]


def test_a_board_with_a_name_that_cannot_be_one_is_removed_last() -> None:
    green = {**complete()["boards"]["green"], "cni": "flannel", "subnet": "10.30.0.0/22"}
    problems = told({"boards.Gruen": green})
    assert [problem.rpartition("\n")[2].split()[:3] for problem in problems] == [
        ["pulumi", "config", "set"],
        ["pulumi", "config", "rm"],
    ]


def test_a_section_of_another_type_shows_nothing_of_what_it_holds() -> None:
    [problem] = told({"observability.notify": [PASSWORD]})
    assert problem.startswith("observability.notify = (hidden): must be an object with webhookUrl, mail")


def test_a_section_built_by_hand_is_checked_and_shows_no_secret() -> None:
    from common.settings import Secret, SignIn

    with pytest.raises(ValueError, match="client_secret") as caught:
        SignIn(client_id="grafana", client_secret=Secret("hunter2"))
    assert "hunter2" not in str(caught.value)


def test_settings_do_not_change() -> None:
    settings = parse(complete(), "dev")
    with pytest.raises(ValueError, match="frozen"):
        settings.domain = "example.com"  # pyright: ignore[reportAttributeAccessIssue]


def test_no_rule_between_sections_is_left_out() -> None:
    own: list[Any] = [each for each in vars(consistency).values() if isinstance(each, FunctionType)]
    assert list(consistency.RULES) == [each for each in own if each.__module__ == consistency.__name__]
