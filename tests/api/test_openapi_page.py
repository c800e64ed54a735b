"""The page that shows the API."""

import re

from tests.rest import operations

GZIP = {"Accept-Encoding": "gzip", "Accept-Language": "en"}
MOST = 200_000  # bytes to the first sight


def test_page_tells_all_of_the_document(client):
    """Each operation, and each schema that something links to, without a script. The
    document itself is public for tools elsewhere, and says in which language it is."""
    answer = client.get("/openapi.json", headers={"Accept-Language": "en"})
    assert answer.content_type == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Content-Language"] == "en"
    assert "Accept-Language" in answer.vary
    document = answer.json
    page = client.get("/docs", headers={"Accept-Language": "en"}).text

    ids = re.findall(r'\bid="([^"]+)"', page)
    assert {each["operationId"] for _, _, each in operations(document)} <= set(ids)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert "The task&#39;s id" in page and "minLength 1" in page
    assert "curl -X POST" in page and "`too_many_pending`" not in page


def test_page_is_light_and_from_here_alone(client):
    """Scripts, styles and the document: all there, all small, all this server's."""
    page = client.get("/docs", headers=GZIP)
    plain = client.get("/docs").text

    links = re.findall(r'<(?:link|script)[^>]* (?:href|src)="(/[^"]+)"', plain)
    loaded = [client.get(link, headers=GZIP, buffered=True) for link in links]
    assert "/static/docs.js" in " ".join(links)
    assert {each.status_code for each in loaded} == {200}
    assert len(page.data) + sum(len(each.data) for each in loaded) < MOST
    assert not re.search(r"<style|style=|<script>|onload", plain)
