"""Debian's Chromium without a window, driven by the WebDriver protocol with nothing but Python."""

import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # of the W3C's WebDriver
_TIMEOUT = 60  # seconds, for one command
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip
_KEYS = {
    "Escape": "\ue00c", "Enter": "\ue007", "ArrowDown": "\ue015", "ArrowRight": "\ue014",
    "Home": "\ue011",
}  # fmt: skip


class Browser:
    """One browser; its profile is new and is thrown away."""

    def __init__(self) -> None:
        programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
        for name, path in programs.items():
            if path is None:
                raise RuntimeError(f"there is no {name}: tools/setup test installs it")
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._driver = subprocess.Popen(
            [str(programs["chromedriver"]), "--port=0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._session = ""
        try:
            self._url = f"http://127.0.0.1:{self._port()}"
            options = {
                "binary": programs["chromium"],
                "args": [*_ARGUMENTS, f"--user-data-dir={self._profile.name}"],
            }
            wanted = {
                "browserName": "chrome", "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }  # fmt: skip
            made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _port(self) -> int:
        assert self._driver.stdout is not None
        for line in self._driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                return int(found[1])
        raise RuntimeError("chromedriver ended without naming its port")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Ends browser and driver, which are this object's own."""
        try:
            if self._session:
                self._call("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(_TIMEOUT)
            if self._driver.stdout is not None:
                self._driver.stdout.close()
            self._profile.cleanup()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self._url + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            told = json.load(error)["value"]
            raise RuntimeError(f"{path}: {told['error']}: {told['message']}") from None

    def post(self, path: str, **body: Any) -> Any:
        return self._call("POST", self._session + path, body)

    def open(self, url: str) -> None:
        self.post("/url", url=url)

    def reload(self) -> None:
        self.post("/refresh")

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that a function's body returns."""
        return self.post("/execute/sync", script=script, args=list(arguments))

    def find(self, selector: str) -> str:
        return str(self.post("/element", using="css selector", value=selector)[_ELEMENT])

    def click(self, selector: str) -> None:
        """As a person does: it must be visible and nothing may lie over it."""
        self.post(f"/element/{self.find(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        element = self.find(selector)
        self.post(f"/element/{element}/clear")
        self.post(f"/element/{element}/value", text=text)

    def press(self, *keys: str) -> None:
        """Keys by their names, to what has the focus."""
        actions = [
            {"type": kind, "value": _KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        self.post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def hover(self, selector: str) -> None:
        """The pointer goes to an element's middle."""
        move = {
            "type": "pointerMove", "x": 0, "y": 0, "origin": {_ELEMENT: self.find(selector)},
        }  # fmt: skip
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self.post("/actions", actions=[{**pointer, "actions": [move]}])

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self.post("/goog/cdp/execute", cmd=command, params=parameters)

    def size(self, width: int, height: int, phone: bool = False) -> None:
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        self.devtools("Emulation.setTouchEmulationEnabled", enabled=phone)

    def prefer(self, scheme: str) -> None:
        """What the person's system asks pages for: light or dark; and to move nothing."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = self._call("GET", self._session + "/screenshot")
        path.write_bytes(base64.b64decode(picture))

    def console(self) -> list[str]:
        """Errors and warnings since the last call."""
        entries = self.post("/se/log", type="browser")
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """The address of each request since the last call."""
        messages = (
            json.loads(entry["message"])["message"]
            for entry in self.post("/se/log", type="performance")
        )
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
