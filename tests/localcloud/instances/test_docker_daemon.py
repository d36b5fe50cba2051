from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
APART = Path(__file__).parent / "apart.sh"


async def test_a_daemon_that_a_rehearsal_started_is_ended_by_the_last_one_that_uses_it(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--mount", "--net", str(APART), str(tmp_path)),
        *(sys.executable, "-m", "tests.localcloud.instances.own_daemon", str(tmp_path)),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert json.loads(out) == {
        "started": True,
        "ended by the first": False,
        "ended by the second": True,
        "still alive": False,
        "answers": False,
        "ended once more": False,
    }
