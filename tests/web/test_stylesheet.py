"""What the stylesheet keeps to, and how it and the scripts are sent."""

import gzip
import io
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image as Pillow

from jimeng.tasks.styles import STYLES
from tests.each import for_each
from tests.hung import hang

ROOT = Path(__file__).parents[2]
PAGES, SCRIPTS, CODE = ROOT / "templates", ROOT / "static", ROOT / "jimeng"


@pytest.fixture
def rules(client) -> str:
    return client.get("/app.css").text


def without_blocks(text: str, head: str) -> str:
    """The text but for the blocks that begin with *head*."""
    while head in text:
        start = text.index(head)
        end, depth = text.index("{", start) + 1, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        text = text[:start] + text[end:]
    return text


def tokens(text: str, selector: str) -> dict[str, str]:
    """The variables that the first block of that selector sets."""
    block = re.search(re.escape(selector) + r"\s*\{([^}]*)\}", text)[1]
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", block))


def test_nothing_moves_for_those_who_asked_for_rest(rules):
    """Motion stands only where it was not declined."""
    moving = r"[{;\s](animation|transition|scroll-behavior)[\w-]*:(?!\s*(none|auto))"
    allowed = "@media (prefers-reduced-motion: no-preference)"

    assert re.search(moving, rules)
    assert not re.search(moving, without_blocks(rules, allowed))


def test_dark_is_the_same_however_it_was_chosen(rules):
    """By the system or on the page: the same colours, and each has a light one."""
    chosen = tokens(rules, ':root[data-theme="dark"]')

    assert chosen == tokens(rules, ':root[data-theme="system"]')
    assert set(chosen) <= set(tokens(rules, ":root"))
    # A misspelt variable would leave a thing without its colour.
    used = set(re.findall(r"var\((--[\w-]+)\)", rules))
    assert used <= set(re.findall(r"(--[\w-]+)\s*:", rules))


def test_every_class_is_somewhere(rules):
    """Rules for what no page has any more are gone with it."""
    selectors = re.sub(r"\{[^{}]*\}", "", rules)
    classes = set(re.findall(r"\.([a-z][\w-]*)", selectors))
    sources = [
        *PAGES.glob("**/*.html"),
        *SCRIPTS.glob("*.js"),
        *CODE.glob("web/**/*.py"),
    ]
    said = set(re.findall(r"[\w-]+", "\n".join(p.read_text("utf-8") for p in sources)))

    assert len(classes) > 100
    lost = {each for each in classes if re.sub(r"\d+$", "", each) not in said}
    assert {each for each in lost if not each.startswith("htmx-")} == set()


def cached(client, links: Iterable[str]) -> set[str]:
    """How long what is at these addresses may be kept."""
    found = set()
    for link in links:
        with client.get(link) as answer:
            assert answer.status_code == 200
            found.add(answer.headers["Cache-Control"])
    return found


def test_scripts_are_kept_for_good(client):
    """Pages link each by an address that changes with it; by others it is asked for."""
    linked = re.findall(r'<script src="([^"]+)"', client.get("/").text)
    plain = [link.partition("?")[0] for link in linked]

    assert len(linked) > 2
    assert cached(client, linked) == {"public, max-age=31536000, immutable"}
    assert cached(client, plain) == {"no-cache"}
    assert cached(client, [link + "?v=0" for link in plain]) == {"no-cache"}


def test_every_style_has_its_picture(client, rules):
    """A part of one strip each, in order, which weighs little and is kept for good."""
    address = re.search(r"url\((static/styles\.webp\?v=\w+)\)", rules)[1]
    with client.get(f"/{address}") as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        content = answer.data

    strip = Pillow.open(io.BytesIO(content))
    assert strip.width * 3 == strip.height * 4 * len(STYLES)
    assert len(content) <= 15_360
    places = re.findall(
        r":nth-child\((\d+)\) > \.swatch, [^{]*\{ background-position-x: (\S+)%", rules
    )
    assert [int(n) for n, _ in places] == list(range(2, len(STYLES) + 2))
    wide = float(re.search(r"50% / ([\d.]+)% ", rules)[1]) / 100  # places of one
    for place, (_, share) in enumerate(places):
        middle = float(share) / 100 * (wide - 1) + 0.5
        assert middle / wide * len(STYLES) == pytest.approx(place + 0.5, abs=0.01)


@for_each(
    ("prompt", "is_long"),
    [("猫" * 90, False), ("猫" * 91, True), ("a" * 180, False), ("a\n" * 6, True)],
)
def test_long_prompts_are_folded(client, prompt, is_long):
    """Five lines of the narrow column are shown; what fits in them has no "more"."""
    (picture,) = hang(prompt)

    page = client.get(f"/pictures/{picture}").text

    assert ('class="prompt-more"' in page) is is_long


def test_place_of_a_picture_is_known_before_it_comes(client):
    """The stylesheet has its shape, and no page a style of its own."""
    (picture,) = hang("宽", size=(2016, 864))
    rules = client.get("/app.css").text

    page = client.get(f"/pictures/{picture}").text

    (shape,) = set(re.findall(r'data-ratio="(\d+)"', page))
    assert f'[data-ratio="{shape}"] {{ --ratio: {int(shape) / 100}; }}' in rules
    assert int(shape) / 100 == pytest.approx(2016 / 864, rel=0.02)


GZIP = {"Accept-Encoding": "gzip, deflate, br"}
FIRST_PAGE = 63 * 1024  # bytes
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
    """The tag of a compressed answer is good; HEAD tells what GET would."""
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
