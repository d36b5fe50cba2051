"""A project of its own for the engine's CLI, whose language host is the stand-in."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rehearsal.plugins.install import CHECKOUT, LANGUAGE_HOST, install_language_host
from tests.support.tools import tools

VENV = Path(sys.prefix)


class Project:
    """A folder with a Pulumi.yaml and a program, and one stack of it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        state = folder / "state"
        state.mkdir()
        self.environment: Mapping[str, str] = {
            **os.environ,
            "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        self.runs_in({"toolchain": "pip", "virtualenv": str(VENV)})
        self.has("")
        self.pulumi("stack", "init", "test")

    def runs_in(self, options: Mapping[str, Any]) -> None:
        """Set `runtime.options`."""
        runtime = {"name": "python", "options": dict(options)}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "project", "runtime": runtime}))

    def has(self, program: str, file: str = "__main__.py") -> None:
        """Write the program, or a module beside it."""
        (self.folder / file).write_text(textwrap.dedent(program))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command of the engine's."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pulumi(self, *arguments: str) -> str:
        """What a command printed; it must have worked."""
        status, printed = self._ended(*arguments)
        assert status == 0, printed
        return printed

    def fails(self, *arguments: str) -> str:
        """What a command printed; it must have failed."""
        status, printed = self._ended(*arguments)
        assert status != 0, printed
        return printed

    def _ended(self, *arguments: str) -> tuple[int, str]:
        with self.start(*arguments) as command:
            printed, _ = command.communicate(timeout=60)
        return command.returncode, printed


def engine_home(folder: Path, executor: Path | None = None) -> Path:
    """A PULUMI_HOME with the engine and, beside it, the stand-in; with another executor where one is given."""
    engine = folder / "bin" / "pulumi"
    engine.parent.mkdir()
    try:
        engine.hardlink_to(tools().pulumi.path.resolve())
    except OSError:
        engine.write_bytes(tools().pulumi.path.read_bytes())
        engine.chmod(0o755)
    install_language_host(engine)
    if executor:
        host = folder / "host.py"
        host.write_text(
            f"import asyncio, sys\nfrom pathlib import Path\nsys.path.insert(0, {str(CHECKOUT)!r})\n"
            "from rehearsal.plugins.language.host import Host\nfrom rehearsal.plugins.serving import serve_until_told\n"
            f"asyncio.run(serve_until_told(Host(sys.argv[-1], Path({str(executor)!r}))))\n"
        )
        engine.with_name(LANGUAGE_HOST).write_text(f'#!/bin/sh\nexec {sys.executable} -P {host} "$@"\n')
    return folder
