"""Programs of the guides, with sign-in on: a web shop, a Slack bot, a web page."""

import hashlib
import hmac
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from tests.printed import ROOT, blocks
from tests.standin import free_port
from tests.system import people
from tests.system.commands import flask
from tests.system.stack import Stack, wait_for
from tests.webhooks.conftest import Receiver, receivers
from tests.webhooks.test_guide import is_listening

__all__ = ["receivers"]

pytestmark = pytest.mark.system

EXAMPLES = ROOT / "docs" / "examples"
LANE = "volcengine_jimeng:jimeng_t2i_v30"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture(scope="module")
def origins(tmp_path_factory) -> Iterator[list[str]]:
    """Of two web sites; the first is listed in ``CORS_ORIGINS``."""
    pages = partial(SimpleHTTPRequestHandler, directory=tmp_path_factory.mktemp("site"))
    servers = [ThreadingHTTPServer(("localhost", 0), pages) for _ in range(2)]
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    yield [f"http://localhost:{each.server_port}" for each in servers]
    for each in servers:
        each.shutdown()
        each.server_close()


@pytest.fixture(scope="module")
def stack(own_stack, origins) -> Iterator[Stack]:
    settings = {
        "ALLOWED_USER_HOSTS": "127.0.0.1",
        "CORS_ORIGINS": origins[0],
        "USER_SUBMISSIONS_PER_MINUTE": "600",
    }
    with own_stack("guides", **people.SIGN_IN, **settings) as made:
        made.start_consumer()
        made.await_ready()
        yield made


@pytest.fixture(scope="module")
def keys(stack) -> dict[str, str]:
    """As the guides have an operator make accounts and keys: prefix -> key."""
    return {
        "shop:": run_commands(stack, "web_shop.en.md"),
        "slack:": run_commands(stack, "slack_bot.en.md"),
    }


def run_commands(stack: Stack, page: str) -> str:
    """Run the commands of a guide, in order; what the last one printed."""
    text = (EXAMPLES / page).read_text("utf-8").replace("\\\n", "")
    commands = re.findall(r"^ *\.venv/bin/flask --app wsgi (.+)", text, re.M)
    *_, said = [flask(stack, *each.split()) for each in commands]
    return said.strip()


class Program:
    """
    A program beside a guide, and its webhook.

    Attributes:
        webhook: Its endpoint's record.
    """

    def __init__(self, stack: Stack, key: str, name: str, folder: Path) -> None:
        self.stack, self.key = stack, key
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.file = folder / name
        shutil.copy(EXAMPLES / name, self.file)
        url = {"url": f"{self.url}/jimeng"}
        self.webhook = self.jimeng("POST", "/api/v1/webhooks", json=url)
        self.start()

    def jimeng(self, method: str, path: str, **how: object):
        headers = {"Authorization": f"Bearer {self.key}"}
        url = self.stack.url + path
        answer = requests.request(method, url, headers=headers, timeout=30, **how)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def start(self) -> None:
        env = {
            **os.environ,
            "JIMENG_URL": self.stack.url,
            "JIMENG_KEY": self.key,
            "WEBHOOK_SECRET": self.webhook["secret"],
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "PORT": str(self.port),
        }
        folder = self.file.parent
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, self.file], env=env, cwd=folder, stderr=log, stdout=log
            )
        wait_for(lambda: is_listening(self.port), what="the program listens")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def deliveries(self) -> list[dict]:
        where = f"/api/v1/webhooks/{self.webhook['id']}/deliveries?limit=100"
        return self.jimeng("GET", where)

    def replay_all(self) -> None:
        """Have everything sent once more, and wait until that is answered."""
        with self.stack.database() as found:  # what is under way is not sent again
            flying = {"owner": {"$exists": True}}
            wait_for(lambda: not found.webhook_deliveries.find_one(flying))
        before = self.deliveries()
        for each in before:
            where = f"/api/v1/webhooks/{self.webhook['id']}/deliveries/{each['id']}"
            self.jimeng("POST", f"{where}/replay")
        attempts = sum(len(each["attempts"]) for each in before) + len(before)

        def is_done() -> bool:
            now = self.deliveries()
            made = sum(len(each["attempts"]) for each in now)
            return made >= attempts and {each["status"] for each in now} == {
                "delivered"
            }

        wait_for(is_done, what="all is delivered again")

    def end(self) -> None:
        self.kill()
        self.jimeng("DELETE", f"/api/v1/webhooks/{self.webhook['id']}")


@pytest.fixture
def program(stack, keys, tmp_path) -> Iterator[Callable[[str, str], Program]]:
    """Starts a program of docs/examples with the key of that prefix."""
    made: list[Program] = []

    def start(name: str, prefix: str) -> Program:
        made.append(Program(stack, keys[prefix], name, tmp_path))
        return made[-1]

    yield start
    for each in made:
        each.end()


def fetch(stack: Stack, link: str) -> requests.Response:
    """Get a picture; its link is a path, as the stack has no ``PUBLIC_URL``."""
    return requests.get(urllib.parse.urljoin(stack.url, link), timeout=60)


def billed(stack: Stack) -> int:
    return len(stack.ledger()["rows"])


def test_shop_draws_what_is_ordered(stack, program):
    """Once each, whatever is killed or delivered twice; by customer."""
    shop, before = program("shop.py", "shop:"), billed(stack)

    def order(prompt: str) -> str:
        given = {"customer": "ada", "prompt": prompt}
        answer = requests.post(f"{shop.url}/orders", json=given, timeout=60)
        assert answer.status_code == 202
        return answer.json()["id"]

    def look(order_id: str) -> dict:
        return requests.get(f"{shop.url}/orders/{order_id}", timeout=60).json()

    def await_status(order_id: str, status: str) -> dict:
        wait_for(lambda: look(order_id)["status"] == status, what=status)
        return look(order_id)

    first = order("a lighthouse by the sea")
    done = await_status(first, "completed")
    assert fetch(stack, done["picture"]).content[:4] in {
        *(b"\x89PNG", b"\xff\xd8\xff\xe0")
    }
    wait_for(lambda: "r=" in (look(first)["limits"] or ""), what="limits are known")
    refused = await_status(order("x" * 900), "refused")
    assert "800" in refused["message"]

    second = order("a cat")
    shop.kill()  # perhaps before it submits, perhaps before the picture is done
    shop.start()
    await_status(second, "completed")
    shop.replay_all()

    told = ("status", "picture", "changed_at")
    assert [look(first)[name] for name in told] == [done[name] for name in told]
    found = requests.get(f"{shop.url}/customers/ada", timeout=60).json()
    assert found["orders"] == [second, first]
    assert (found["pictures"], billed(stack) - before) == (2, 2)
    forged = requests.post(f"{shop.url}/jimeng", data=b"{}", timeout=60)
    assert forged.status_code == 400


def command(
    bot: Program, slack: Receiver, text: str, trigger: str, secret=SIGNING_SECRET
) -> requests.Response:
    """A slash command, signed as Slack documents it (v0, HMAC-SHA256)."""
    form = {"command": "/draw", "text": text, "trigger_id": trigger}
    form |= {"team_id": "T0001", "user_id": "U2147483697"}
    form["response_url"] = f"{slack.url}/{trigger}"
    body, now = urllib.parse.urlencode(form), str(int(time.time()))
    signed = hmac.new(secret.encode(), f"v0:{now}:{body}".encode(), hashlib.sha256)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": f"v0={signed.hexdigest()}",
    }
    return requests.post(f"{bot.url}/slack/draw", body, headers=headers, timeout=60)


def posted(slack: Receiver, trigger: str) -> list[dict]:
    """What was sent to the response URL of a command."""
    return [each.json for each in slack.received if each.path.endswith(f"/{trigger}")]


def test_bot_posts_what_is_asked_for(stack, program, receivers):
    """Once each, whatever is killed, delivered twice, or unwell at Slack."""
    bot, before = program("bot.py", "slack:"), billed(stack)
    slack = receivers()
    one, two, three = (f"{n}.13345224609" for n in (1, 2, 3))

    def await_post(trigger: str) -> dict:
        wait_for(lambda: posted(slack, trigger), what="it is posted")
        (post,) = posted(slack, trigger)
        return post

    answers = [command(bot, slack, "a lighthouse", one) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].json()["response_type"] == "ephemeral"
    post = await_post(one)
    assert (post["response_type"], post["text"]) == ("in_channel", "a lighthouse")
    (image,) = post["blocks"]
    assert fetch(stack, image["image_url"]).content[:4] in {
        *(b"\x89PNG", b"\xff\xd8\xff\xe0")
    }

    stack.rest(LANE)
    command(bot, slack, "a cat", two)
    bot.kill()  # before the picture is done
    bot.start()
    stack.go_on(LANE)
    await_post(two)
    slack.answer(503)
    command(bot, slack, "a dog", three)
    wait_for(lambda: not slack.answers, what="Slack has refused it")
    bot.replay_all()

    assert [len(posted(slack, each)) for each in (one, two, three)] == [1, 1, 2]
    assert billed(stack) - before == 3
    assert "800" in command(bot, slack, "x" * 900, "4").json()["text"]
    assert command(bot, slack, "x", "5", secret="another").status_code == 401
    assert requests.post(f"{bot.url}/jimeng", data=b"{}", timeout=60).status_code == 400
    assert [posted(slack, each) for each in "45"] == [[], []]


def test_page_of_a_listed_origin_asks(stack, keys, origins, chromium):
    """As the guide has it, in a real browser; a page of another origin may not."""
    (code,) = blocks("docs/clients.en.md", "javascript")
    code = code.replace("https://images.example.com", stack.url)
    program = f"async (key) => {{ {code} return [answer.status, url]; }}"
    context = chromium.new_context()
    listed, other = context.new_page(), context.new_page()
    listed.goto(origins[0])
    other.goto(origins[1])

    status, where = listed.evaluate(program, keys["shop:"])

    assert (status, where.partition("/result/")[0]) == (202, "/api/v1/ai/image")
    with pytest.raises(Exception, match="Failed to fetch"):
        other.evaluate(program, keys["shop:"])
    with_cookies = code.replace(
        'method: "POST",', 'method: "POST", credentials: "include",'
    )
    with pytest.raises(Exception, match="Failed to fetch"):
        listed.evaluate(program.replace(code, with_cookies), keys["shop:"])
    context.close()
