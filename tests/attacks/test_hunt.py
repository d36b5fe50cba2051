"""The example hunt played by a team against the real Gitea and the real Drone, with git, as players do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Generator

import pytest

from game_app.services.hunt.codes import operators_code
from local_game.delivery_site import ROOT, DeliverySite
from local_game.hunt_site import EXAMPLE, PLAYS, WATCHES, HuntSite
from tests.services.hunts import Browser
from tests.support.hints import printed_files
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def played(site: DeliverySite, tmp_path_factory: pytest.TempPathFactory) -> Generator[HuntSite]:
    made = HuntSite(site, tmp_path_factory.mktemp("hunt"))
    try:
        made.service.start()
        made.begin_the_hunt()
        yield made
    finally:
        made.close()


def words_of(markdown: str) -> str:
    """The first indented block of a step's text: what its author tells players to type."""
    lines = markdown.splitlines()
    first = next(at for at, line in enumerate(lines) if re.match(r"\s{4,}\S", line))
    block: list[str] = []
    for line in lines[first:]:
        if line.strip() and not line.startswith("    "):
            break
        block.append(line)
    indent = len(block[0]) - len(block[0].lstrip())
    return "\n".join(line[indent:] for line in block).strip() + "\n"


def text(step: str, name: str) -> str:
    return (ROOT / EXAMPLE / step / f"{name}.md").read_text()


def told(played: HuntSite, said: str) -> None:
    """Ask until the page says something."""
    team = played.page()
    until(lambda: said in team.press("/check"))


def passed(played: HuntSite, stations: int) -> None:
    team = played.page()
    until(lambda: f"{stations} of 5 stations passed" in team.page())


def test_a_team_that_does_what_the_hints_say_arrives_and_one_that_does_nothing_does_not(played: HuntSite) -> None:
    # git: the register.
    told(played, f"There is no pull request to game/team-{PLAYS} from a branch register yet.")
    played.begin("register")
    played.commit({"REGISTER.md": words_of(text("1-git", "story")).replace("@team@", PLAYS)})
    played.propose("register")
    passed(played, 1)

    # Docker: the crate, which is looked at once the gatekeeper has merged what the pipeline found good.
    until(lambda: played.site.as_operator().get(f"/repos/game/team-{PLAYS}/contents/REGISTER.md?ref=main"))
    crate = printed_files("2-docker")
    played.begin("crate")
    played.commit(crate)
    played.propose("crate")
    passed(played, 2)

    # A Helm manifest: the camp.
    told(played, f"There is no Deployment camp in team-{PLAYS} yet.")
    played.begin("camp")
    played.commit(printed_files("3-helm"))
    played.propose("camp")
    passed(played, 3)

    # The pipeline: red first, then green, merged and deployed.
    played.begin("ford")
    red = played.commit({"Dockerfile": crate["Dockerfile"].replace(":1.37.0", "")})
    played.site.runners["untrusted"].to_fail.add(red)
    played.propose("ford")
    told(played, "is red now: make it green.")
    played.commit({"Dockerfile": crate["Dockerfile"] + "\n"})
    played.git("push", "--quiet")
    passed(played, 4)

    # Reading logs: the bell in the mist.
    team = played.page()
    assert "That is not the word." in team.press("/check", answer="wind")
    assert "You have arrived" in team.press("/check", answer=word_in_the_logs(played, PLAYS))

    # The other team has done nothing, and its bell says something else.
    other = played.page(WATCHES)
    assert f"There is no pull request to game/team-{WATCHES} from a branch register yet." in other.press("/check")
    assert "0 of 5 stations passed" in other.page()
    assert word_in_the_logs(played, WATCHES) != word_in_the_logs(played, PLAYS)
    operators = Browser(played.service.port)
    funnel = operators.log_in(operators_code(played.key))
    assert re.search(rf'<th scope="row">{PLAYS}</th><td><span class="tag">finished</span>', funnel)


def word_in_the_logs(played: HuntSite, team: str) -> str:
    """The word that only the log of the team's clue pod holds."""
    with played.clue_pod(team, seconds=0, stdout=subprocess.PIPE) as clue_pod:
        assert clue_pod.stdout is not None
        said = [clue_pod.stdout.readline() for _ in range(8)]
        clue_pod.kill()
    [word] = {found[1] for line in said if (found := re.search(r"its word is (\w+)\.", line))}
    return word
