"""The first page, what it remembers, and what each page has around it."""

import re
from io import BytesIO
from unittest.mock import Mock

import pytest
from PIL import Image

from jimeng.documents import connection
from jimeng.web.site import navigation
from jimeng.web.tasks import feed
from tests.each import for_each
from tests.page import HTMX, PROMPT, ask, ids, links, send
from tests.rest import client_with

CHINESE = {"Accept-Language": "zh-CN"}
ENGLISH = {"Accept-Language": "en-GB"}


def test_empty_page_offers_ideas(client):
    page = client.get("/", headers=CHINESE)

    ideas = list(links(page, "prompt="))
    assert len(ideas) == 6
    assert "极光" in client.get(ideas[0]).text


def test_form_without_javascript_makes_a_task(client):
    """The text is kept, also of a refused one: nobody writes it twice."""
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


@for_each(("lang", "words"), [("zh", "生成"), ("en", "Generate")])
def test_language_and_theme_are_remembered(client, lang, words):
    """The page is dark from its first byte on; the query is kept."""
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
    "changes, words, htmx",
    [
        ({"USER_SUBMISSIONS_PER_MINUTE": 1}, "每分钟最多提交 1 个任务", False),
        ({"USER_DAILY_QUOTA": 1}, "今天的 1 张配额还剩 0 张", True),
    ],
    ids=["minute", "day"],
)
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


@pytest.fixture
def broken(client, monkeypatch):
    """Somebody at a server whose first page fails."""
    monkeypatch.setattr(feed, "show_feed", Mock(side_effect=RuntimeError("a bug")))
    return client


def test_page_of_a_fault_leads_on(broken):
    """It tells what to report, and offers to try the same again, which would change
    nothing where there is no page. What htmx takes of it are the words, without a
    second heading."""
    answer = broken.get("/?prompt=x&n=2", headers=ENGLISH)
    part = broken.get("/", headers=ENGLISH | HTMX)

    assert answer.status_code == 500
    assert answer.text.count("<h1>") == 1
    assert f"<code>{answer.headers['X-Request-ID']}</code>" in answer.text
    assert 'href="/?prompt=x&amp;n=2">Try again' in answer.text
    assert "a bug" not in answer.text
    words = re.search(r'<div id="error".*?</button>\s*</div>', part.text, re.DOTALL)
    assert part.headers["HX-Reselect"] == "#error"
    assert "request_id" in words[0] and "<h1" not in words[0]
    gone = broken.get("/nothing", headers=ENGLISH)
    assert (gone.status_code, "Try again" in gone.text) == (404, False)
    assert "<h1>Not found</h1>" in gone.text


@for_each("path", ["/no-such-page", "/favicon.ico"])
def test_unknown_page_is_unknown_without_mongodb(
    database, config, registry, monkeypatch, path
):
    monkeypatch.setattr(connection, "WEB_TIMEOUT", 0.1)
    with client_with(config, registry, MONGODB_URI="mongodb://127.0.0.1:9/") as client:
        answer = client.get(path, headers=ENGLISH)

    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text
    assert 'class="nav"' in answer.text


def test_fault_in_the_head_of_an_unknown_page_is_a_fault(client, monkeypatch):
    """It is not hidden by leaving the head out."""
    fault = Mock(side_effect=RuntimeError("a bug"))
    monkeypatch.setattr(navigation, "navigation", fault)

    assert client.get("/no-such-page").status_code == 500


def test_site_can_be_installed(client):
    """With a name in the reader's language, icons of the sizes told, and a start."""
    page = client.get("/", headers=ENGLISH).text
    answer = client.get("/manifest.webmanifest", headers=ENGLISH)

    found = answer.json
    assert 'rel="manifest" href="/manifest.webmanifest"' in page
    assert answer.mimetype == "application/manifest+json"
    assert (found["name"], found["start_url"]) == ("jimeng", "/")
    for icon in found["icons"][1:]:
        picture = client.get(icon["src"], buffered=True).data
        with Image.open(BytesIO(picture)) as opened:
            assert icon["sizes"] == f"{opened.width}x{opened.height}"
    for shortcut in found["shortcuts"]:
        assert client.get(shortcut["url"]).status_code == 200
    icons = re.findall(r'<link rel="[a-z-]*icon" href="([^"]+)"', page)
    kinds = [client.get(icon, buffered=True).mimetype for icon in icons]
    assert kinds == ["image/svg+xml", "image/png"], "of a tab, and of a phone"


def test_worker_changes_with_the_styles(client):
    """So that the page it keeps is drawn with those that are there."""
    answer = client.get("/worker.js")

    styles = client.get("/offline").text.partition('rel="stylesheet" href="')[2]
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert styles.partition('"')[0] in answer.text
