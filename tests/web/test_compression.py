"""What is sent compressed, and what stays as it is."""

import gzip
import re

from tests.each import for_each

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
FIRST_PAGE = 62 * 1024  # bytes
EXAMPLES = 72 * 1024  # bytes, of the six pictures that somebody new is shown


@for_each("path", ["/", "/app.css", "/static/app.js", "/openapi.json"])
def test_text_is_the_same_when_unpacked(client, path):
    """A client that takes gzip gets it, any other gets the text."""
    plain = client.get(path, buffered=True)
    packed = client.get(path, headers=GZIP, buffered=True)

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content_length == len(packed.data) < len(plain.data)
    assert strip(gzip.decompress(packed.data)) == strip(plain.data)
    assert "Accept-Encoding" in plain.vary and "Accept-Encoding" in packed.vary
    # A quality of 0 is a no; of a short answer nothing is won by it.
    refusing = {"Accept-Encoding": "gzip;q=0, identity"}
    for address, headers in ((path, refusing), ("/health", GZIP)):
        answer = client.get(address, headers=headers, buffered=True)
        assert "Content-Encoding" not in answer.headers


def strip(page: bytes) -> bytes:
    """Without the token of the form, of which each page has another."""
    return re.sub(rb'value="form-[^"]*"', b"", page)


@for_each("path", ["/app.css", "/static/app.js"])
def test_what_has_not_changed_is_not_sent(client, path):
    """The tag of a compressed answer is good for the next question; HEAD tells what
    GET would."""
    first = client.get(path, headers=GZIP, buffered=True)
    tag = first.headers["ETag"]

    again = client.get(path, headers={**GZIP, "If-None-Match": tag}, buffered=True)
    head = client.head(path, headers=GZIP, buffered=True)

    assert tag.startswith('W/"')
    assert (again.status_code, again.data) == (304, b"")
    assert head.data == b""
    assert head.headers["Content-Encoding"] == "gzip"
    assert head.headers["Content-Length"] == first.headers["Content-Length"]


def test_first_page_is_small(client):
    """All that it needs but pictures, over the wire; and those are small, too."""
    page = client.get("/", headers=GZIP, buffered=True)
    text = gzip.decompress(page.data).decode()

    parts = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(/[^"]+)"', text)
    answers = {path: client.get(path, headers=GZIP, buffered=True) for path in parts}
    sizes = {path: len(answer.data) for path, answer in answers.items()}

    assert len([path for path in sizes if ".css" in path]) == 1
    assert not re.search(r"<script(?![^>]*\bdefer\b)", text)
    shown = sum(size for path, size in sizes.items() if "/examples/" in path)
    assert 0 < shown < EXAMPLES
    assert len(page.data) + sum(sizes.values()) - shown < FIRST_PAGE
