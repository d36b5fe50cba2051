"""Modules of the project are imported while the program's main file runs, never from within an `apply`.

The engine's language host takes the project's folder off the module path once `__main__.py` has been read
(`runpy.run_path`), and an `apply` may run after that: such an import fails by the engine's CLI, and only there
(tests/localcloud/plugins/test_language_host.py shows it).
"""

from __future__ import annotations

import ast
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("common", "gamemaster", "board", "observability", "game_app")
"""What the program is made of. Services in it run by themselves, and import nothing late either."""
WHILE_IT_RUNS = {("game_app/game_app.py", "_github")}
"""File and function of late imports that the program itself comes to, and no `apply`."""
BY_NAME = ("import_module", "__import__", "run_path", "run_module")


def sources() -> list[Path]:
    return [ROOT / "__main__.py", *(file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))]


def late(tree: ast.AST, function: str = "") -> Generator[tuple[str, str]]:
    """Each import inside a function: the function's name, and what it imports from."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from late(node, getattr(node, "name", "a lambda"))
            continue
        if function:
            yield from ((function, module) for module in imported(node))
        yield from late(node, function)


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["." * node.level + (node.module or "")]
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return [called] if called in BY_NAME else []
    return []


def of_the_project(module: str) -> bool:
    return module.startswith(".") or module in BY_NAME or module.partition(".")[0] in PACKAGES


def test_no_module_of_the_project_is_imported_late() -> None:
    found = {
        (str(file.relative_to(ROOT)), function)
        for file in sources()
        for function, module in late(ast.parse(file.read_text()))
        if of_the_project(module)
    }
    assert found == WHILE_IT_RUNS


@pytest.mark.parametrize(
    "body",
    [
        "from board import Board",
        "if True:\n  import common.helm",
        "from . import component",
        "importlib.import_module('board')",
        "return lambda value: __import__('board')",
    ],
)
def test_the_rule_sees_a_late_import(body: str) -> None:
    source = "def applied(value):\n" + "\n".join(f"  {line}" for line in body.splitlines())
    assert [module for _, module in late(ast.parse(source)) if of_the_project(module)]
