"""What the hunt reads of pull requests at the real Gitea."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import pytest

from game_app.scm.gitea.gitea_accounts import account_password
from game_app.services.bounded_reader import Deadline
from game_app.services.hunt import paged_list
from game_app.services.hunt.gitea_client import GiteaClient
from game_app.services.hunt.hunt_teams import Team
from game_app.services.pipeline_catalogue import CHECK
from local_game.delivery_site import DeliverySite
from tests.services.gitea_alone import gitea_alone

# Long enough for Gitea to be built first.
pytestmark = pytest.mark.timeout(900)
RED: Final = Team(name="red", repository="game/team-red", namespace="team-red")
LONG: Final = "x" * 1_100_000
PULLS: Final = "/repos/game/team-red/pulls"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[DeliverySite]:
    with gitea_alone(tmp_path_factory.mktemp("gitea-pulls")) as raised:
        yield raised


def client(site: DeliverySite, account: str) -> GiteaClient:
    return GiteaClient(site.gitea.url, f"{account}:{account_password(site.master, account)}", "main")


def soon() -> Deadline:
    return Deadline(120)


def test_many_and_long_ones_hide_none_and_a_merged_ones_branch_may_go(
    site: DeliverySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Gitea takes a second for each: as few as are more than a page.
    monkeypatch.setattr(paged_list, "PAGE", 5)
    monkeypatch.setattr(paged_list, "_SMALLER", {5: 1})
    reader, merger, player = client(site, "clone-bot"), client(site, "merge-bot"), site.as_player("ada")
    first = site.git.propose("ada", "team-red", "register", {"register.md": "x"})
    for number in range(2, 8):
        site.git.propose("ada", "team-red", f"branch-{number}", {f"{number}.md": "x"})
    player.ask("PATCH", f"{PULLS}/3", {"body": LONG})
    player.ask("PATCH", f"{PULLS}/7", {"body": LONG})
    found = reader.pull_requests(RED, soon(), state="open")
    assert [each.number for each in found] == [number for number in range(1, 8) if number not in {3, 7}]
    newest = reader.pull_requests(RED, soon())
    assert {each.number for each in newest} == {each.number for each in found}
    assert (found[0].branch, found[0].head, found[0].merged) == ("register", first, None)

    site.as_operator().ask("POST", f"/repos/game/team-red/statuses/{first}", {"state": "success", "context": CHECK})
    assert merger.merge(RED, found[0], soon())
    player.ask("DELETE", "/repos/ada/team-red/branches/register")
    [merged] = [each for each in reader.pull_requests(RED, soon()) if each.number == 1]
    assert (merged.branch, merged.open) == ("register", False)
    assert merged.merged == site.as_operator().get("/repos/game/team-red/branches/main")["commit"]["id"]
    assert reader.commits(RED, merged, soon()) == [first]
    assert reader.results(RED, first, CHECK, soon()) == ["success"]
