"""The program's own error is read while the engine still waits for a resource that was begun before."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rehearsal.plugins.install import CHECKOUT, install
from tests.localcloud.plugins.project import Project, engine_home

PROGRAM = """
    import sys

    sys.path.insert(0, {checkout!r})

    from pulumi_command import local

    from common.errors import shown_once

    with shown_once():
        local.Command("slow", create="sleep 20; touch {ended}")
        object().no_such_attribute_of_a_component()
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    home = tmp_path / "home"
    home.mkdir()
    engine_home(home)
    install(home, "command")
    return Project(tmp_path, home)


@pytest.mark.timeout(600)
def test_an_exception_is_shown_while_another_resource_is_still_being_created(project: Project, tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    project.has(PROGRAM.format(checkout=str(CHECKOUT), ended=ended))
    with project.start("up", "--yes", "--skip-preview") as update:
        # An engine that says nothing must not hold the test.
        watchdog = threading.Timer(150, update.kill)
        watchdog.start()
        assert update.stdout is not None
        printed: list[str] = []
        shown_before_the_end = False
        for line in update.stdout:
            printed.append(line)
            if "no_such_attribute_of_a_component" in line and not ended.exists():
                shown_before_the_end = True
        watchdog.cancel()
    text = "".join(printed)
    assert update.returncode != 0
    assert shown_before_the_end, text
    assert ended.exists(), "the engine waits for what was begun, which is why the error must not"
    assert text.count("Traceback") == 1
    assert "__main__.py" in text
