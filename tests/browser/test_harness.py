"""The watched page notices what it is there to notice."""

import pytest

pytest.importorskip("playwright.sync_api")

from tests.browser.harness import every_look

pytestmark = pytest.mark.browser


@every_look
def test_first_page_in_every_look(visit, look):
    """The page people open first is in order everywhere."""
    seen = visit("/", **look)

    seen.check("first-page", full=True)
    assert seen.layout_shift() == []


def test_first_page_without_scripts(visit):
    """axe and the measuring work where the page's own scripts are off."""
    seen = visit("/", lang="en", width=390, js=False)

    seen.check("first-page")


@pytest.mark.parametrize(
    ("provoke", "told"),
    [
        ("() => { console.error('oh'); }", "oh"),
        ("() => { setTimeout(() => { throw new Error('ouch'); }); }", "ouch"),
        ("() => { fetch('http://localhost:9/x').catch(() => 0); }", "localhost:9"),
        ("() => { fetch('/tasks/none').catch(() => 0); }", "404"),
        ("() => { document.body.setAttribute('style', 'top: 0'); }", "CSP: style-src"),
        (
            "() => { document.body.append(Object.assign("
            "document.createElement('script'), { text: '1' })); }",
            "CSP: script-src",
        ),
    ],
)
def test_trouble_is_noticed(visit, provoke, told):
    """Each kind of disorder would have failed the test."""
    seen = visit("/")
    assert seen.verdict() == []

    seen.page.evaluate(provoke)
    seen.page.wait_for_function("() => true", polling=100)
    seen.page.wait_for_timeout(200)

    assert any(told in line for line in seen.verdict())
    seen.troubles.clear()


@pytest.mark.parametrize("js", [True, False])
def test_bad_markup_is_noticed(visit, js):
    """axe runs, with or without the page's own scripts, and with the newest rules."""
    seen = visit("/", width=390, js=js)

    seen.page.evaluate(
        "() => { document.querySelector('main').insertAdjacentHTML('beforeend',"
        " '<p><img src=/static/favicon.svg><input type=checkbox class=unseen></p>"
        "<h6>.</h6>'); }"
    )

    found = {line.split()[0] for line in seen.axe()}
    assert found >= {"image-alt", "label", "heading-order"}


def test_movement_is_noticed(visit):
    """What pushes the page down by itself is told."""
    page = (seen := visit("/")).page
    assert seen.layout_shift() == []

    page.evaluate(
        "() => { document.querySelector('main').insertAdjacentHTML('beforebegin',"
        " '<p>a<br>b<br>c<br>d<br>e<br>f</p>'); }"
    )

    assert len(seen.layout_shift()) >= 1
