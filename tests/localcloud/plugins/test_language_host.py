"""The stand-in for pulumi-language-python, by the engine's own commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from rehearsal.toolchain.building import module_folder
from rehearsal.toolchain.catalogue import ENGINE
from tests.localcloud.plugins.project import VENV, Project, engine_home

pytestmark = pytest.mark.timeout(600)

WAITS = """
    import pathlib, time
    print("begun")
    pathlib.Path("begun").touch()
    time.sleep(600)
"""


def _official() -> Path:
    """The official executor's own text, which comes with the source of the engine."""
    return module_folder(ENGINE, "github.com/pulumi/pulumi/sdk/v3") / "python" / "cmd" / "pulumi-language-python-exec"


@pytest.fixture(scope="session", params=["own executor", "official executor"])
def each_executors_home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_home(tmp_path_factory.mktemp("home"), None if request.param == "own executor" else _official())


@pytest.fixture
def executed(tmp_path: Path, each_executors_home: Path) -> Project:
    """A project that is run by either executor: what one does, the other must."""
    return Project(tmp_path, each_executors_home)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Project:
    return Project(tmp_path, home)


def test_a_program_has_its_settings_and_gives_its_outputs(executed: Project) -> None:
    executed.has("""
        import os, sys
        import pulumi
        settings = pulumi.Config()
        pulumi.export("word", settings.require("word"))
        pulumi.export("list", settings.require_object("list"))
        pulumi.export("hidden", settings.get_secret("hidden"))
        pulumi.export("where", [pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization()])
        pulumi.export("folder", os.getcwd())
        pulumi.export("called", sys.argv)
        print("printed")
    """)
    executed.pulumi("config", "set", "word", "hello")
    executed.pulumi("config", "set", "--path", "list[0]", "first")
    executed.pulumi("config", "set", "--secret", "hidden", "for nobody")
    printed = executed.pulumi("up", "--yes")
    assert "printed" in printed
    assert "warning" not in printed
    assert json.loads(executed.pulumi("stack", "output", "--json")) == {
        "word": "hello",
        "list": ["first"],
        "hidden": "[secret]",
        "where": ["project", "test", "organization"],
        "folder": str(executed.folder),
        "called": ["."],
    }


def test_an_error_of_the_programs_own_is_said_by_the_engine(executed: Project) -> None:
    executed.has("""
        import pulumi
        raise pulumi.RunError("the reason")
    """)
    printed = executed.fails("preview")
    assert printed.count("error: the reason") >= 1
    assert "an unhandled error occurred: Program exited with non-zero exit code: 1" in printed


def test_an_exception_is_shown_once_from_the_programs_first_line_on(executed: Project) -> None:
    executed.has('raise ValueError("the reason")\n', "other.py")
    executed.has("import other\n")
    printed = executed.fails("preview").partition("Diagnostics:")[2]
    assert printed.count("ValueError: the reason") == 1
    assert "Program failed with an unhandled exception:" in printed
    assert f'File "{executed.folder}/other.py", line 1' in printed
    assert "runpy" not in printed
    assert "non-zero exit code" not in printed


def test_a_status_that_means_the_error_is_shown_is_passed_on(executed: Project) -> None:
    executed.has("""
        import sys
        import pulumi
        pulumi.log.error("the reason")
        sys.exit(32)
    """)
    printed = executed.fails("preview").partition("Diagnostics:")[2]
    assert printed.count("the reason") == 1
    assert "unhandled" not in printed


def test_a_module_of_the_project_is_not_found_once_the_program_has_run(executed: Project) -> None:
    executed.has("", "other.py")
    executed.has("""
        import pulumi
        import other

        def late(_):
            import late_module

        pulumi.Output.from_input(1).apply(late)
    """)
    executed.has("", "late_module.py")
    assert "ModuleNotFoundError: No module named 'late_module'" in executed.fails("preview")


def test_the_programs_own_environment_is_not_the_hosts(project: Project) -> None:
    project.has("""
        import os, sys
        import pulumi
        pulumi.export("seen", [os.environ.get("PYTHONPATH"), os.environ["VIRTUAL_ENV"], sys.prefix])
        pulumi.export("rehearsed", any("rehearsal" in path for path in sys.path))
    """)
    project.pulumi("up", "--yes", "--skip-preview")
    seen = json.loads(project.pulumi("stack", "output", "--json"))
    assert seen == {"seen": [os.environ.get("PYTHONPATH"), str(VENV), str(VENV)], "rehearsed": False}


def test_a_virtual_environment_that_is_missing_is_named_with_what_makes_it(project: Project) -> None:
    project.runs_in({"toolchain": "pip", "virtualenv": ".venv"})
    printed = project.fails("preview")
    assert f"'virtualenv' of Pulumi.yaml names {project.folder}/.venv, where no Python is: 'make setup'" in printed


def test_a_toolchain_that_it_does_not_know_is_refused(project: Project) -> None:
    project.runs_in({"toolchain": "uv"})
    assert "knows only toolchain 'pip' and 'virtualenv'" in project.fails("preview")


def test_settings_that_do_not_fit_into_a_variable_are_said_with_the_longest(project: Project) -> None:
    teams = json.dumps([f"team-{number}" for number in range(12_000)])
    stack_file = project.folder / "Pulumi.test.yaml"
    stack_file.write_text(stack_file.read_text() + f"config:\n  project:word: short\n  project:teams: '{teams}'\n")
    printed = " ".join(project.fails("preview").split())
    assert "which holds 131072 at most; the longest is project:teams with" in printed
    assert "shorten it" in printed


def test_it_names_the_plugins_of_what_is_installed(project: Project) -> None:
    listed = project.pulumi("about")
    for plugin in ("command", "kubernetes", "rancher2", "scaleway"):
        assert f"resource  {plugin}" in listed
    assert f"executable='{VENV}/bin/python'" in listed


def test_install_makes_the_environment_that_the_project_names(project: Project) -> None:
    project.runs_in({"toolchain": "pip", "virtualenv": ".venv"})
    (project.folder / "requirements.txt").touch()
    project.pulumi("install")
    assert (project.folder / ".venv" / "bin" / "python").exists()
    (project.folder / "requirements.txt").write_text("./no-such-package\n")
    assert "no-such-package" in project.fails("install")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_engine_that_is_ended_leaves_no_program_behind(project: Project, number: signal.Signals) -> None:
    project.has(WAITS)
    with project.start("preview") as command:
        _wait_for(project.folder / "begun")
        command.send_signal(number)
        printed, _ = command.communicate(timeout=30)
    assert command.returncode != 0
    if number == signal.SIGINT:
        assert "canceled" in printed
    # That nothing is left is looked at after every test here.
    deadline = time.monotonic() + 10
    while _running_in(project.folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _running_in(project.folder)


def test_a_host_that_is_killed_takes_its_program_with_it(project: Project) -> None:
    project.has(WAITS)
    with project.start("preview") as command:
        _wait_for(project.folder / "begun")
        [host] = _running_in(project.folder, "plugins/language/__main__.py")
        os.kill(host, signal.SIGKILL)
        command.communicate(timeout=30)
    assert command.returncode != 0
    assert not _running_in(project.folder)


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _running_in(folder: Path, what: str = "") -> list[int]:
    """The process ids of programs that run in a folder, and whose command line has a text."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder and what in (process / "cmdline").read_text():
                found.append(int(process.name))
        except OSError:
            # It ended meanwhile.
            continue
    return [pid for pid in found if pid != os.getpid()]


def test_a_killed_engines_lock_is_all_that_it_leaves(project: Project) -> None:
    project.has(WAITS)
    with project.start("up", "--yes", "--skip-preview") as command:
        _wait_for(project.folder / "begun")
        command.kill()
        command.communicate(timeout=30)
    project.has("")
    subprocess.run(["pulumi", "cancel", "--yes"], cwd=project.folder, env=project.environment, check=True)
    project.pulumi("up", "--yes", "--skip-preview")
