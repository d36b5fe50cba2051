"""The dashboards as pictures: drawn in headless Chromium by Grafana's own panel library.

This is not Grafana. Its server cannot be had as a package; the library that draws its panels can, and `viewer/` is the
page around it. What the page asks goes to Prometheus, as Grafana's proxy would pass it on, and to a stand-in for Loki.
"""

from __future__ import annotations

import hashlib
import http.server
import mimetypes
import shutil
import subprocess
import threading
import urllib.parse
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

from rehearsal.toolchain import cache
from tests.observability.servers import RefusedError, Server
from tests.support.waiting import LONGEST_WAIT

WIDTH: Final = 1280
"""Pixels of the page: the narrowest that operators are promised to be able to read."""
_SOURCES: Final = Path(__file__).parent / "viewer"
_FILES: Final = ("package.json", "package-lock.json", "index.html", "page.tsx", "panels.tsx", "queries.ts", "logql.mjs")
FLAGS: Final = ("--hide-scrollbars", "--no-proxy-server")
"""Of the browser that looks."""
"""Seconds in which a page must be drawn."""
_LOOKS: Final = 5


def page() -> Path:
    """Folder of the viewer's page, made from its sources and the pinned packages, once for all checkouts."""
    written = b"".join((_SOURCES / name).read_bytes() for name in _FILES)
    key = hashlib.sha256(written).hexdigest()[:12]
    return cache.fill(f"dashboard-viewer-{key}", _make, Console(stderr=True).print)


def _make(folder: Path) -> None:
    work = folder / "work"
    work.mkdir()
    for name in _FILES:
        shutil.copy(_SOURCES / name, work)
    # Scripts of packages are not run: none of these needs one.
    for command in (
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        ["npm", "run", "--silent", "build", "--", f"--outfile={folder / 'page.js'}"],
        ["npm", "run", "--silent", "build:logql", "--", f"--outfile={folder / 'logql.js'}"],
    ):
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    shutil.copy(work / "index.html", folder)
    packages = work / "node_modules"
    icons = packages / "@grafana" / "ui" / "dist" / "public" / "img" / "icons"
    shutil.copytree(icons, folder / "public" / "build" / "img" / "icons")
    # Grafana's font, under the names that its library asks for: one file has all weights.
    fonts = folder / "public" / "fonts" / "inter"
    fonts.mkdir(parents=True)
    for weight in ("Regular", "Medium"):
        font = packages / "@fontsource-variable" / "inter" / "files" / "inter-latin-wght-normal.woff2"
        shutil.copy(font, fonts / f"Inter-{weight}.woff2")
    shutil.rmtree(work)


class Readable(Protocol):
    """Something that answers a GET of a path with its parameters. Raises RefusedError."""

    def read(self, path: str) -> bytes: ...


@dataclass(frozen=True)
class Look:
    """What a dashboard looked like."""

    panels: Mapping[str, str]
    """Title of each panel to "drawn", "empty", or what went wrong."""
    cut: tuple[str, ...]
    """Texts and tables for which there was no room."""
    wider: int
    """Pixels by which the page is wider than the window."""
    said: tuple[str, ...]
    """Errors that the browser wrote down."""
    picture: bytes
    """The whole page, as a PNG."""


def look(driver: webdriver.Chrome, url: str, file: str, chosen: Mapping[str, str], now: float) -> Look:
    """Open a dashboard, wait until it is drawn, and take its picture.

    chosen: what a reader chose, by the variables' names. now: the newest moment that is shown, in seconds.

    Chromium drops every request that is under way when an address of the machine comes or goes, as a rehearsal beside
    this test makes them: a page that met that is opened again.
    """
    seen = _look(driver, url, file, chosen, now)
    for _ in range(_LOOKS - 1):
        if not any("ERR_NETWORK_CHANGED" in message for message in seen.said):
            break
        seen = _look(driver, url, file, chosen, now)
    return seen


def _look(driver: webdriver.Chrome, url: str, file: str, chosen: Mapping[str, str], now: float) -> Look:
    window: Any = driver  # Selenium leaves the types of what it hands on open.
    window.get_log("browser")
    window.set_window_size(WIDTH, 900)
    asked = {"file": file, "now": str(int(now * 1000)), **{f"var-{name}": value for name, value in chosen.items()}}
    window.get(f"{url}/?{urllib.parse.urlencode(asked)}")
    WebDriverWait(driver, LONGEST_WAIT).until(lambda _: window.execute_script("return window.drawn !== undefined"))
    height = window.execute_script("return document.getElementById('dashboard').offsetHeight")
    window.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    return Look(
        panels=window.execute_script("return window.drawn"),
        cut=tuple(window.execute_script(_CUT)),
        wider=window.execute_script("return document.documentElement.scrollWidth - innerWidth"),
        said=tuple(entry["message"] for entry in window.get_log("browser") if entry["level"] == "SEVERE"),
        picture=window.get_screenshot_as_png(),
    )


_CUT: Final = """
const wider = (each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline';
const texts = [...document.querySelectorAll('[data-panel] *')]
    .filter((each) => each.childElementCount === 0 && each.textContent.trim() && each.tagName !== 'STYLE');
const tables = [...document.querySelectorAll('[data-panel] [role=grid]')];
return [...texts, ...tables].filter(wider).map((each) => each.textContent.trim());
"""


@contextmanager
def serving(folder: Path, files: Mapping[str, str], prometheus: Server, logs: Readable) -> Generator[str]:
    """Serve the page on loopback, with dashboards, Prometheus and what stands in for Loki behind it; gives its address.

    files: file of each dashboard to its text.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            first, _, rest = path.lstrip("/").partition("/")
            try:
                if first in ("prometheus", "loki"):
                    source = prometheus if first == "prometheus" else logs
                    prefix = "" if first == "prometheus" else "/loki"
                    self._say(200, source.read(f"{prefix}/{rest}?{query}"), "application/json")
                elif first == "dashboards":
                    self._say(200, files[rest].encode(), "application/json")
                else:
                    file = folder / (path.lstrip("/") or "index.html")
                    self._say(200, file.read_bytes(), mimetypes.guess_type(file)[0] or "text/plain")
            except RefusedError as error:
                self._say(400, str(error).encode(), "text/plain")
            except (KeyError, OSError):
                self._say(404, b"", "text/plain")

        def _say(self, code: int, content: bytes, kind: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
