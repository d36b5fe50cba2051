"""The Python of a project, as `runtime.options` of its Pulumi.yaml says."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import language_pb2 as pb

SERVED: Final = frozenset({"toolchain", "virtualenv"})


class ProjectPythonError(Exception):
    """The program cannot be begun; the text says what to do."""


class ProjectPython:
    """The interpreter of a project, with its virtual environment if it has one. Raises ProjectPythonError."""

    def __init__(self, info: pb.ProgramInfo) -> None:
        options = MessageToDict(info.options)
        if options.get("toolchain", "pip") != "pip" or not options.keys() <= SERVED:
            raise ProjectPythonError(
                f"runtime.options of Pulumi.yaml are {options}: the stand-in for pulumi-language-python knows only "
                "toolchain 'pip' and 'virtualenv'. Install Pulumi's official download for the others."
            )
        self.folder = Path(info.program_directory)
        named = options.get("virtualenv", "")
        # Relative to the project, not to the program (`main`).
        self.virtual_environment = Path(info.root_directory, named) if named else None

    @property
    def command(self) -> str:
        """The interpreter's path. Raises ProjectPythonError where there is none."""
        if self.virtual_environment is None:
            return _on_path()
        command = self.virtual_environment / "bin" / "python"
        if not command.exists():
            raise ProjectPythonError(
                f"'virtualenv' of Pulumi.yaml names {self.virtual_environment}, where no Python is: "
                "'make setup' makes it."
            )
        return str(command)

    def environment(self) -> dict[str, str]:
        """The environment of this process, with the virtual environment activated."""
        own = dict(os.environ)
        if self.virtual_environment:
            own.pop("PYTHONHOME", None)
            path = f"{self.virtual_environment / 'bin'}{os.pathsep}{own.get('PATH', '')}"
            own.update(VIRTUAL_ENV=str(self.virtual_environment), PATH=path)
        return own

    def steps_to_install(self) -> list[list[str]]:
        """The commands that `pulumi install` stands for."""
        steps: list[list[str]] = []
        interpreter = self.command if self.virtual_environment is None else f"{self.virtual_environment}/bin/python"
        if self.virtual_environment and not Path(interpreter).exists():
            steps.append([_on_path(), "-m", "venv", str(self.virtual_environment)])
        if (self.folder / "requirements.txt").exists():
            steps.append([interpreter, "-m", "pip", "install", "-r", "requirements.txt"])
        return steps

    async def printed(self, *arguments: str) -> str:
        """What the interpreter prints. Raises ProjectPythonError where it fails."""
        child = await asyncio.create_subprocess_exec(
            self.command,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env=self.environment(),
        )
        out, err = await child.communicate()
        if child.returncode:
            raise ProjectPythonError(f"{self.command} {' '.join(arguments[:3])} failed: {err.decode().strip()}")
        return out.decode()

    async def plugins(self) -> list[Mapping[str, object]]:
        """The pulumi-plugin.json of every installed package that has one, as the official host gives them."""
        # Where packages lie only the interpreter knows. (`pip list` would take seconds.)
        folders = json.loads(await self.printed("-P", "-c", "import json, sys; print(json.dumps(sys.path))"))
        return _descriptions(filter(None, folders))


def _descriptions(folders: Iterable[str]) -> list[Mapping[str, object]]:
    files = {file for folder in folders for file in Path(folder).glob("*/pulumi-plugin.json")}
    return [json.loads(file.read_text()) for file in sorted(files)]


def _on_path() -> str:
    named = os.environ.get("PULUMI_PYTHON_CMD")
    found = shutil.which(named) if named else shutil.which("python3") or shutil.which("python")
    if not found:
        raise ProjectPythonError(f"There is no {named or 'python3'} on PATH.")
    return found
