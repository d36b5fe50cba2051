"""A headless Chromium for the tests that look at pages."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from selenium import webdriver

_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@contextmanager
def browser(folder: Path, *flags: str) -> Generator[webdriver.Chrome]:
    """A browser that keeps what it writes in a folder. flags: its own, beside those of every test."""
    options = webdriver.ChromeOptions()
    for flag in (*_FLAGS, *flags, f"--user-data-dir={folder}"):
        options.add_argument(flag)  # pyright: ignore[reportUnknownMemberType]
    options.binary_location = shutil.which("chromium") or "chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})  # pyright: ignore[reportUnknownMemberType]
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver") or "chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()
