"""What the button says of count and price."""

import html
import json
import re

import pytest

from jimeng.web.site.formats import yuan_short
from tests.each import for_each
from tests.web.test_composer import PRO, SMALL, USUAL, registry

__all__ = ["registry"]  # models of both providers


def cost(page) -> tuple[str, dict]:
    """What the button says, and what it could come to say."""
    span = r'<span id="cost"[^>]+data-micros="([^"]*)"[^>]*>([^<]*)'
    found = re.search(span, page.text)
    return found[2], json.loads(html.unescape(found[1]))


@for_each(
    ("words", "said"),
    [
        ({"model": USUAL}, "¥0.20"),
        ({"model": USUAL, "n": "4"}, "×4 · ¥0.80"),
        ({"model": PRO, "size": "1:1", "resolution": "1K"}, "¥0.30"),
        ({"model": PRO, "size": "1:1", "resolution": "2K", "n": "2"}, "×2 · ¥1.20"),
        ({"model": SMALL, "n": "4"}, "×4"),
        ({"model": SMALL}, ""),
    ],
)
def test_button_says_count_and_price(client, words, said):
    """By model, size and count, without a script too; what is unknown is not said."""
    page = client.post(
        "/composer", data=words, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert cost(page)[0] == said
    assert bool(cost(page)[1]) == ("¥" in said)


def test_price_comes_with_another_model(client):
    """The answer to a change holds the button's words, and the table behind them."""
    query = {"model": PRO, "n": "3", "size": "1:1", "resolution": "1K"}

    page = client.get("/composer", query_string=query, headers={"HX-Request": "true"})

    said, table = cost(page)
    assert said == "×3 · ¥0.90"
    assert (table["1:1"]["1K"], table["1:1"]["2K"]) == (300_000, 600_000)
    assert 'id="cost"' in page.text and 'hx-swap-oob="true"' in page.text


def test_without_scripts_the_price_is_of_one(client):
    """What would not follow the choices is not said: each picture's price is."""
    page = client.get("/", query_string={"prompt": "猫", "model": PRO})

    assert (
        '<noscript><span class="fine">每张 ¥0.30–¥0.60</span></noscript>' in page.text
    )


def test_demo_costs_nothing(app, client, monkeypatch):
    """There is a count and no price."""
    monkeypatch.setitem(app.jinja_env.globals, "demo", True)
    page = client.post(
        "/composer", data={"n": "4"}, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert cost(page) == ("×4", {})
    assert "<noscript><span" not in page.text


@pytest.mark.parametrize(
    ("micros", "shown"),
    [
        (810_208, "¥0.81"),
        (2_005_000, "¥2.00"),
        (200_000, "¥0.20"),
        (1_234, "¥0.001234"),
    ],
)
def test_price_beside_a_button_has_two_decimals(micros, shown):
    """The exact one is in the details; only less than a fen is shown as it is."""
    assert yuan_short(micros) == shown
