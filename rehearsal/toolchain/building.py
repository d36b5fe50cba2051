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
from collections.abc import Sequence
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
    for file in sorted(source.folder.iterdir()):
        digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return f"{source.module}-{source.version}-{digest.hexdigest()[:12]}"


def build(source: Source, progress: Progress) -> Path:
    """The folder with a source's programs, built unless the cache has them. Raises ToolchainError."""
    return cache.fill(entry_name(source), lambda folder: _build(source, folder, progress), progress)


def built(source: Source) -> Path | None:
    """The folder with a source's programs if the cache has them already."""
    if shutil.which("go") is None:
        return None
    folder = cache.entry(entry_name(source))
    return folder if folder.exists() else None


def _build(source: Source, folder: Path, progress: Progress) -> None:
    work = folder / "work"
    shutil.copytree(source.folder, work)
    progress("fetching its Go modules")
    _go("mod", "download", cwd=work)
    if source.schema:
        _embed_schema(source.version, source.schema, work)
    for program in source.programs:
        _compile(program, work, folder / program.file, progress)
        for name in program.also:
            (folder / name).symlink_to(program.file)
    shutil.rmtree(work)


def _embed_schema(version: str, schema: tuple[str, str], work: Path) -> None:
    module, path = schema
    folder = _go("list", "-m", "-f", "{{.Dir}}", module, cwd=work).strip()
    content = json.loads(Path(folder, path).read_text())
    (work / "schema.json").write_text(json.dumps({**content, "version": version}))


def _compile(program: Program, work: Path, target: Path, progress: Progress) -> None:
    linker = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in program.variables)])
    options = ["-trimpath", f"-ldflags={linker}", *([f"-tags={program.tags}"] if program.tags else [])]
    tags = [f"-tags={program.tags}"] if program.tags else []
    packages = len(_go("list", "-deps", *tags, program.package, cwd=work).split())
    began = time.monotonic()
    said: list[str] = []
    with subprocess.Popen(
        [_program(), "build", "-v", *options, "-o", str(target), program.package],
        cwd=work,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as compiler:
        listener = threading.Thread(target=lambda: said.extend(compiler.stderr or ()), daemon=True)
        listener.start()
        try:
            while not _ended(compiler):
                far = f"{len(said)} of at most {packages} packages compiled"
                progress(f"building {program.file}: {far} ({time.monotonic() - began:.0f} s)")
        except BaseException:
            compiler.terminate()
            raise
        listener.join()
    if compiler.returncode:
        raise _trouble(f"{program.file} could not be built", "".join(said))


def _ended(compiler: subprocess.Popen[str]) -> bool:
    try:
        compiler.wait(_TELL_EVERY)
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


def _environment() -> dict[str, str]:
    # Without the C library, so that the programs run on any Linux.
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


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
        raise _trouble(f"`go {' '.join(arguments)}` failed", done.stderr)
    return done.stdout


def _trouble(what: str, said: str) -> ToolchainError:
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
