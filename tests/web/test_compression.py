"""What is sent compressed, and what stays as it is."""

import gzip
import re

import pytest

from tests.each import for_each
from tests.page import new_task, picture_of

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
FIRST_PAGE = 62 * 1024  # bytes
EXAMPLES = 72 * 1024  # bytes, of the six pictures that somebody new is shown


@for_each("path", ["/", "/app.css", "/static/app.js", "/openapi.json"])
def test_text_is_the_same_when_unpacked(client, path):
    """A client that takes gzip gets it, any other gets the text."""
    plain, packed = (
        client.get(path, buffered=True),
        client.get(path, headers=GZIP, buffered=True),
    )

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content_length == len(packed.data) < len(plain.data)
    assert strip(gzip.decompress(packed.data)) == strip(plain.data)
    assert "Accept-Encoding" in plain.vary and "Accept-Encoding" in packed.vary


def strip(page: bytes) -> bytes:
    """Without the token of the form, of which each page has another."""
    return re.sub(rb'value="form-[^"]*"', b"", page)


def test_client_may_refuse(client):
    """A quality of 0 is a no."""
    answer = client.get("/", headers={"Accept-Encoding": "gzip;q=0, identity"})

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/app.css", "/static/app.js"])
def test_what_has_not_changed_is_not_sent(client, path):
    """The tag of a compressed answer is good for the next question."""
    tag = client.get(path, headers=GZIP, buffered=True).headers["ETag"]

    again = client.get(path, headers={**GZIP, "If-None-Match": tag}, buffered=True)

    assert tag.startswith('W/"')
    assert (again.status_code, again.data) == (304, b"")


def test_head_tells_what_get_would(client):
    """The same headers, and no body."""
    head, got = (
        client.head("/app.css", headers=GZIP, buffered=True),
        client.get("/app.css", headers=GZIP, buffered=True),
    )

    assert head.data == b""
    assert head.headers["Content-Encoding"] == "gzip"
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_pictures_are_sent_as_they_are(client, work_off):
    """They are compressed already, and parts of them can be asked for."""
    task_id = new_task(client)
    work_off()

    answer = client.get(picture_of(client, task_id), headers=GZIP, buffered=True)

    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_short_answers_stay_plain(client):
    """Nothing is won by it."""
    assert (
        "Content-Encoding"
        not in client.get("/health", headers=GZIP, buffered=True).headers
    )


def test_first_page_is_small(client):
    """All that it needs but pictures, over the wire; and those are small, too."""
    page = client.get("/", headers=GZIP, buffered=True)
    text = gzip.decompress(page.data).decode()

    parts = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(/[^"]+)"', text)
    sizes = {
        path: len(client.get(path, headers=GZIP, buffered=True).data)
        for path in set(parts)
    }

    assert len([path for path in sizes if ".css" in path]) == 1
    assert not re.search(r"<script(?![^>]*\bdefer\b)", text)
    shown = sum(size for path, size in sizes.items() if "/examples/" in path)
    assert 0 < shown < EXAMPLES
    assert len(page.data) + sum(sizes.values()) - shown < FIRST_PAGE
