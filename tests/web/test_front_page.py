"""The page: its form, its feed, and what it remembers."""

import re

import pytest

from tests.each import for_each
from tests.page import HTMX, PROMPT, ask, ids, links, new_task, send
from tests.rest import client_with

CHINESE = {"Accept-Language": "zh-CN"}
ENGLISH = {"Accept-Language": "en-GB"}


def test_empty_page_offers_ideas(client):
    page = client.get("/", headers=CHINESE)

    ideas = list(links(page, "prompt="))
    assert len(ideas) == 6
    assert "极光" in client.get(ideas[0]).text


def test_form_without_javascript_makes_a_task(client):
    """A plain form leads back to the page, with the card there and the text kept; so it
    is where it was refused: nobody writes a long prompt twice."""
    answer = ask(client, n="2")

    assert answer.status_code == 303
    page = client.get(answer.location)
    assert len(ids(page)) == 1
    assert re.search(rf"<textarea[^>]*>\s*{PROMPT}</textarea>", page.text)
    assert page.text.count('class="slot"') == 2
    refused = ask(client, prompt="很长" * 500)
    assert (refused.status_code, refused.headers.get("HX-Retarget")) == (422, None)
    assert "很长" * 500 in refused.text


def test_form_with_htmx_answers_with_the_card(client):
    """The card comes by itself, with a fresh token and a ticker beside it."""
    answer = ask(client, htmx=True, token="form-one")

    assert answer.status_code == 200
    assert len(ids(answer)) == 1
    assert "<html" not in answer.text
    assert 'hx-get="/feed/changes"' in answer.text
    assert re.search(r'name="token" value="form-', answer.text)
    assert "form-one" not in answer.text
    # A double click is one request for pictures. With htmx the first answer was lost,
    # so the page shows too little. Going back and writing something else is another.
    ask(client, token="form-one")
    again = ask(client, htmx=True, token="form-one")
    assert again.headers["HX-Refresh"] == "true"
    assert len(ids(client.get("/"))) == 1

    ask(client, token="form-one", prompt="一只猫")
    assert len(ids(client.get("/"))) == 2


def test_older_cards_come_on_demand(client):
    made = [new_task(client, prompt=f"猫 {number}") for number in range(13)]
    first = client.get("/")
    (older,) = set(links(first, "cursor="))

    rest = client.get(older, headers=HTMX)

    assert ids(first) + ids(rest) == made[::-1]
    assert "<html" not in rest.text
    assert ids(client.get(older)) == ids(rest)


@for_each(("lang", "words"), [("zh", "生成"), ("en", "Generate")])
def test_language_and_theme_are_remembered(client, lang, words):
    """The page is dark from its first byte on; the one that the form stood on is seen
    again, query and all."""
    answer = send(client, "/language", lang=lang, next="/")

    assert (answer.status_code, answer.location) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in cookie and "Max-Age=31536000" in cookie
    other = ENGLISH if lang == "zh" else CHINESE
    assert words in client.get("/", headers=other).text
    answer = send(client, "/theme", theme="dark", next="/tasks/x?again=1")

    assert answer.location == "/tasks/x?again=1"
    assert 'data-theme="dark"' in client.get("/").text


def test_error_in_a_part_goes_to_the_notices(client):
    """It says what is wrong, and does not stand where a card would."""
    answer = send(client, "/tasks/none/cancel", htmx=True)

    assert answer.status_code == 404
    assert answer.headers["HX-Retarget"] == "#notices"
    assert answer.headers["HX-Reselect"] == "#error"
    assert answer.headers["HX-Reswap"] == "innerHTML ignoreTitle:true"
    assert 'id="error"' in answer.text


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"USER_SUBMISSIONS_PER_MINUTE": 1}, "每分钟最多提交 1 个任务"),
        ({"USER_DAILY_QUOTA": 1}, "今天的 1 张配额还剩 0 张"),
    ],
    ids=["minute", "day"],
)
@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_form_that_is_beyond_a_limit_says_so(
    app, config, registry, changes, words, htmx
):
    """What was written stays in the form, and the answer says when to come back."""
    with client_with(config, registry, **changes) as client:
        ask(client)

        answer = ask(client, htmx=htmx, prompt="红色的灯笼")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert words in answer.text
    assert "红色的灯笼" in answer.text
