"""A person plays the hunt with one command."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_game.delivery_site import ROOT
from local_game.hunt_site import PLAYER
from tests.services.hunts import Browser
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(600)


def test_what_is_printed_lets_one_in_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with (
        said.open("w") as out,
        subprocess.Popen([sys.executable, "-m", "local_game"], cwd=ROOT, stdout=out, stderr=out) as game,
    ):
        until(lambda: "tail --follow" in said.read_text() or game.poll() is not None)
        printed = said.read_text()
        [port] = re.findall(r"the team.s page +│ http://127\.0\.0\.1:(\d+)/", printed)
        [code] = re.findall(r"its code +│ (\S+)", printed)
        [repository] = re.findall(r"the team.s repository +│ (\S+)", printed)
        [password] = re.findall(rf"{PLAYER}, password (\S+)", printed)
        [log] = re.findall(r"tail --follow (\S+)", printed)
        team = Browser(int(port))
        team.log_in(code)
        assert "0 of 5 stations passed" in team.page()
        way = repository.replace("://", f"://{PLAYER}:{password}@")
        assert "refs/heads/main" in subprocess.check_output(["git", "ls-remote", way], text=True)
        until(lambda: "bell" in Path(log).read_text())
        game.send_signal(signal.SIGINT)
        assert game.wait(60) == 0, said.read_text()
    assert said.read_text().rstrip().endswith("Nothing is left of it.")
    assert not Path(log).exists()
