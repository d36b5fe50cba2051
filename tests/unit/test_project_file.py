"""There is one project file, and it holds for every provider that the program may use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_the_project_has_one_project_file() -> None:
    listed = subprocess.run(["git", "ls-files", "*Pulumi.yaml"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert listed.stdout.split() == ["Pulumi.yaml"]
    settings = [file for file in (ROOT / "rehearsal").rglob("*.py") if "ProjectSettings(" in file.read_text()]
    assert settings == []


def test_no_provider_falls_back_on_what_the_shell_happens_to_say() -> None:
    installed = [
        json.loads(file.read_text())["name"]
        for folder in map(Path, sys.path)
        for file in folder.glob("pulumi*/pulumi-plugin.json")
    ]
    disabled = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["pulumi:disable-default-providers"]["value"]
    assert sorted(set(installed)) == disabled
