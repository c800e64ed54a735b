"""The prompt assistant in a real browser: what it writes is shown, then used."""

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.harness import LOOKS, every_look
from tests.webhooks.conftest import Receiver, handler_of

WRITTEN = "雨后的江南小巷，青石板上一只黑猫，灯笼的光映在水洼里，水墨淡彩，大面积留白"


@pytest.fixture(scope="module")
def server(own_stack) -> Iterator[object]:
    """One whose operator has set up the assistant, which always writes the same."""
    message = {"role": "assistant", "content": WRITTEN}
    body = json.dumps({"choices": [{"message": message}]}).encode()
    endpoint = Receiver("", answers=[(200, {}, body)] * len(LOOKS))
    endpoint.held.set()
    chat = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(endpoint))
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
