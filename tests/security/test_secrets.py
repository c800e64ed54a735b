"""A server with known secrets is used, abused and broken: it tells none of them."""

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jimeng.config import Config
from jimeng.errors import ConfigError
from jimeng.providers import Registry
from tests.each import for_each
from tests.rest import NOWHERE
from tests.system import people
from tests.system.commands import flask
from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

SETTINGS = {
    "VOLCENGINE_ACCESS_KEY": "AKSECRETaccess7Zq",
    "VOLCENGINE_SECRET_KEY": "SKSECRETsecret7Zq",
    "ARK_API_KEY": "ark-SECRET-key-7Zq",
    "SECRET_KEY": "Sessions7ZqKx93Vb5Tn1Lw8Yc4Ru6PmJd2Hf0",
    "ADMIN_PASSWORD": "SECRETpassword7Zq",
}
PASSWORD, WRONG, PROMPT = "SECRETperson7Zq", "SECRETwrong7Zq", "SECRETprompt7Zq"
IN_URLS = "SECRETinurl7Zq"
LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warning|error) |\[|    |Trace")
ESCAPES = "\x1b[2J\x1b]0;owned\x07"


@dataclass
class Used:
    """
    Attributes:
        secrets: Name -> what nobody may be told, of all that there is.
        seen: Where -> what was written there.
    """

    secrets: dict[str, str]
    seen: dict[str, str]

    def leaks(self) -> list[tuple[str, str]]:
        return [
            (where, name)
            for where, text in self.seen.items()
            for name, secret in self.secrets.items()
            if secret in text
        ]


def talk(port: int, request: str) -> str:
    """Send bytes as they are; what came back."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as link:
        link.sendall(request.encode("utf-8", "surrogateescape"))
        link.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(OSError):
            while piece := link.recv(65536):
                answer += piece
    return answer.decode(errors="replace")


def ask(port: int, method: str, path: str, *lines: str, body: str = "") -> str:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    if body:
        head += ["Content-Type: application/x-www-form-urlencoded"]
        head += [f"Content-Length: {len(body)}"]
    return talk(port, "\r\n".join([*head, *lines, "", body]))


def command_lines(stack: Stack) -> str:
    """What ``ps`` shows of all processes of the stack, to any user of the machine."""
    groups = {process.pid for process in stack.processes}
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(each.name)) in groups:
                found.append((each / "cmdline").read_text(errors="replace"))
                found.append((each / "comm").read_text(errors="replace"))
    assert len(found) >= 2 * len(groups)
    return "\n".join(found).replace("\0", " ")


@pytest.fixture(scope="module")
def used(servers, tmp_path_factory) -> Iterator[Used]:
    stack = Stack(
        tmp_path_factory.mktemp("secrets"),
        servers.mongodb_uri,
        servers.redis_url(12),
        database=servers.database("jimeng_secrets"),
        fresh=True,
        AUTH="on",
        ALLOW_OPEN_ACCESS="0",
        ADMIN_EMAIL="root@example.com",
        LOG_LEVEL="debug",
        **SETTINGS,
    )
    try:
        stack.env["ARK_BASE_URL"] = f"{stack.simulator_url}/api/v3"
        stack.start_consumer()
        stack.await_ready()
        yield use(stack)
    finally:
        stack.stop()


def use(stack: Stack) -> Used:
    port, seen = stack.port, {}
    seen["create-admin"] = flask(stack, "users", "create-admin")
    link = flask(stack, "users", "invite", "ada@example.com").split()[-1]
    path = urlsplit(link).path
    key = flask(stack, "users", "create-key", "root@example.com", "--scope", "admin")
    secrets = SETTINGS | {"password": PASSWORD, "wrong": WRONG, "prompt": PROMPT}
    secrets |= {"token": path.rpartition("/")[2], "key": key.strip()}

    ask(port, "GET", path)
    ask(port, "POST", path, "Sec-Fetch-Site: cross-site", body="password=x")
    session = people.post(stack, path, password=PASSWORD)
    secrets["session"] = session
    for form in (f"password={WRONG}", f"password={SETTINGS['ADMIN_PASSWORD']}"):
        body = f"email=root@example.com&{form}"
        seen[f"sign-in {len(seen)}"] = ask(port, "POST", "/sign-in", body=body)
    signed_in, bearer = f"Cookie: session={session}", f"Bearer {key.strip()}"
    form = f"prompt={PROMPT}&size=1:1&n=1"
    ask(port, "POST", "/tasks", signed_in, body=form)
    stack.spoil("submit", "drop_after")
    ask(port, "POST", "/tasks", signed_in, body=form)
    headers = {"Authorization": bearer}
    task = {"prompt": PROMPT, "size": "512x512"}
    made = stack.ask("POST", "/api/v1/ai/image/task", task, headers=headers)[1]
    await_end(stack, made["data"]["task_id"], headers)

    for where in ("/metrics", "/api/v1/queue", "/api/v1/models", "/openapi.json"):
        seen[where] = ask(port, "GET", where, f"Authorization: {bearer}")
    for where in ("/health", "/health/ready", "/nothing", "/docs", "/sign-in"):
        seen[where] = ask(port, "GET", where)
    for number, bad in enumerate(("Bearer x" + WRONG, f"Basic {WRONG}", WRONG)):
        line = f"Authorization: {bad}"
        seen[f"key {number}"] = ask(port, "GET", "/api/v1/models", line)
    admin = f"email=root@example.com&password={SETTINGS['ADMIN_PASSWORD']}"
    cookie = re.search(r"session=([^;]+)", ask(port, "POST", "/sign-in", body=admin))
    secrets["admin's session"] = cookie[1]
    for page in ("settings", "users", "audit", "queue", "failures"):
        seen[page] = ask(port, "GET", f"/admin/{page}", f"Cookie: session={cookie[1]}")
        assert " 200 OK" in seen[page].splitlines()[0]
    inject(port)
    seen["processes"] = command_lines(stack)
    seen["web"], seen["consumer"] = stack.log("web"), stack.log("consumer0")
    return Used(secrets, seen)


def await_end(stack: Stack, task_id: str, headers: dict) -> None:
    path, going = f"/api/v1/ai/image/result/{task_id}", {"pending", "processing"}

    def ended() -> bool:
        return stack.ask("GET", path, headers=headers)[1]["data"]["status"] not in going

    wait_for(ended, what="the task has ended")


def inject(port: int) -> None:
    """Try to write lines, colours and titles of one's own into the log."""
    forged = "2026-01-01T00:00:00.000Z error jimeng forged"
    ask(port, "GET", f"/x%0d%0a{forged.replace(' ', '%20')}")
    ask(port, "GET", "/x%1b%5b2J%1b%5d0;owned%07%e2%80%a8forged%c2%85forged")
    ask(port, "GET", "/", f"X-Request-ID: a\tb{ESCAPES}", f"User-Agent: {ESCAPES}")
    ask(port, "GET", "/", f"Accept-Language: {ESCAPES}", f"Referer: {ESCAPES}")
    ask(port, "POST", "/sign-out", f"Sec-Fetch-Site: {ESCAPES}{forged}")
    ask(port, "POST", "/sign-out", "Sec-Fetch-Site: x\x85forged\u2028forged")
    talk(port, f"GET / HTTP/1.1\r\nHost: {ESCAPES}{forged}\r\n\r\n")
    talk(port, f"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\n{forged}\r\n\r\n")
    talk(port, f"{ESCAPES} / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    talk(port, f"GET /{ESCAPES} HTTP/1.1\r\nHost: localhost\r\n\r\n")
    ask(port, "GET", "/api/v1/tasks/x", f"Authorization: Bearer {ESCAPES}")
    ask(port, "POST", "/sign-in", body="email=%1b%5b2J%0aforged&password=%0aforged")


@pytest.mark.system
def test_nothing_tells_a_secret(used):
    """Not the logs at their most talkative, not a page, a figure, or ``ps``."""
    assert "signed in user=" in used.seen["web"]
    assert "task queued" in used.seen["web"] or "task created" in used.seen["web"]
    assert "jimeng_queue_pictures" in used.seen["/metrics"]
    assert "VOLCENGINE_SECRET_KEY" in used.seen["settings"]
    assert used.leaks() == []


@pytest.mark.system
def test_log_has_no_line_that_is_not_its_own(used):
    """Line ends, colours and titles in requests stay inside one line, as letters."""
    assert r"\x1b[2J" in used.seen["web"] and "forged" in used.seen["web"]
    for name in ("web", "consumer"):
        text = used.seen[name]
        strange = [line for line in text.splitlines() if not LINE.match(line)]
        odd = {c for c in text if not c.isprintable() and c != "\n"}

        assert [line for line in strange if "forged" in line] == []
        assert odd == set()


@pytest.mark.system
def test_server_without_databases_tells_no_password(tmp_path_factory):
    """What is said of a connection that fails is not where it was to lead."""
    stack = Stack(
        tmp_path_factory.mktemp("broken"),
        f"mongodb://jimeng:{IN_URLS}@{NOWHERE}/",
        f"redis://:{IN_URLS}@{NOWHERE}/0",
        database="jimeng_broken",
        fresh=True,
        LOG_LEVEL="debug",
    )
    try:
        stack.start_consumer()
        stack.await_up()
        paths = ("/", "/health/ready", "/metrics", "/api/v1/queue", "/tasks/x")
        with ThreadPoolExecutor() as pool:  # each waits until MongoDB is given up
            answers = list(pool.map(partial(ask, stack.port, "GET"), paths))
        told = "\n".join([*answers, command_lines(stack)])
        told += stack.log("web") + stack.log("consumer0")
    finally:
        stack.stop()

    assert "503" in answers[0] and "outage began what=mongodb" in told
    assert IN_URLS not in told


@for_each(
    "name, value",
    [
        ("MONGODB_URI", f"mongodb://u:{IN_URLS}@x@host/"),
        ("MONGODB_URI", f"mongo://u:{IN_URLS}@host/"),
        ("REDIS_URL", f"http://:{IN_URLS}@host/0"),
        ("REDIS_ADDR", f":{IN_URLS}@host:6379"),
        ("REDIS_ADDR", f"redis://:{IN_URLS}@host:6379"),
        ("MONGODB_DATABASE", f"mongodb://u:{IN_URLS}@host/"),
        ("SECRET_KEY", IN_URLS),
        ("PUBLIC_URL", f"u:{IN_URLS}@host"),
        ("ARK_BASE_URL", f"u:{IN_URLS}@host"),
        ("VOLCENGINE_SECRET_KEY", f"your-{IN_URLS}"),
        ("AUTH", IN_URLS),
        ("VOLCENGINE_ACCESS_KEY", IN_URLS),
    ],
)
def test_setting_that_is_wrong_is_not_quoted(name, value):
    """The message names it; the log of a failed start is read by many."""
    with pytest.raises(ConfigError) as raised:
        Config.from_env({name: value})

    assert IN_URLS not in str(raised.value)


def test_key_pasted_into_the_settings_file_is_not_quoted(tmp_path):
    """A line without a name is told of without its words."""
    file = tmp_path / ".env"
    file.write_text(f"LOG_LEVEL=info\n{IN_URLS}\n")

    with pytest.raises(ConfigError) as raised:
        Config.load(str(file))

    assert IN_URLS not in str(raised.value)


def test_settings_show_no_secret():
    """Whoever prints them prints no key; every secret among them is marked as one."""
    secret = re.compile(r"KEY$|SECRET|PASSWORD|TOKEN|_URI$|REDIS_URL")
    names = [each.name for each in fields(Config) if secret.search(each.name)]
    values = {name: f"SECRET{number}7Zq" for number, name in enumerate(names)}
    config = Config(**values)

    registry = Registry.from_config(config)
    shown = [str(config), f"{config}", str(vars(registry))]
    shown += [repr(config), repr(registry)]

    assert len(names) >= 9
    assert not [text for text in shown if "7Zq" in text]
