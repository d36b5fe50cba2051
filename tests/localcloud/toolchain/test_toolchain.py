"""Where the tool chain takes each program from, and what an operator reads when it can be had from nowhere."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal.plugins.install import LANGUAGE_HOST
from rehearsal.toolchain import building, cache, downloading, providing
from rehearsal.toolchain.catalogue import ENGINE, PLUGINS, Program, Source
from rehearsal.toolchain.providing import lay_out, provide
from rehearsal.toolchain.tools import HOST, Tool, Tools
from tests.support.tools import tools

ROOT = Path(__file__).parents[3]
NOBODY = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""


def told(environment: dict[str, str], *before: str) -> str:
    """What `python -m rehearsal.toolchain` says, which must be a failure in one clear sentence."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "rehearsal.toolchain"],
        cwd=ROOT,
        env={**os.environ, "HTTPS_PROXY": NOBODY, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


def test_without_go_and_network_it_says_what_to_install(tmp_path: Path) -> None:
    said = told({"XDG_CACHE_HOME": str(tmp_path), "PATH": str(tmp_path)})
    assert "no `go` on PATH: install Go 1.26 or newer" in said


def test_without_a_module_proxy_it_says_which_setting_names_one(tmp_path: Path) -> None:
    go = {"GOPROXY": NOBODY, "GOMODCACHE": str(tmp_path / "modules"), "GOFLAGS": "-modcacherw"}
    said = told({"XDG_CACHE_HOME": str(tmp_path), **go})
    assert "name one in GOPROXY" in said
    assert not list(cache_of(tmp_path).glob("[!.]*"))


def test_a_full_disk_is_said_with_what_is_needed(tmp_path: Path) -> None:
    small = f'mount -t tmpfs -o size=16k none {tmp_path} && exec "$@"'
    said = told({"XDG_CACHE_HOME": str(tmp_path)}, "unshare", "--mount", "sh", "-c", small, "sh")
    assert "The disk is full" in said
    assert "make room" in said


def cache_of(base: Path) -> Path:
    return base / "shambhala" / "toolchain"


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def always_built() -> list[Path]:
    """What is never downloaded, in the user's own cache; to be asked for before that is replaced."""
    return [tools().control_plane, *(tools().named(name).path.parent for name in ("pebble", "helm"))]


@pytest.fixture
def greeting(tmp_path: Path) -> Source:
    """The source of a program that is built in a second."""
    folder = tmp_path / "greeting"
    folder.mkdir()
    (folder / "go.mod").write_text("module greeting\n\ngo 1.21\n")
    (folder / "main.go").write_text('package main\n\nvar name string\n\nfunc main() { println("hello " + name) }\n')
    return Source(module=str(folder), version="1", programs=(Program("greet", variables=(("main.name", "you"),)),))


def silently(_line: str) -> None:
    """Progress that nobody reads."""


def test_what_was_built_runs_and_is_not_built_again(own_cache: Path, greeting: Source) -> None:
    program = building.build(greeting, silently) / "greet"
    assert subprocess.run([program], capture_output=True, text=True, check=True).stderr == "hello you\n"
    before = program.stat()
    assert building.build(greeting, silently) / "greet" == program
    assert program.stat() == before


def test_a_change_of_the_source_is_built_anew(own_cache: Path, greeting: Source) -> None:
    first = building.build(greeting, silently)
    (greeting.folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    assert building.build(greeting, silently) != first


def test_a_source_that_does_not_compile_shows_the_compilers_words(own_cache: Path, greeting: Source) -> None:
    (greeting.folder / "main.go").write_text("package main\n\nfunc main() { missing() }\n")
    with pytest.raises(Exception, match="undefined: missing"):
        building.build(greeting, silently)
    assert building.built(greeting) is None


def test_two_that_want_the_same_at_once_make_it_once(own_cache: Path) -> None:
    began, made = threading.Event(), 0

    def make(folder: Path) -> None:
        nonlocal made
        made += 1
        began.set()
        (folder / "file").write_text("whole")

    lines: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        entries = {future.result() for future in [pool.submit(cache.fill, "one", make, lines.append) for _ in range(4)]}
    assert made == 1
    assert [(entry / "file").read_text() for entry in entries] == ["whole"]


def test_one_that_is_killed_leaves_nothing_that_looks_finished(own_cache: Path) -> None:
    script = (
        "import os, sys, time\nfrom rehearsal.toolchain import cache\n"
        "def make(folder):\n (folder / 'file').write_text('half'); print('begun', flush=True); time.sleep(60)\n"
        "cache.fill('one', make, print)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        child.send_signal(signal.SIGKILL)
    assert not cache.entry("one").exists()

    entry = cache.fill("one", lambda folder: (folder / "other").touch(), silently)
    assert [file.name for file in entry.iterdir()] == ["other"]


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """The publishers answer, on loopback."""
    with publisher() as address:
        monkeypatch.setattr(downloading, "_PULUMI", address)
        monkeypatch.setattr(downloading, "_GITHUB", address)
        yield


@contextmanager
def publisher() -> Generator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def an_engine(folder: Path, version: str) -> Path:
    """A program that says that it is an engine, and installs plugins as one."""
    folder.mkdir(exist_ok=True)
    program = folder / "pulumi"
    program.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = version ]; then echo v{version}; exit; fi\n'
        "shift 3\n"
        'if [ "$1" = command ]; then echo "error: there is none" >&2; exit 255; fi\n'
        'folder=$PULUMI_HOME/plugins/resource-$1-v$2; mkdir -p "$folder"; touch "$folder/pulumi-resource-$1"\n'
    )
    program.chmod(0o755)
    return program


def test_an_engine_on_the_path_is_taken_unless_it_is_older_than_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = an_engine(tmp_path / "bin", "3.999.0")
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    found = provide(Console(file=io.StringIO())).pulumi
    assert (found.path, found.version, found.origin) == (program, "3.999.0", "already there")

    an_engine(tmp_path / "bin", "3.100.0")
    assert provide(Console(file=io.StringIO())).pulumi.path != program


def test_plugins_are_downloaded_once_and_the_rest_stands_in(
    always_built: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path, offered: None
) -> None:
    # What is built already would not be downloaded: no plugin may be.
    engine = an_engine(tmp_path / "bin", "3.999.0")
    built = cache.home()
    built.mkdir(parents=True)
    for known in always_built:
        (built / known.name).symlink_to(known)
    monkeypatch.setenv("PATH", str(engine.parent), prepend=os.pathsep)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "empty"))
    screen = io.StringIO()
    first = {tool.name: (tool.origin, tool.stand_in) for tool in provide(Console(file=screen, width=200)).plugins}
    assert first == {
        "kubernetes plugin": ("official download", False),
        "scaleway plugin": ("official download", False),
        "command plugin": ("this project, in Python", True),
        "rancher2 plugin": ("official download", False),
    }
    assert "command plugin: the download failed: error: there is none" in screen.getvalue()
    again = {tool.name: tool.origin for tool in provide(Console(file=io.StringIO())).plugins}
    assert again["scaleway plugin"] == "already there: official download"


def test_what_was_laid_out_for_a_rehearsal_is_no_origin_of_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After eval "$(make -s cloud)" it is the first on PATH, and the PULUMI_HOME."""
    before = tools()
    lay_out(before, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    after = provide(Console(file=io.StringIO()))
    assert [(tool.name, tool.path, tool.stand_in) for tool in after.all] == [
        (tool.name, tool.path, tool.stand_in) for tool in before.all
    ]


def test_an_engine_with_a_language_host_keeps_it_and_one_without_gets_ours(tmp_path: Path) -> None:
    engine = an_engine(tmp_path / "bin", "3.999.0")
    ours, official = tmp_path / "ours", tmp_path / "official"
    lay_out(with_engine(engine), ours)
    assert "rehearsal/plugins/language" in (ours / "bin" / LANGUAGE_HOST).read_text()
    # The engine looks beside its own file, once links are resolved.
    assert not (ours / "bin" / "pulumi").is_symlink()

    engine.with_name(LANGUAGE_HOST).touch()
    lay_out(with_engine(engine), official)
    assert (official / "bin" / "pulumi").resolve() == engine
    assert not (official / "bin" / LANGUAGE_HOST).exists()


def with_engine(engine: Path) -> Tools:
    """The tools of this machine, with another engine."""
    tool = Tool("pulumi", "3.999.0", "already there", engine, 0)
    others = [each for each in tools().all if each.name not in (tool.name, HOST)]
    return Tools((tool, providing.language_host(tool), *others))


def test_every_part_has_one_place_for_its_version() -> None:
    required = (ENGINE.folder / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{ENGINE.version}" in required
    pinned = (ROOT / "requirements.txt").read_text()
    for plugin in PLUGINS:
        assert f"{plugin.package}=={plugin.version}" in pinned
