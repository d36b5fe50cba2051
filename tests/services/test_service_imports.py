"""Programs of pods import the standard library and one another's shared files, and nothing that a pod does not have."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from game_app.service_files import service_files
from local_game.mounted import mounted

PROGRAMS = ("guard", "hunt", "setup")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_starts_from_its_mounted_files_alone(program: str, tmp_path: Path) -> None:
    command = [*mounted(program, tmp_path), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"python -m services.{program}" in done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_import_is_of_the_standard_library_or_of_a_mounted_file(program: str) -> None:
    files = service_files(program)
    for path, text in files.items():
        if not path.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                assert {name.name.partition(".")[0] for name in node.names} <= sys.stdlib_module_names, path
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert str(node.module).partition(".")[0] in sys.stdlib_module_names, path
            elif isinstance(node, ast.ImportFrom):
                folder = Path(path).parents[node.level - 1]
                modules = [node.module] if node.module else [name.name for name in node.names]
                for module in modules:
                    assert (folder / f"{module}.py").as_posix() in files, f"{path} imports {module}"


def test_hidden_and_compiled_files_are_not_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ("shared.py", "one/__main__.py", "one/pages/a.html", "one/.DS_Store", "one/__pycache__/a.pyc", "two/b.py")
    for path in files:
        (tmp_path / "services" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "services" / path).write_bytes(b"text" if path.endswith((".py", ".html")) else b"\xff\x00")
    monkeypatch.setattr("game_app.service_files._SERVICES", tmp_path / "services")
    assert set(service_files("one")) == {"services/shared.py", "services/one/__main__.py", "services/one/pages/a.html"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_config_map_holds_a_program(program: str) -> None:
    size = sum(len(path) + len(text.encode()) for path, text in service_files(program).items())
    assert size < 512 * 1024, "a ConfigMap holds 1 MiB"
