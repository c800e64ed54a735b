"""The prompt assistant, against a stand-in of a chat endpoint."""

import base64
import html
import json
import re
from dataclasses import replace

import pytest

from jimeng.config import Config
from jimeng.errors import ConfigError
from jimeng.limits.reservations import MAX_ASSISTANT_REQUESTS
from jimeng.providers.prompt_assistant import PromptAssistant
from tests import given_pictures as given
from tests.conftest import make_as_new
from tests.each import for_each
from tests.page import send
from tests.web.test_given import give
from tests.webhooks.conftest import receivers

__all__ = ["receivers"]
IDEA = "一只猫 {坐着|躺着}"
KEY = "sk-very-secret"


@pytest.fixture
def endpoint(receivers):
    return receivers()


@pytest.fixture
def app(built, database, config, registry, configure, endpoint):
    """With an assistant at the stand-in."""
    made = replace(
        config,
        PROMPT_ASSISTANT_MODEL="chat-1",
        PROMPT_ASSISTANT_URL=endpoint.url,
        PROMPT_ASSISTANT_KEY=KEY,
    )
    configure(made, registry)
    make_as_new(built, made)
    return built


def says(endpoint, text: object, status: int = 200) -> None:
    answer = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    endpoint.answer(status, json.dumps(answer).encode())


def assist(client, **fields: object):
    return send(client, "/composer/assistant", **fields)


def text_in(answer) -> str:
    return html.unescape(re.search(r"<blockquote[^>]*>(.*?)</blockq", answer.text)[1])


@for_each("action", ["expand", "translate"])
def test_result_is_shown_as_text(client, endpoint, action):
    """What was written goes to the endpoint with its key; nothing else changes."""
    says(endpoint, " <b>A cat\u0000 & a dog</b> ")

    answer = assist(client, action=action, prompt=IDEA)

    assert answer.status_code == 200
    assert text_in(answer) == "<b>A cat & a dog</b>"
    received = endpoint.received.pop()
    assert received.path == "/hook/chat/completions"
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.json["model"] == "chat-1"
    system, user = received.json["messages"]
    assert user == {"role": "user", "content": IDEA}
    assert ("800" if action == "expand" else "Translate") in system["content"]


def test_reference_is_described(client, endpoint):
    """The first one is sent, smaller; in the language of the page."""
    upload = re.search(r'value="([^"]+)"', give(client, given.photo()).text)[1]
    says(endpoint, "窗边的猫")

    answer = assist(client, action="describe", image=upload)

    assert text_in(answer) == "窗边的猫"
    system, user = endpoint.received[0].json["messages"]
    assert "Chinese" in system["content"]
    head, _, data = user["content"][0]["image_url"]["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(data).startswith(b"\xff\xd8")


@for_each(
    ("fields", "said"),
    [
        ({"action": "describe"}, "请先添加一张参考图"),
        ({"action": "expand", "prompt": " "}, "请写下提示词"),
        ({"action": "delete", "prompt": "x"}, "expand"),
        ({"action": "describe", "image": "upload_gone"}, ""),
    ],
)
def test_request_without_sense_is_not_sent(client, endpoint, fields, said):
    answer = assist(client, **fields)

    assert answer.status_code in {404, 422}
    assert said in answer.text and 'class="error"' in answer.text
    assert endpoint.received == []


@for_each(
    ("status", "body"),
    [
        (401, b'{"error": {"code": "invalid_api_key", "message": "sk-very-secret"}}'),
        (500, b"<html>"),
        (200, b'{"choices": []}'),
        (200, b'{"choices": [{"message": {"content": null}}]}'),
        (200, b"[1]"),
        (302, b""),
    ],
)
def test_failure_says_what_to_do(client, endpoint, caplog, status, body):
    """And neither page nor log has the key, or what the endpoint quotes."""
    endpoint.answer(status, body, Location="http://127.0.0.1:1/")

    answer = assist(client, action="expand", prompt=IDEA)

    assert answer.status_code == 502
    assert "提示词助手没有响应" in answer.text
    assert answer.headers["HX-Retarget"] == "#assisted", "so it is no proxy's error"
    assert KEY not in answer.text + caplog.text and IDEA not in caplog.text
    assert endpoint.received.pop() and not endpoint.received, "asked once"


def test_limit_per_user(client, endpoint):
    for _ in range(MAX_ASSISTANT_REQUESTS):
        says(endpoint, "x")
        assert assist(client, action="expand", prompt=IDEA).status_code == 200

    answer = assist(client, action="expand", prompt=IDEA)

    assert answer.status_code == 429 and answer.headers["Retry-After"]
    assert len(endpoint.received) == MAX_ASSISTANT_REQUESTS


def test_page_offers_it_only_where_it_is_set(client, app, configure, config, registry):
    assert 'id="menu-assistant"' in client.get("/").text
    away = "http://127.0.0.1:9"
    configure(replace(app.config["JIMENG"], PROMPT_ASSISTANT_URL=away), registry)
    assert assist(client, action="expand", prompt=IDEA).status_code == 502

    configure(config, registry)

    assert 'id="menu-assistant"' not in client.get("/").text
    assert assist(client, action="expand", prompt=IDEA).status_code == 422


def test_key_of_ark_goes_to_ark_alone():
    """It is the default; an endpoint of another's gets no key, or its own."""
    ark = Config(PROMPT_ASSISTANT_MODEL="m", ARK_API_KEY="ark-key")
    other = replace(ark, PROMPT_ASSISTANT_URL="http://localhost:1/v1")

    assert PromptAssistant.from_config(ark)._key == "ark-key"
    assert PromptAssistant.from_config(other)._key == ""
    assert PromptAssistant.from_config(Config()) is None
    with pytest.raises(ConfigError, match="PROMPT_ASSISTANT_MODEL needs ARK_API_KEY"):
        Config.from_env({"PROMPT_ASSISTANT_MODEL": "m"})
    assert KEY in replace(ark, PROMPT_ASSISTANT_KEY=KEY).secrets
