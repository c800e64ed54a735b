"""What every page has around it, error pages, and the site as a program."""

import re
from io import BytesIO
from unittest.mock import Mock

import pytest
from PIL import Image

from jimeng.web.tasks import feed
from tests.page import HTMX

ENGLISH = {"Accept-Language": "en"}


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
