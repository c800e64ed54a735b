"""The prompt assistant in a real browser: what it writes is shown, then used."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.harness import every_look

WRITTEN = "雨后的江南小巷，青石板上一只黑猫，灯笼的光映在水洼里，水墨淡彩，大面积留白"


class Chat(BaseHTTPRequestHandler):
    """A chat endpoint that always writes the same."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": WRITTEN}
        body = json.dumps({"choices": [{"message": message}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(own_stack) -> Iterator[object]:
    """One whose operator has set up the assistant."""
    chat = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=chat.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{chat.server_port}"
    settings = {"PROMPT_ASSISTANT_MODEL": "chat-1", "PROMPT_ASSISTANT_URL": url}
    with own_stack("assistant", **settings) as made:
        yield made
    chat.shutdown()
    chat.server_close()


@every_look
def test_assistant_in_every_look(visit, server, look):
    """Its menu, what it has written, and the words in the form once that is used."""
    seen = visit("/", server=server, **look)
    page = seen.page
    page.fill("#prompt", "雨后的小巷")
    page.locator("#menu-assistant > summary").click()
    expect(page.locator(".assistant-panel")).to_be_in_viewport(ratio=1)
    seen.check("create-assistant")

    page.locator("[data-assist=expand]").click()
    expect(page.locator(".assisted-text")).to_have_text(WRITTEN)
    seen.check("create-assisted")
    expect(page.locator("#prompt")).to_have_value("雨后的小巷")
    page.locator("[data-assist=use]").click()

    expect(page.locator("#prompt")).to_have_value(WRITTEN)
    expect(page.locator(".assisted-text")).to_have_count(0)
