"""docs/destroy.md: an event ends by one command, with a backup, and is proven to be over; and the next one begins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal import engine
from tests.rehearsal.event.test_swap import ask_rancher, green
from tests.rehearsal.site import ROOT, Rehearsal, counts, output, processes_below

pytestmark = pytest.mark.timeout(1800)


def test_an_environment_that_is_protected_is_saved_and_destroyed_and_nothing_is_left(
    game: Rehearsal, raised: str, tmp_path: Path
) -> None:
    game.up({"boards": {"green": {**green(game), "allowReplacement": False}}, "activeBoard": "green"})
    done = subprocess.run(
        [
            *(sys.executable, "-m", "cli", "destroy", engine.stack_name(game.session)),
            *("--yes-destroy", engine.ENVIRONMENT),
        ],
        cwd=ROOT,
        env={**os.environ, **engine.own_environment(game.session), "XDG_DATA_HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    [archive] = (tmp_path / "shambhala" / "backups").iterdir()
    assert archive.stat().st_mode & 0o777 == 0o600
    assert "Nothing of the environment rehearsal is left at Scaleway." in done.stdout
    assert {kind: number for kind, number in game.ask_cloud("GET", "/rehearsal/state").items() if number} == {}


def test_it_is_raised_again_from_the_stack_that_was_kept_with_teams_where_asked_for(
    game: Rehearsal, raised: str
) -> None:
    assert counts(game.command("up", "--teams", "2")).keys() == {"create"}
    assert counts(game.command("up", "--teams", "2")).keys() == {"same"}
    assert game.answer("git") == game.answer("drone") == game.answer("play") != ""
    for place, workload in (
        ("delivery", "deployment/drone"),
        ("delivery", "statefulset/postgres"),
        ("guard", "deployment/guard"),
        ("runners", "deployment/runner-untrusted"),
        ("runners", "deployment/runner-deploy"),
        ("scm", "statefulset/gitea"),
    ):
        game.kubectl("rollout", "status", workload, f"--namespace={place}", "--timeout=300s")
    for team in ("team-t1", "team-t2"):
        assert game.kubectl("get", "resourcequota", f"--namespace={team}", "--output=name")


def test_taken_down_it_leaves_nothing_even_when_rancher_is_down(game: Rehearsal, raised: str) -> None:
    session = game.session
    mine = ["--filter", f"label={session.label}"]
    assert output(["docker", "container", "ls", "--all", "--quiet", *mine])
    assert processes_below(session.home)
    ask_rancher(game, "POST", "/rehearsal/down")
    printed = game.command("down")
    assert "Nothing is left" in printed
    # Before its cloud went, the engine had given back all that Scaleway would bill.
    assert "billed" not in printed
    assert not Path(session.home).exists()
    assert not list(ROOT.glob(f"Pulumi.*{game.name}*"))
    assert not processes_below(session.home)
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0:
        assert not output(["docker", "container", "ls", "--all", "--quiet", *mine])
        assert not output(["docker", "network", "ls", "--quiet", *mine])
    assert "There is no rehearsal" in game.command("down")
