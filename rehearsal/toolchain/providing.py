"""Gets everything that a rehearsal runs, each from the first place that has it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from rehearsal.plugins.install import LAUNCHER, install
from rehearsal.toolchain import building, downloading
from rehearsal.toolchain.catalogue import CONTROL_PLANE, ENGINE, HELM, PEBBLE, PLUGINS, Plugin, Source
from rehearsal.toolchain.tools import Progress, Tool, ToolchainError, Tools

_HERE = "already there"
_DOWNLOADED = "official download"
_BUILT = "built from source"


def provide(console: Console) -> Tools:
    """Everything, told about while it is being fetched or built.

    Raises ToolchainError for what can be had from nowhere.
    """
    engine = _timed("pulumi", console, _engine)
    plugins = [
        _timed(
            f"{plugin.package} plugin", console, lambda progress, plugin=plugin: _plugin(plugin, engine.path, progress)
        )
        for plugin in PLUGINS
    ]
    return Tools(
        (
            engine,
            *plugins,
            _timed("control plane", console, _control_plane),
            *(provide_built(source, console) for source in (PEBBLE, HELM)),
        )
    )


def provide_built(source: Source, console: Console) -> Tool:
    """A source of one program, which is always built. Raises ToolchainError."""
    return _timed(source.module, console, lambda progress: _from_source(source, source.programs[0].file, progress))


def lay_out(tools: Tools, home: Path) -> None:
    """Make a folder what the automation API and the engine want of a PULUMI_HOME.

    The engine is bin/pulumi; the plugins lie under the versions that the SDKs ask for. Done again, it
    changes nothing.
    """
    engine = home / "bin" / "pulumi"
    engine.parent.mkdir(parents=True, exist_ok=True)
    engine.unlink(missing_ok=True)
    engine.symlink_to(tools.pulumi.path)
    for plugin in PLUGINS:
        tool = tools.named(f"{plugin.package} plugin")
        folder = downloading.plugin_folder(home, plugin)
        if tool.stand_in:
            install(home, plugin.package)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.iterdir():
            stale.unlink()
        for file in tool.path.parent.glob("*"):
            (folder / file.name).symlink_to(file)


def _timed(name: str, console: Console, get: Callable[[Progress], Tool]) -> Tool:
    began = time.monotonic()
    tool = get(lambda line: console.print(f"  {name}: {line}", markup=False, soft_wrap=True))
    return Tool(name, tool.version, tool.origin, tool.path, time.monotonic() - began, tool.stand_in)


def _engine(progress: Progress) -> Tool:
    for origin, path in (
        (_HERE, _on_path()),
        (f"{_HERE}: {_DOWNLOADED}", downloading.engine_entry() / "bin" / "pulumi"),
    ):
        if path and path.exists():
            return _tool(_version_of(path), origin, path)
    if not building.built(ENGINE):
        downloaded = downloading.download_engine(progress)
        if downloaded:
            path = downloaded / "bin" / "pulumi"
            return _tool(_version_of(path), _DOWNLOADED, path)
    return _from_source(ENGINE, "pulumi", progress)


def _plugin(plugin: Plugin, engine: Path, progress: Progress) -> Tool:
    user_home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    for origin, home in ((_HERE, user_home), (f"{_HERE}: {_DOWNLOADED}", downloading.plugin_entry(plugin))):
        path = downloading.plugin_folder(home, plugin) / plugin.file
        if path.exists():
            return _tool(plugin.version, origin, path)
    if not (plugin.source and building.built(plugin.source)):
        downloaded = downloading.download_plugin(plugin, engine, progress)
        if downloaded:
            path = downloading.plugin_folder(downloaded, plugin) / plugin.file
            return _tool(plugin.version, _DOWNLOADED, path)
    if plugin.source:
        return _from_source(plugin.source, plugin.file, progress)
    return Tool("", plugin.version, "this project, in Python", LAUNCHER, 0, stand_in=True)


def _control_plane(progress: Progress) -> Tool:
    return _from_source(CONTROL_PLANE, ".", progress)


def _from_source(source: Source, file: str, progress: Progress) -> Tool:
    known = building.built(source)
    folder = known or building.build(source, progress)
    return _tool(source.version, f"{_HERE}: {_BUILT}" if known else _BUILT, folder / file)


def _tool(version: str, origin: str, path: Path) -> Tool:
    return Tool("", version, origin, path, 0)


def _on_path() -> Path | None:
    """The engine on PATH, if it is not older than the one that the rehearsal would build."""
    found = shutil.which("pulumi")
    if found is None:
        return None
    return Path(found) if _numbers(_version_of(Path(found))) >= _numbers(ENGINE.version) else None


def _version_of(engine: Path) -> str:
    try:
        said = subprocess.run(
            [engine, "version"],
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolchainError(f"{engine} does not run ({error}): remove it, or put a working one on PATH.") from error
    return said.strip().removeprefix("v")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
