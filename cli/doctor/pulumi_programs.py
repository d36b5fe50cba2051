"""Pulumi: its programs' versions, the backend, the passphrase and whose the stack is."""

from __future__ import annotations

import json
import platform
import re
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Final, cast

import requests

from cli.deadline import Running
from cli.doctor.lines import Line, failure, ok, warning
from cli.engine_errors import (
    EngineError,
    NoBackendError,
    NoEngineError,
    NoPassphraseError,
    NoStackError,
    WrongPassphraseError,
)
from cli.stack import Stack, Tree
from common.settings import GITHUB, NAMESPACE, Settings

INSTALL: Final = "https://www.pulumi.com/docs/install/"
PYTHON: Final = (3, 11)
_PACKAGES: Final = ("pulumi_command", "pulumi_kubernetes", "pulumi_rancher2", "pulumiverse_scaleway")
_GITHUB_PACKAGE: Final = "pulumi_github"
_FROM_PULUMI: Final = "https://get.pulumi.com/releases/plugins"
_FROM_GITHUB: Final = "github://api.github.com/"
_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_TIMEOUT: Final = 5
_NAME_THE_FILE: Final = "export PULUMI_CONFIG_PASSPHRASE_FILE=FILE"
_MENDS: Final[Mapping[type[EngineError], str]] = {
    NoEngineError: INSTALL,
    NoBackendError: "pulumi login file://~",
    NoPassphraseError: _NAME_THE_FILE,
    WrongPassphraseError: _NAME_THE_FILE,
    NoStackError: "make init STACK={stack}",
}


@dataclass(frozen=True)
class Plugin:
    """A plugin that one of the program's packages needs."""

    name: str
    version: str
    server: str | None

    @property
    def install(self) -> str:
        """The command that installs it."""
        server = f" --server {self.server}" if self.server else ""
        return f"pulumi plugin install resource {self.name} {self.version}{server}"

    @property
    def url(self) -> str:
        """Where the engine downloads it from."""
        file = f"pulumi-resource-{self.name}-v{self.version}-{sys.platform}-{_machine()}.tar.gz"
        if self.server and self.server.startswith(_FROM_GITHUB):
            owner = self.server.removeprefix(_FROM_GITHUB).partition("/")[0]
            repository = f"https://github.com/{owner}/pulumi-{self.name}"
            return f"{repository}/releases/download/v{self.version}/{file}"
        return f"{self.server or _FROM_PULUMI}/{file}"


def owner(stack: Stack) -> Line:
    """Whether a stack is this project's, by its name and its resources. Raises EngineError."""
    # ORGANISATION/PROJECT/STACK, where the name says so much.
    _, *named = stack.name.split("/")[:-1] or [""]
    foreign = sorted({*named, *stack.projects()} - {NAMESPACE})
    if foreign:
        found = f"{stack.name} is a stack of the project {foreign[0]}, not of {NAMESPACE}"
        return failure("stack", found, f"make init STACK={stack.name.rpartition('/')[2]}")
    return ok("stack", f"{stack.name} of the project {NAMESPACE}")


def refused_by_pulumi(what: str, error: EngineError, stack: str) -> Line:
    """What the engine refused."""
    return failure(what, str(error), _MENDS.get(type(error), "pulumi about").format(stack=stack))


def python() -> Line:
    """Whether Python is new enough."""
    found = f"{platform.python_version()}, at least {'.'.join(map(str, PYTHON))} is needed"
    if sys.version_info >= PYTHON:
        return ok("Python", found)
    return failure("Python", found, "make setup PYTHON=python3.11")


def versions(stack: Stack, settings: Settings | None) -> Generator[Line]:
    """The CLI beside the SDK, and the plugins. settings: None where they cannot be read."""
    try:
        yield _cli(stack.engine_version())
        yield from _plugins(needed(settings), stack.plugins())
    except EngineError as error:
        yield refused_by_pulumi("Pulumi CLI", error, stack.name)


def needed(settings: Settings | None) -> list[Plugin]:
    """The plugins of the program's packages, at the packages' versions."""
    packages: list[str] = list(_PACKAGES)
    if settings and settings.delivery.scm == GITHUB:
        packages.append(_GITHUB_PACKAGE)
    found: list[Plugin] = []
    for package in packages:
        told = cast("Mapping[str, str]", json.loads((files(package) / "pulumi-plugin.json").read_text()))
        found.append(Plugin(told["name"], told["version"], told.get("server")))
    return found


def _cli(version: str) -> Line:
    sdk = metadata.version("pulumi")
    if _numbers(version) < _numbers(sdk):
        found = f"{version} is older than the program's SDK {sdk}, which it may not understand"
        return failure("Pulumi CLI", found, INSTALL)
    return ok("Pulumi CLI", f"{version}, the program's SDK is {sdk}")


def _plugins(wanted: Sequence[Plugin], installed: Sequence[Tree]) -> Generator[Line]:
    versions = {
        plugin.name: [str(each.get("version")).removeprefix("v") for each in installed if each["name"] == plugin.name]
        for plugin in wanted
    }
    asked = [Running(lambda plugin=plugin: _plugin(plugin, versions[plugin.name])) for plugin in wanted]
    yield from (each.result(2 * _TIMEOUT) for each in asked)


def _plugin(plugin: Plugin, installed: Sequence[str]) -> Line:
    what = f"plugin {plugin.name}"
    if plugin.version in installed:
        return ok(what, f"{plugin.version}, as the program's package")
    others = (
        f"{', '.join(installed)} is installed, the program needs {plugin.version}" if installed else "not installed"
    )
    if shutil.which(f"pulumi-resource-{plugin.name}"):
        return warning(what, f"{others}; one on PATH of a version that nobody checks goes before it", plugin.install)
    try:
        answer = requests.head(plugin.url, timeout=_TIMEOUT, allow_redirects=True)
    except requests.RequestException:
        return failure(what, f"{others}, and {plugin.url} cannot be reached", plugin.install)
    if not answer.ok:
        return failure(what, f"{others}, and {plugin.url} answers {answer.status_code}", plugin.install)
    return ok(what, f"{others}; the engine downloads {plugin.version} by itself")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition("-")[0])))


def _machine() -> str:
    return _MACHINES.get(platform.machine(), platform.machine())


def language_host(engine: str) -> Line:
    """Whether the CLI finds what runs Python for it."""
    program = shutil.which(engine)
    beside = Path(program).resolve().with_name("pulumi-language-python") if program else None
    if shutil.which("pulumi-language-python") or (beside and beside.exists()):
        return ok("language host", "pulumi-language-python is there")
    return failure("language host", "pulumi-language-python is neither beside the CLI nor on PATH", INSTALL)
