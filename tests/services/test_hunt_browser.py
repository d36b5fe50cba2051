"""The hunt's pages in a real browser: what everybody can read and use, with and without JavaScript, large and small."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import axe_core_python
import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from game_app.services.hunt.codes import operators_code, team_code, word
from tests.services.hunts import KEY, Running, StandIn
from tests.services.test_hunt_service import DONE
from tests.support.browser import browser as chromium
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(600)

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
DESK, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def hunt(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    stand_in = StandIn()
    running = Running(tmp_path_factory.mktemp("hunt"), stand_in)
    try:
        running.start()
        running.begin()
        for does in DONE.values():
            does(stand_in.boards["blue"])
        stand_in.boards["blue"].files["a1", "REGISTER.md"] = "We are blue and we take the road."
        # Amber is at its second step.
        DONE["git"](stand_in.boards["amber"])
        until(lambda: running.metrics()['hunt_current_step{team="amber"}'] == 2)
        yield running
    finally:
        running.stop()
        stand_in.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        driver.set_page_load_timeout(60)
        yield driver


def visit(browser: webdriver.Chrome, hunt: Running, code: str = "", size: tuple[int, int] = DESK) -> None:
    """Open the page on a screen of a size, in pixels, as whoever has a code."""
    width, height = size
    # A window has a least width; a device's is what is asked for.
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)  # pyright: ignore[reportUnknownMemberType]
    browser.get(f"http://127.0.0.1:{hunt.port}/")
    browser.delete_all_cookies()
    browser.get(f"http://127.0.0.1:{hunt.port}/")
    if code:
        browser.find_element(By.ID, "code").send_keys(code, Keys.ENTER)
        shows(browser, ".account", "Log out")


def shows(browser: webdriver.Chrome, place: str, text: str) -> None:
    """Wait until a place on the page has a text: a form leads to a new page, which takes a moment."""

    def there() -> bool:
        try:
            return text in browser.find_element(By.CSS_SELECTOR, place).text
        except (NoSuchElementException, StaleElementReferenceException):
            return False

    until(there)


def run(browser: webdriver.Chrome, script: str) -> Any:
    return browser.execute_script(script)  # pyright: ignore[reportUnknownMemberType]


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What axe finds wrong with the page, by the rules of WCAG 2.2 and its own best practices."""
    run(browser, AXE)
    asked = "const done = arguments[arguments.length - 1]; axe.run(document).then(done, each => done(String(each)));"
    found = browser.execute_async_script(asked)  # pyright: ignore[reportUnknownMemberType]
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


def fits(browser: webdriver.Chrome) -> bool:
    """Whether nobody has to scroll sideways."""
    return bool(run(browser, "return document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("who", ["stranger", "amber", "blue", "crimson", "operators"])
def test_everybody_can_read_and_use_every_page(
    hunt: Running, browser: webdriver.Chrome, who: str, size: tuple[int, int]
) -> None:
    code = {"stranger": "", "operators": operators_code(KEY)}.get(who, team_code(KEY, who))
    visit(browser, hunt, code, size)
    if who == "amber":
        if browser.find_elements(By.CSS_SELECTOR, "form[action='/hint']"):
            browser.find_element(By.CSS_SELECTOR, "form[action='/hint'] button").click()
        shows(browser, ".hint h2", "A hint")
        browser.find_element(By.CSS_SELECTOR, "form[action='/check'] button").click()
        shows(browser, "[role=status]", "There is no Dockerfile on the main branch yet.")
    assert complaints(browser) == []
    assert fits(browser)
    assert run(browser, "return document.documentElement.lang") == "en"
    assert run(browser, "return document.scripts.length") == 0


def test_a_wrong_code_is_said_where_a_screen_reader_looks(hunt: Running, browser: webdriver.Chrome) -> None:
    visit(browser, hunt)
    browser.find_element(By.ID, "code").send_keys("abcd", Keys.ENTER)
    shows(browser, ".complaint", "That code opens nothing")
    field = browser.find_element(By.CSS_SELECTOR, "#code[aria-invalid]")
    described = browser.find_element(By.ID, str(field.get_attribute("aria-describedby")))  # pyright: ignore[reportUnknownMemberType]
    assert "That code opens nothing" in described.text
    assert browser.title.startswith("Wrong code")
    assert complaints(browser) == []


def test_a_team_plays_with_the_keyboard_alone(hunt: Running, browser: webdriver.Chrome) -> None:
    until(lambda: hunt.metrics()['hunt_current_step{team="blue"}'] == 5)
    visit(browser, hunt, team_code(KEY, "blue"))
    passed = [each.text for each in browser.find_elements(By.CSS_SELECTOR, ".trail li.passed strong")]
    assert passed == ["The register at the gate", "The crate", "The camp", "The ford"]
    assert browser.find_element(By.CSS_SELECTOR, "[aria-current=step]").text.endswith("you are here")
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    for _ in range(20):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.get_attribute("id") == "answer":  # pyright: ignore[reportUnknownMemberType]
            break
    browser.switch_to.active_element.send_keys(word(KEY, "blue", "logs"), Keys.ENTER)
    shows(browser, "h1", "You have arrived")
    assert complaints(browser) == []


def test_without_javascript_a_team_reads_and_asks_as_well(hunt: Running, browser: webdriver.Chrome) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})  # pyright: ignore[reportUnknownMemberType]
    try:
        visit(browser, hunt, team_code(KEY, "crimson"))
        assert browser.find_element(By.TAG_NAME, "h1").text == "The register at the gate"
        browser.find_element(By.CSS_SELECTOR, "form[action='/check'] button").click()
        said = "There is no pull request to game/team-crimson from a branch register yet."
        shows(browser, "[role=status]", said)
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})  # pyright: ignore[reportUnknownMemberType]
