"""
Firefox and WebKit by WebDriver's commands, without a package of its own.

Firefox takes them over the socket of Marionette, to which geckodriver, that Debian does
not have, would translate; WebKit's driver takes them over HTTP. What the console says
is written by Firefox to its standard output. WebKit has no such way: a recorder is put
into each page as soon as it exists.
"""

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from tests.standin import free_port
from tests.waiting import PATIENCE_S, wait_for

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the standard gives
MINI_BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"
PREFERENCES = {
    "devtools.console.stdout.content": True,
    "intl.accept_languages": "en-GB",
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "services.settings.server": "data:,",  # nothing is asked of its maker
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
# Errors of the page itself; the browser has others of its own.
FROM_PAGE = re.compile(
    r"^(console\.(error|warn)|JavaScript (error|warning)):.*http:", re.M
)
RECORDER = """
if (!window.__said) {
  window.__said = [];
  for (const name of ["error", "warn"]) {
    const own = console[name];
    console[name] = (...words) => { __said.push(words.join(" ")); own(...words); };
  }
  const listen = (name, words) =>
    addEventListener(name, (event) => __said.push(`${name}: ${words(event)}`), true);
  listen("error", ({ message, target }) => message || target.src || target.href);
  listen("unhandledrejection", ({ reason }) => reason);
  listen("securitypolicyviolation", ({ blockedURI }) => blockedURI);
}
return document.readyState;
"""

BOX = """
const found = document.querySelector(arguments[0]);
const { x, y, width, height } = found.getBoundingClientRect();
return [x, y, width, height];
"""

# Why an element may not be pressed yet: it was replaced, moves, or is covered.
PASSING = {
    *("no such element", "stale element reference"),
    *("element click intercepted", "element not interactable"),
}
Send = Callable[[str, str, str, dict], Any]


class Refused(Exception):
    """What a browser did not do: the standard's name of the error, and its words."""


class Window:
    """
    A window of a browser.

    Attributes:
        send: Sends a command: its name in Marionette, its method and path in HTTP, and
            its parameters.
        said: What its console said of the page, apart from what the page records.
    """

    def __init__(self, send: Send, said: Callable[[], str], base: str) -> None:
        self.send, self.said, self.base = send, said, base

    def goto(self, path: str) -> None:
        self.run("window.__left = true")
        self.send("Navigate", "POST", "/url", {"url": self.base + path})
        loaded = "return !window.__left && document.readyState == 'complete'"

        def is_there() -> bool:
            with suppress(Refused):  # a page that is left takes its scripts with it
                return self.run(loaded)
            return False

        wait_for(is_there, what="the page")

    def run(self, script: str, *args: object) -> Any:
        """The value that a script returns; it sees *args* as ``arguments``."""
        body = {"script": RECORDER, "args": []}
        self.send("ExecuteScript", "POST", "/execute/sync", body)
        body = {"script": script, "args": list(args)}
        return self.send("ExecuteScript", "POST", "/execute/sync", body)

    def until(self, expression: str, what: str) -> None:
        wait_for(lambda: self.run(f"return Boolean({expression})"), what=what)

    def find(self, selector: str) -> None:
        """Wait until the first such element is seen."""
        seen = f"document.querySelector({json.dumps(selector)})?.checkVisibility()"
        self.until(seen, f"{selector} is seen")

    def press(self, selector: str) -> None:
        where = {"using": "css selector", "value": selector}

        def is_pressed() -> bool:
            self.find(selector)
            try:
                id_ = self.send("FindElement", "POST", "/element", where)[ELEMENT]
                path = f"/element/{id_}/click"
                self.send("ElementClick", "POST", path, {"id": id_})
            except Refused as refused:
                if refused.args[0] not in PASSING:
                    raise
                return False
            return True

        wait_for(is_pressed, what=f"{selector} is pressed")

    def write(self, selector: str, text: str) -> None:
        """Type into a field, key by key."""
        self.press(selector)
        self.keys(text)

    def keys(self, text: str) -> None:
        steps = [
            {"type": kind, "value": c} for c in text for kind in ("keyDown", "keyUp")
        ]
        self.act({"type": "key", "id": "keys", "actions": steps})

    def drag(self, selector: str, *points: tuple[float, float]) -> None:
        """Draw with the mouse; the points in shares of the element's sides."""
        x, y, wide, high = self.run(BOX, selector)
        places = [(round(x + a * wide), round(y + b * high)) for a, b in points]
        move = {"type": "pointerMove", "duration": 50}
        moves = [{**move, "x": x, "y": y} for x, y in places]
        down, up = ({"type": f"pointer{each}", "button": 0} for each in ("Down", "Up"))
        mouse = {"type": "pointer", "parameters": {"pointerType": "mouse"}}
        steps = [moves[0], down, *moves[1:], up]
        self.act({**mouse, "id": "mouse", "actions": steps})

    def act(self, source: dict) -> None:
        self.send("PerformActions", "POST", "/actions", {"actions": [source]})

    def troubles(self) -> list[str]:
        """What went wrong on the page that is shown, and all that the console has."""
        found = self.run("return window.__said || []")
        return [*found, *(match[0] for match in FROM_PAGE.finditer(self.said()))]


@contextmanager
def started(command: list[str], output: Path, **env: str) -> Iterator[None]:
    with output.open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **env}
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def number_in(output: Path) -> str | None:
    """The first whole line that is a number."""
    lines = output.read_text().splitlines(keepends=True)
    return next((each.strip() for each in lines if each.rstrip("\n").isdigit()), None)


@contextmanager
def firefox(folder: Path, base: str) -> Iterator[Window]:
    """A window of Firefox, with a profile of its own."""
    port, output, profile = free_port(), folder / "firefox.log", folder / "profile"
    profile.mkdir()
    wanted = {**PREFERENCES, "marionette.port": port}
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in wanted.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = ["firefox-esr", "--headless", "--marionette", "--no-remote"]
    command += ["--width", "1280", "--height", "800", "--profile", str(profile)]
    with started(command, output, HOME=str(folder)), connected(port) as link:
        stream, number = link.makefile("rb"), 0

        def read() -> Any:
            size = b""
            while not size.endswith(b":"):
                size += stream.read(1)
            return json.loads(stream.read(int(size[:-1])))

        def send(name: str, method: str, path: str, body: dict) -> Any:
            nonlocal number
            number += 1
            text = json.dumps([0, number, f"WebDriver:{name}", body]).encode()
            link.sendall(b"%d:%s" % (len(text), text))
            _, _, error, result = read()
            if error:
                raise Refused(error["error"], f"{name}: {error['message']}")
            return result.get("value", result) if isinstance(result, dict) else result

        read()  # its greeting
        send("NewSession", "", "", {"capabilities": {}})
        yield Window(send, lambda: output.read_text(errors="replace"), base)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    def connect() -> socket.socket | None:
        with suppress(OSError):
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        return None

    with wait_for(connect, what="the browser listens") as link:
        yield link


@contextmanager
def webkit(folder: Path, base: str) -> Iterator[Window]:
    """A window of WebKitGTK, on a screen that nobody sees."""
    port = free_port()
    with ExitStack() as stack:
        screen = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24"]
        screen += ["-nolisten", "tcp"]
        stack.enter_context(started(screen, folder / "screen"))
        # Its number, beside warnings if there is another screen.
        wait_for(lambda: number_in(folder / "screen"), what="a screen")
        display = f":{number_in(folder / 'screen')}"
        env = {"DISPLAY": display, "GDK_BACKEND": "x11", "HOME": str(folder)}
        env |= {"LIBGL_ALWAYS_SOFTWARE": "1", "LANGUAGE": "en"}
        env["XDG_RUNTIME_DIR"] = str(folder)
        driver = ["WebKitWebDriver", f"--port={port}"]
        stack.enter_context(started(driver, folder / "webkit.log", **env))
        with connected(port):
            pass
        root = f"http://127.0.0.1:{port}/session"
        http = stack.enter_context(requests.Session())
        options = {"binary": MINI_BROWSER, "args": ["--automation"]}
        wanted = {
            "alwaysMatch": {
                "webkitgtk:browserOptions": options,
                "pageLoadStrategy": "none",
            }
        }

        def send(name: str, method: str, path: str, body: dict) -> Any:
            answer = http.request(
                method, root + path, json=body, timeout=PATIENCE_S
            ).json()
            value = answer["value"]
            if isinstance(value, dict) and "error" in value:
                raise Refused(value["error"], f"{name}: {value}")
            return value

        session = send("NewSession", "POST", "", {"capabilities": wanted})["sessionId"]
        root += f"/{session}"
        try:
            yield Window(send, str, base)
        finally:
            http.delete(root, timeout=PATIENCE_S)


ENGINES = {"firefox": firefox, "webkit": webkit}
