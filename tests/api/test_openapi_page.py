"""The page that shows the API, and lets people try it."""

import re

import pytest


def test_document_may_be_read_by_tools_elsewhere(client):
    """It is public, and says in which language it is."""
    answer = client.get("/openapi.json", headers={"Accept-Language": "en"})

    assert answer.content_type == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Content-Language"] == "en"
    assert "Accept-Language" in answer.vary


def test_page_names_only_what_this_server_has(client):
    """Scripts, styles and the document: all there, all from here."""
    page = client.get("/docs")

    links = re.findall(r'(?:href|src|data-url)="([^"]+)"', page.text)
    assert "/openapi.json" in links
    assert all(link.startswith("/") and link[1:2] != "/" for link in links)
    for link in links:
        with client.get(link) as answer:
            assert answer.status_code == 200
    assert not re.search(r"<style|style=|<script>|onload", page.text)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_page_shows_and_tries_the_api(live_server, chromium, width):
    """Under the strict policy nothing is blocked, and a request can be sent."""
    complaints: list[str] = []
    page = chromium.new_page(viewport={"width": width, "height": 800}, locale="zh-CN")
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url))

    page.goto(f"{live_server.url}/docs")
    page.get_by_role("button", name="get /health", exact=False).first.wait_for()
    row = page.locator("[id$='-list_models']")
    row.locator(".opblock-summary-control").click()
    row.locator(".execute").click()
    row.locator(".live-responses-table .response").first.wait_for()

    assert "doubao-seedream" in row.locator(".live-responses-table").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [each for each in foreign if not each.startswith(live_server.url)] == []
    assert complaints == []
    page.close()
