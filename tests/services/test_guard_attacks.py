"""Attacks on the guard. Each is refused, and each succeeds once the one lock that holds it is taken away.

The numbers are those of the attack suite (T01 and on). An attack without the second half would prove nothing: it
might be refused for a reason that has nothing to do with it.
"""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from game_app.services import pipeline_catalogue as pipelines
from game_app.services.guard import answer as answers
from game_app.services.guard import signature
from game_app.services.guard.answer import Answer, Guard, answer
from tests.services import guards
from tests.services.drone_model import Drone, substituted
from tests.services.guards import CONFIG_SECRET, NOW, ask, pull_request, push
from tests.services.signing import signed_headers

Unlock = Callable[..., None]
Fell = Callable[[str], None]


def pass_everything(*_: object) -> None:
    """A check that refuses nothing."""


@pytest.fixture
def unlock(monkeypatch: pytest.MonkeyPatch, fell: Fell) -> Unlock:
    """Takes one lock away: a check that lets everything pass, or another value for a constant."""

    def taken_away(module: object, name: str, instead: object = pass_everything) -> None:
        monkeypatch.setattr(module, name, instead)
        fell(f"it succeeds without {name.strip('_').lower()}")

    return taken_away


def served(answered: Answer) -> bool:
    return 200 <= answered.status < 300


BODY = json.dumps(pull_request()).encode()


def send(guard: Guard, body: bytes = BODY, **signing: Any) -> Answer:
    return answer(guard, "/config", signed_headers("/config", body, CONFIG_SECRET, NOW, **signing), body, NOW)


def test_t01_a_request_of_drones_is_answered_with_the_pipeline_that_the_program_rendered(
    guard: Guard, tmp_path: Path, fell: Fell
) -> None:
    template = guards.files()["team.pull_request.yaml"]
    rendered = template.replace("@owner@", "game").replace("@name@", "team-red")
    assert guards.pipeline(guard, pull_request()).startswith(rendered)
    other = guards.guard(tmp_path, {"team.pull_request.yaml": template.replace("set -eu", "set -u", 1)})
    assert not guards.pipeline(other, pull_request()).startswith(rendered)
    fell("a guard with other files answered with those")


def test_t02_a_body_changed_on_its_way_is_refused(guard: Guard, unlock: Unlock) -> None:
    headers = signed_headers("/config", BODY, CONFIG_SECRET, NOW)
    forged = json.dumps(push()).encode()
    assert answer(guard, "/config", headers, forged, NOW).status == 401
    unlock(signature, "check_body")
    assert served(answer(guard, "/config", headers, forged, NOW))


def test_t02_a_digest_changed_with_the_body_is_refused(guard: Guard, unlock: Unlock) -> None:
    forged = json.dumps(push()).encode()
    new = dict(signed_headers("/config", forged, b"guessed" * 8, NOW))
    headers = [
        (name, new["Digest"] if name == "Digest" else value)
        for name, value in signed_headers("/config", BODY, CONFIG_SECRET, NOW)
    ]
    assert answer(guard, "/config", headers, forged, NOW).status == 401
    unlock(signature, "check_secret")
    assert served(answer(guard, "/config", headers, forged, NOW))


@pytest.mark.parametrize("minutes", [-6, 6], ids=["replayed", "from the future"])
def test_t03_a_request_that_was_kept_back_is_refused(guard: Guard, unlock: Unlock, minutes: int) -> None:
    headers = signed_headers("/config", BODY, CONFIG_SECRET, NOW + timedelta(minutes=minutes))
    assert answer(guard, "/config", headers, BODY, NOW).status == 401
    unlock(signature, "check_age")
    assert served(answer(guard, "/config", headers, BODY, NOW))


@pytest.mark.parametrize(
    ("forged", "lock"),
    [
        ({"over": ("date",)}, "check_kind"),
        ({"over": ("accept", "accept-encoding", "content-type", "date")}, "check_kind"),
        ({"algorithm": "hmac-sha1"}, "check_kind"),
        ({"algorithm": "none"}, "check_kind"),
        ({"key_id": "another-key"}, "check_kind"),
    ],
    ids=["only the date is signed", "the digest is not signed", "sha1", "no algorithm", "another key"],
)
def test_t04_a_signature_of_another_kind_is_refused(
    guard: Guard, unlock: Unlock, forged: Mapping[str, Any], lock: str
) -> None:
    assert send(guard, **forged).status == 401
    unlock(signature, lock)
    # What covers less than Drone's does has another value, which the next check would still see.
    unlock(signature, "check_secret")
    assert served(send(guard, **forged))


def test_t04_a_signature_with_another_secret_is_refused(guard: Guard, unlock: Unlock) -> None:
    headers = signed_headers("/config", BODY, b"guessed" * 8, NOW)
    assert answer(guard, "/config", headers, BODY, NOW).status == 401
    unlock(signature, "check_secret")
    assert served(answer(guard, "/config", headers, BODY, NOW))


def test_t04_the_secret_of_one_extension_does_not_open_the_other(guard: Guard, unlock: Unlock) -> None:
    headers = signed_headers("/validate", BODY, CONFIG_SECRET, NOW)
    assert answer(guard, "/validate", headers, BODY, NOW).status == 401
    unlock(signature, "check_secret")
    assert answer(guard, "/validate", headers, BODY, NOW).status == 400


def test_t04_a_request_without_a_signature_is_refused(guard: Guard, unlock: Unlock) -> None:
    headers = [pair for pair in signed_headers("/config", BODY, CONFIG_SECRET, NOW) if pair[0] != "Signature"]
    assert answer(guard, "/config", headers, BODY, NOW).status == 401
    unlock(answers, "verify")
    assert served(answer(guard, "/config", headers, BODY, NOW))


@pytest.mark.parametrize("name", ["Accept", "Accept-Encoding", "Content-Type", "Date", "Digest", "Signature"])
def test_t04_a_header_that_is_missing_or_there_twice_is_refused(guard: Guard, name: str) -> None:
    headers = signed_headers("/config", BODY, CONFIG_SECRET, NOW)
    without = [pair for pair in headers if pair[0] != name]
    twice = [*headers, (name.upper(), dict(headers)[name])]
    assert answer(guard, "/config", without, BODY, NOW).status == 401
    assert answer(guard, "/config", twice, BODY, NOW).status == 401
    assert served(answer(guard, "/config", headers, BODY, NOW))


@pytest.mark.parametrize(
    "value",
    ["", "keyId", 'keyId="hmac-key"', 'keyId="a",keyId="hmac-key"', "é" * 9, 'signature="====",' * 3],
)
def test_t04_a_signature_that_cannot_be_read_is_refused(guard: Guard, value: str) -> None:
    headers = [
        (name, value if name == "Signature" else old)
        for name, old in signed_headers("/config", BODY, CONFIG_SECRET, NOW)
    ]
    assert answer(guard, "/config", headers, BODY, NOW).status == 401


@pytest.mark.parametrize(
    "slug",
    [
        "game/team-blue",
        "ada/team-red",
        "game/Team-Red",
        "Game/team-red",
        "game/team-red ",
        "game/team-red/",
        "game//team-red",
        "game/../game/team-red",
        "game/team-re\u217e",
        "game/team‐red",
        "",
    ],
)
def test_t06_a_repository_that_only_looks_like_the_games_is_refused(guard: Guard, unlock: Unlock, slug: str) -> None:
    assert ask(guard, pull_request(slug)).status == 403
    unlock(answers, "check_repository")
    # Without the check a look-up that forgives spelling, or takes a default, is all that a service would need.
    forgiving = _Forgiving(guard.catalogue.pipelines)
    open_guard = Guard(
        pipelines.Catalogue("main", forgiving), _Forgiving(guard.signatures), CONFIG_SECRET, guards.VALIDATE_SECRET
    )
    assert served(ask(open_guard, pull_request(slug)))


class _Forgiving(dict[tuple[str, str], str]):
    """A look-up as it is often written: case, spaces and looks of a name do not matter, and there is a default."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: tuple[str, str]) -> str:
        slug = unicodedata.normalize("NFKD", key[0]).casefold().strip("/ ").replace("//", "/")
        return dict(self).get((slug, key[1]), self["game/team-red", key[1]])


def test_t06_a_renamed_repository_is_refused(guard: Guard) -> None:
    assert ask(guard, pull_request("game/team-red-2")).status == 403


@pytest.mark.parametrize("event", ["tag", "cron", "custom", "promote", "rollback", "deployment", "branch", "", None, 7])
def test_t07_an_event_without_a_pipeline_is_refused(guard: Guard, unlock: Unlock, event: object) -> None:
    assert ask(guard, push(event=event)).status == 403
    unlock(answers, "check_event")
    key = ("game/team-red", str(event))
    wide = {**guard.catalogue.pipelines, key: guard.catalogue.pipelines["game/team-red", "push"]}
    careless = Guard(pipelines.Catalogue("main", wide), {**guard.signatures, key: "0" * 64}, CONFIG_SECRET, b"")
    assert served(ask(careless, push(event=event)))


@pytest.mark.parametrize("trigger", ["@cron", "ada", "drone-bot", "@HOOK", "", None])
def test_t07_a_build_that_no_webhook_began_is_refused(guard: Guard, unlock: Unlock, trigger: object) -> None:
    assert ask(guard, push(trigger=trigger)).status == 403
    unlock(answers, "check_trigger")
    assert served(ask(guard, push(trigger=trigger)))


@pytest.mark.parametrize(
    "request_",
    [
        pull_request(target="release"),
        pull_request(ref="refs/heads/main"),
        pull_request(ref="refs/pull/3/head\n"),
        pull_request(ref="refs/pull/٣/head"),
        pull_request(ref=None),
        push(ref="refs/heads/feature", target="feature"),
        push(ref="refs/heads/main2", target="main"),
        push(ref="refs/heads/main\n", target="main"),
        push(ref="refs/tags/main", target="main"),
        push(target="refs/heads/main"),
    ],
    ids=lambda request: f"{request['build']['event']} of {request['build']['ref']!r} to {request['build']['target']!r}",
)
def test_t08_what_does_not_aim_at_the_protected_branch_is_refused(
    guard: Guard, unlock: Unlock, request_: guards.Tree
) -> None:
    assert ask(guard, request_).status == 403
    unlock(answers, "check_branch")
    assert served(ask(guard, request_))


HOSTILE = "\"'; $(touch /tmp/x) `id` ${DRONE_COMMIT_MESSAGE}\n---\nkind: pipeline\nname: mine\n" + "A" * 1_000_000


@pytest.mark.parametrize(
    "name",
    ["source", "title", "message", "author_login", "author_name", "author_email", "author_avatar", "sender", "link"],
)
def test_t09_a_hostile_text_in_a_pull_request_changes_no_byte_of_the_pipeline(guard: Guard, name: str) -> None:
    assert guards.pipeline(guard, pull_request(**{name: HOSTILE})) == guards.pipeline(guard, pull_request())


def test_t09_hostile_parameters_change_no_byte_of_the_pipeline(guard: Guard) -> None:
    assert guards.pipeline(guard, pull_request(params={"X": HOSTILE})) == guards.pipeline(guard, pull_request())


def test_t09_a_branchs_name_cannot_bring_a_step_into_the_pipeline(guard: Guard, unlock: Unlock, tmp_path: Path) -> None:
    chosen = {"DRONE_SOURCE_BRANCH": "x\n  - name: mine\n    image: evil\n    commands:\n      - id"}
    ours = guards.pipeline(guard, pull_request())
    assert substituted(ours, chosen) == ours
    careless = guards.files()["team.pull_request.yaml"].replace("set -eu", "echo ${DRONE_SOURCE_BRANCH}", 1)
    with pytest.raises(pipelines.PipelinesError, match=r"\$\{"):
        guards.guard(tmp_path, {"team.pull_request.yaml": careless})
    unlock(pipelines, "_FORBIDDEN", ())
    open_guard = guards.guard(tmp_path, {"team.pull_request.yaml": careless})
    injected = substituted(guards.pipeline(open_guard, pull_request()), chosen)
    steps = next(document for document in yaml.safe_load_all(injected))["steps"]
    assert "mine" in [step["name"] for step in steps]


def test_t10_the_same_build_gets_the_same_bytes_hours_later_from_another_replica(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fell: Fell
) -> None:
    first = guards.guard(tmp_path)
    second = guards.guard(tmp_path)
    for request in (pull_request(), push()):
        later = ask(second, request, at=NOW + timedelta(hours=7))
        assert later.body == ask(first, request).body
        assert served(later)
    # An answer that depends on anything else, such as how often it was asked for.
    count = itertools.count()

    def counting(text: str, signature: str) -> str:
        return f"{text}# {next(count)}\n{signature}"

    monkeypatch.setattr(answers, "signed", counting)
    assert ask(second, pull_request()).body != ask(second, pull_request()).body
    fell("a guard that counts answered otherwise the second time")


@pytest.mark.parametrize(
    "extra",
    ["from_secret: token", "privileged: true", "image: x:${TAG}", "kind: signature", "---\nkind: pipeline", "...\n"],
)
def test_t11_a_template_that_would_let_a_build_out_of_its_cell_is_never_loaded(
    unlock: Unlock, tmp_path: Path, extra: str
) -> None:
    careless = guards.files()["team.pull_request.yaml"] + extra + "\n"
    with pytest.raises(pipelines.PipelinesError, match=r"team\.pull_request\.yaml has"):
        guards.guard(tmp_path, {"team.pull_request.yaml": careless})
    unlock(pipelines, "_FORBIDDEN", ())
    assert extra in guards.pipeline(guards.guard(tmp_path, {"team.pull_request.yaml": careless}), pull_request())


@pytest.mark.parametrize(
    "source_repo", ["ada/team-red", "game/team-red", "", None], ids=["fork", "agit or same repository", "empty", "none"]
)
def test_t12_where_a_pull_request_comes_from_gives_it_no_trust(guard: Guard, source_repo: object) -> None:
    answered = guards.pipeline(guard, pull_request(source_repo=source_repo))
    assert answered == guards.pipeline(guard, pull_request())
    assert answered != guards.pipeline(guard, push())


def test_t12_a_guard_that_trusts_the_repositorys_own_branches_would_hand_out_the_deployment(
    guard: Guard, monkeypatch: pytest.MonkeyPatch, fell: Fell
) -> None:
    careful = answers._pipeline  # pyright: ignore[reportPrivateUsage]

    def trusting(guard: Guard, repo: guards.Tree, build: guards.Tree) -> str:
        if build["source_repo"] == repo["slug"]:
            return careful(guard, repo, push()["build"])
        return careful(guard, repo, build)

    monkeypatch.setattr(answers, "_pipeline", trusting)
    assert guards.pipeline(guard, pull_request(source_repo="game/team-red")) == guards.pipeline(guard, push())
    fell("a guard that trusts the repository's own branches handed out the deployment")


THEIRS = "kind: pipeline\ntype: kubernetes\nname: mine\nsteps:\n- name: mine\n  image: evil\n"


def drone(guard: Guard, **changes: Any) -> Drone:
    """A model of Drone that asks this guard about one pull request."""
    request = pull_request()

    def validate(pipeline: str) -> Answer:
        return ask(guard, {**request, "config": {"data": pipeline}}, "/validate")

    extensions: dict[str, Any] = {"configure": lambda: ask(guard, request), "validate": validate}
    return Drone(**{**extensions, **changes})


@pytest.fixture
def signing_guard(guard: Guard) -> Guard:
    """A guard with the signatures that the model of Drone makes."""
    signatures = {key: Drone(None, None).sign(text) for key, text in guard.catalogue.pipelines.items()}
    return Guard(guard.catalogue, signatures, guard.config_secret, guard.validate_secret)


def test_t13_a_changed_drone_yml_in_a_pull_request_runs_the_guards_pipeline(signing_guard: Guard) -> None:
    build = drone(signing_guard).webhook(THEIRS)
    assert build.status == "running"
    assert build.pipeline == guards.pipeline(signing_guard, pull_request())
    # Without the guard, and with nothing else, it is theirs.
    assert drone(signing_guard, configure=None, validate=None, protected=False).webhook(THEIRS).pipeline == THEIRS


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 411, 413, 500, 503])
def test_t14_while_the_guard_fails_no_build_starts(signing_guard: Guard, status: int, fell: Fell) -> None:
    failing = Answer(status, b"", "")
    assert drone(signing_guard, configure=lambda: failing).webhook(THEIRS).status == "none"
    # A guard that answers "ask the repository" on any trouble, and nothing behind it.
    open_ended = drone(signing_guard, configure=lambda: Answer(204, b"", ""), validate=None, protected=False)
    assert open_ended.webhook(THEIRS).pipeline == THEIRS
    fell("with a guard that falls open the player's pipeline ran")


def test_t17_a_drone_that_asks_no_extension_runs_what_it_finds(signing_guard: Guard, fell: Fell) -> None:
    asks = drone(signing_guard).webhook(THEIRS)
    assert (asks.status, asks.pipeline) == ("running", guards.pipeline(signing_guard, pull_request()))
    assert drone(signing_guard, configure=None, validate=None).webhook(THEIRS).status == "blocked"
    assert drone(signing_guard, configure=None, validate=None, protected=False).webhook(THEIRS).pipeline == THEIRS
    fell("the player's pipeline ran where no repository is protected either")


NOTHING = [Answer(204, b"", ""), Answer(200, b"{}", ""), Answer(200, b"null", ""), Answer(200, b'{"data":""}', "")]


@pytest.mark.parametrize("empty", NOTHING, ids=["204", "{}", "null", "no data"])
def test_t15_an_extension_that_answers_nothing_is_caught_by_either_of_two_more_locks(
    signing_guard: Guard, empty: Answer
) -> None:
    def of(**changes: Any) -> str:
        return drone(signing_guard, configure=lambda: empty, **changes).webhook(THEIRS).status

    assert of() == "error"
    assert of(protected=False) == "error", "the validation extension alone must do"
    assert of(validate=None) == "blocked", "the signature alone must do"
    assert of(validate=None, protected=False) == "running"


def altered(pipeline: str) -> Mapping[str, str]:
    steps = pipeline.index("  - name: dockerfile")
    chart = pipeline.index("  - name: chart")
    trigger = pipeline.index("trigger:")
    reordered = pipeline[:steps] + pipeline[chart:trigger] + pipeline[steps:chart] + pipeline[trigger:]
    return {
        "one byte changed": pipeline.replace("hadolint --no", "hadolint --nq", 1),
        "one space more": pipeline.replace("hadolint --no", "hadolint  --no", 1),
        "another document": pipeline + "---\n" + THEIRS,
        "another document first": THEIRS + "---\n" + pipeline,
        "steps in another order": reordered,
        "another line's end": pipeline.replace("\n", "\r\n"),
        "no signature": pipeline.partition("---\n")[0],
        "theirs": THEIRS,
    }


@pytest.mark.parametrize("how", altered("  - name: dockerfile  - name: charttrigger:"))
def test_t16_a_pipeline_that_is_not_byte_for_byte_the_guards_is_refused(guard: Guard, unlock: Unlock, how: str) -> None:
    ours = guards.pipeline(guard, pull_request())
    theirs = altered(ours)[how]
    assert theirs != ours
    assert ask(guard, {**pull_request(), "config": {"data": theirs}}, "/validate").status == 400
    assert ask(guard, {**pull_request(), "config": {"data": ours}}, "/validate").status == 204
    unlock(answers, "check_pipeline")
    assert ask(guard, {**pull_request(), "config": {"data": theirs}}, "/validate").status == 204


def test_t16_a_deployment_is_no_valid_pipeline_for_a_pull_request(guard: Guard) -> None:
    deployment = guards.pipeline(guard, push())
    assert ask(guard, {**pull_request(), "config": {"data": deployment}}, "/validate").status == 400
    assert ask(guard, {**push(), "config": {"data": deployment}}, "/validate").status == 204


@pytest.mark.parametrize("config", [None, {}, {"data": None}, {"data": ["x"]}, "x"])
def test_t16_a_validation_without_a_pipeline_is_refused(guard: Guard, config: object) -> None:
    assert ask(guard, {**pull_request(), "config": config}, "/validate").status == 400


def test_a_pipeline_that_drone_has_not_signed_yet_is_not_served(guard: Guard) -> None:
    fresh = Guard(guard.catalogue, {}, guard.config_secret, guard.validate_secret)
    assert ask(fresh, pull_request()).status == 503
    assert served(ask(guard, pull_request()))


def test_a_fault_of_the_guards_own_is_an_error_and_says_nothing_of_its_inside(guard: Guard, unlock: Unlock) -> None:
    def broken(*_: object) -> str:
        raise KeyError(CONFIG_SECRET.decode())

    unlock(answers, "signed", broken)
    answered = ask(guard, pull_request())
    assert answered.status == 500
    assert CONFIG_SECRET not in answered.body
    assert CONFIG_SECRET.decode() not in answered.reason
