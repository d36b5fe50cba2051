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

from rehearsal.plugins.install import LANGUAGE_HOST, LAUNCHER, install, install_language_host
from rehearsal.toolchain import building, downloading
from rehearsal.toolchain.catalogue import CONTROL_PLANE, ENGINE, HELM, PEBBLE, PLUGINS, Plugin, Source, pinned
from rehearsal.toolchain.tools import HOST, Progress, Tool, ToolchainError, Tools

_HERE = "already there"
_DOWNLOADED = "official download"
_BUILT = "built from source"
_OURS = "this project, in Python"
_LAID_OUT = "laid-out-for-a-rehearsal"
"""A file in each folder that `lay_out` made: what is linked there is no origin of anything."""


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
            language_host(engine),
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

    The engine is bin/pulumi, with the stand-in for its language host beside it where it has none of its own; the
    plugins lie under the versions that the SDKs ask for. Done again, it changes nothing.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / _LAID_OUT).touch()
    # The engine writes all that it does into a log of its own, for two fifths of its time, and cannot be told not to
    # (StartLogging in pkg/logging/encrypted.go). A file where its folder would be keeps it from that.
    (home / "logs").touch()
    _lay_out_engine(tools, home / "bin" / "pulumi")
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


def _lay_out_engine(tools: Tools, engine: Path) -> None:
    engine.parent.mkdir(parents=True, exist_ok=True)
    engine.unlink(missing_ok=True)
    if not tools.language_host.stand_in:
        # It finds its own host, beside the file that the link leads to.
        engine.symlink_to(tools.pulumi.path)
        return
    try:
        engine.hardlink_to(tools.pulumi.path.resolve())
    except OSError:
        # Another file system.
        shutil.copy2(tools.pulumi.path, engine)
    install_language_host(engine)


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


def language_host(engine: Tool) -> Tool:
    """The official one, which comes with the engine's download; an engine that was built has none."""
    official = engine.path.resolve().with_name(LANGUAGE_HOST)
    if official.exists():
        return Tool(HOST, engine.version, engine.origin, official, 0)
    return Tool(HOST, pinned("pulumi"), _OURS, LAUNCHER, 0, stand_in=True)


def _plugin(plugin: Plugin, engine: Path, progress: Progress) -> Tool:
    for origin, home in ((_HERE, _user_home()), (f"{_HERE}: {_DOWNLOADED}", downloading.plugin_entry(plugin))):
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
    return Tool("", plugin.version, _OURS, LAUNCHER, 0, stand_in=True)


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
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    # After `eval "$(make -s cloud)"` a rehearsal's own comes first.
    others = [folder for folder in folders if not (Path(folder).parent / _LAID_OUT).exists()]
    found = shutil.which("pulumi", path=os.pathsep.join(others))
    if found is None:
        return None
    return Path(found) if _numbers(_version_of(Path(found))) >= _numbers(ENGINE.version) else None


def _user_home() -> Path:
    """The PULUMI_HOME of the user, not that of a rehearsal."""
    named, default = os.environ.get("PULUMI_HOME"), Path.home() / ".pulumi"
    return Path(named) if named and not Path(named, _LAID_OUT).exists() else default


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
