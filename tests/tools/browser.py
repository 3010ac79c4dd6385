# mypy: allow-untyped-calls
"""Debian's Chromium without a window, driven by Selenium; a few words that its tests often say."""

import json
import shutil
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.chrome.service import Service

_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip


def _options() -> webdriver.ChromeOptions:
    options = webdriver.ChromeOptions()
    options.binary_location = _installed("chromium")
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return options


def _installed(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise RuntimeError(f"there is no {name}: tools/setup test installs it")
    return path


class Browser:
    """One browser; its profile is new and is thrown away."""

    def __init__(self) -> None:
        self._driver = webdriver.Chrome(service=Service(_installed("chromedriver")), options=_options())
        self._driver.set_page_load_timeout(60)

    def close(self) -> None:
        self._driver.quit()

    def open(self, url: str) -> None:
        self._driver.get(url)

    def reload(self) -> None:
        self._driver.refresh()

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that a function's body returns."""
        return self._driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        """As a person does: it must be visible and nothing may lie over it."""
        self.find(selector).click()

    def type(self, selector: str, text: str) -> None:
        element = self.find(selector)
        element.clear()
        element.send_keys(text)

    def press(self, *keys: str) -> None:
        """Keys by their names, to what has the focus."""
        names = {"Escape": Keys.ESCAPE, "Enter": Keys.ENTER, "ArrowDown": Keys.ARROW_DOWN,
                 "ArrowRight": Keys.ARROW_RIGHT, "Home": Keys.HOME}  # fmt: skip
        actions = webdriver.ActionChains(self._driver)
        for key in keys:
            actions.send_keys(names.get(key, key))
        actions.perform()

    def hover(self, selector: str) -> None:
        """The pointer goes to an element's middle."""
        webdriver.ActionChains(self._driver).move_to_element(self.find(selector)).perform()

    def size(self, width: int, height: int, phone: bool = False) -> None:
        self._driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone},
        )
        self._driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})

    def prefer(self, scheme: str) -> None:
        """What the person's system asks pages for: light or dark; and to move nothing."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._driver.save_screenshot(str(path))

    def console(self) -> list[str]:
        """Errors and warnings since the last call."""
        entries = self._driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """The address of each request since the last call."""
        messages = (
            json.loads(entry["message"])["message"]
            for entry in self._driver.get_log("performance")
        )
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
