"""Builds programs from source, with Go, from the wrapper modules in `modules`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rehearsal.toolchain import cache
from rehearsal.toolchain.catalogue import Program, Source
from rehearsal.toolchain.tools import Progress, ToolchainError

_TELL_EVERY = 10.0
"""Seconds between two lines for the operator."""
_NETWORK = re.compile(r"dial tcp|no such host|i/o timeout|connection refused|network is unreachable")


def entry_name(source: Source) -> str:
    """The cache's name for a build: changes with the wrapper, the recipe, the platform and Go itself."""
    digest = hashlib.sha256(f"{source} {_go('version')}".encode())
    for file in sorted(path for path in source.folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(source.folder)} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return f"{source.folder.name}-{source.version}-{digest.hexdigest()[:12]}"


def build(source: Source, progress: Progress) -> Path:
    """The folder with a source's programs, built unless the cache has them. Raises ToolchainError."""
    return cache.fill(entry_name(source), lambda folder: _build(source, folder, progress), progress)


def built(source: Source) -> Path | None:
    """The folder with a source's programs if the cache has them already."""
    if shutil.which("go") is None:
        return None
    folder = cache.entry(entry_name(source))
    return folder if folder.exists() else None


def module_folder(source: Source, module: str) -> Path:
    """The folder with the source of a module that a wrapper requires: some programs need files from it."""
    return Path(json.loads(_go("mod", "download", "-json", module, cwd=source.folder))["Dir"])


def _build(source: Source, folder: Path, progress: Progress) -> None:
    work = folder / "work"
    shutil.copytree(source.folder, work)
    if source.schema:
        _embed_schema(source.version, source.schema, work)
    if source.c and shutil.which("cc") is None:
        raise ToolchainError(f"A C compiler is needed to build {source.module}: install Debian's package gcc.")
    for program in source.programs:
        _compile(program, work, folder / program.file, progress, c=source.c)
        for name in program.also:
            (folder / name).symlink_to(program.file)
    shutil.rmtree(work)


def _embed_schema(version: str, schema: tuple[str, str], work: Path) -> None:
    module, path = schema
    # Unlike `go list`, this fetches a module that nothing here imports as a package yet.
    folder = json.loads(_go("mod", "download", "-json", module, cwd=work))["Dir"]
    content = json.loads(Path(folder, path).read_text())
    (work / "schema.json").write_text(json.dumps({**content, "version": version}))


def _compile(program: Program, work: Path, target: Path, progress: Progress, *, c: bool) -> None:
    tags = [f"-tags={program.tags}"] if program.tags else []
    # Fetches what the program is made of, and no more: some modules of the graph cannot be had everywhere.
    dependencies = _watched(
        ["list", "-deps", *tags, program.package],
        work,
        lambda lines: progress(f"fetching the source of {program.file}: {lines} Go modules so far"),
        c=c,
    )
    packages = len(dependencies.split())
    began = time.monotonic()
    linker = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in program.variables)])
    _watched(
        ["build", "-v", "-trimpath", f"-ldflags={linker}", *tags, "-o", str(target), program.package],
        work,
        lambda lines: progress(
            f"building {program.file}: {lines} of at most {packages} packages compiled "
            f"({time.monotonic() - began:.0f} s)"
        ),
        c=c,
    )


def _watched(arguments: Sequence[str], work: Path, tell: Callable[[int], None], *, c: bool) -> str:
    """What Go prints; `tell` gets, every ten seconds, the number of lines in which it told of its progress."""
    said: list[str] = []
    printed: list[str] = []
    with subprocess.Popen(
        [_program(), *arguments],
        cwd=work,
        env=_environment(c=c),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as go:
        listeners = [
            threading.Thread(target=lambda: said.extend(go.stderr or ()), daemon=True),
            threading.Thread(target=lambda: printed.extend(go.stdout or ()), daemon=True),
        ]
        for listener in listeners:
            listener.start()
        try:
            while not _ended(go):
                tell(len(said))
        except BaseException:
            go.terminate()
            raise
        for listener in listeners:
            listener.join()
    if go.returncode:
        raise _failure(f"`go {' '.join(arguments)}` failed", "".join(said))
    return "".join(printed)


def _ended(go: subprocess.Popen[str]) -> bool:
    try:
        go.wait(_TELL_EVERY)
    except subprocess.TimeoutExpired:
        return False
    return True


def _program() -> str:
    found = shutil.which("go")
    if found is None:
        raise ToolchainError(
            "Go is needed to build what cannot be downloaded, and there is no `go` on PATH: install Go 1.26 or newer "
            "(https://go.dev/doc/install), or let this machine reach get.pulumi.com and api.github.com."
        )
    return found


def _environment(*, c: bool = False) -> dict[str, str]:
    # Without C where that is possible, so that the programs run on any Linux.
    return {**os.environ, "CGO_ENABLED": "1" if c else "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def _go(*arguments: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [_program(), *arguments],
        cwd=cwd,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise _failure(f"`go {' '.join(arguments)}` failed", done.stderr)
    return done.stdout


def _failure(what: str, said: str) -> ToolchainError:
    if "no space left on device" in said:
        return cache.disk_full()
    lines = _last(said)
    if _NETWORK.search(said):
        return ToolchainError(
            f"{what}: Go's modules cannot be fetched. Let this machine reach a Go module proxy, or name one in "
            f"GOPROXY, then run this again; it goes on where it stopped. Go says:\n{lines}"
        )
    return ToolchainError(f"{what}. Go says:\n{lines}")


def _last(said: str) -> str:
    # With -v, the names of packages come between the errors.
    lines: Sequence[str] = [line for line in said.splitlines() if " " in line or ":" in line]
    return "\n".join(lines[-10:])
