"""docs/costs.md shows what the command prints for the settings beside it, by the stand-in's prices."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.commands.doctor.site import Site

DOCUMENT = Path(__file__).parents[3] / "docs" / "costs.md"
BLOCK = re.compile(r"<!-- settings -->\n```yaml\n(?P<settings>.+?)```\n<!-- cost -->\n```\n(?P<cost>.*?)```", re.DOTALL)
Tree = dict[str, Any]


def merged(below: Tree, above: Tree) -> Tree:
    both = {
        key: merged(below[key], cast("Tree", value))
        for key, value in above.items()
        if isinstance(value, dict) and key in below
    }
    return {**below, **above, **both}


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_document_shows_what_the_command_prints(site: Site, index: int) -> None:
    blocks = list(BLOCK.finditer(DOCUMENT.read_text()))
    assert len(blocks) == 3
    begin = site.tree
    begin["parentZone"] = "external"
    begin["scaleway"] |= {"region": "fr-par", "zone": "fr-par-1"}
    board = {**begin["boards"]["green"], "subnet": "10.21.0.0/22"}
    passwords = {name: begin["observability"][name] for name in ("grafanaAdminPassword", "lokiPassword")}
    begin |= {"boards": {"blue": board}, "observability": passwords}
    del begin["gamemaster"]["volumeSizeGb"], begin["gamemaster"]["volumeType"], begin["costs"]
    site.tree = merged(begin, cast("Tree", yaml.safe_load(blocks[index]["settings"])))
    status, printed = site.command("cost")
    assert status == 0, printed
    assert "\n".join(line.rstrip() for line in printed.splitlines()).strip() == blocks[index]["cost"].strip()
