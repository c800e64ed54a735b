"""What one does all day, in Firefox and in WebKit."""

import json
import secrets

import pytest

from tests.browser.making import make

SMALL = "/?size=512x512&n=1&model=doubao-seedream-3.0-t2i"
ENTER, ESCAPE, RIGHT = "\ue007", "\ue00c", "\ue014"


@pytest.fixture(scope="module")
def picture(live_server, browser_window) -> str:
    """Made for one engine: what the other has edited has edits."""
    make(live_server, "older", size="512x512")
    return f"{make(live_server, 'a boat on a lake', size='512x512', n=2)}_0"


def test_prompt_becomes_a_picture(window):
    """Written, sent with Enter, and there without a reload."""
    words = f"a lighthouse {secrets.token_hex(4)}"  # none that the other has asked for
    window.goto(SMALL)
    window.write("#prompt", words)
    window.keys(ENTER)

    prompt = "document.querySelector('.card-prompt')?.textContent"
    window.until(f"{prompt} == '{words}'", "the card")
    window.until("document.querySelector('.card .slot img')?.naturalWidth", "a picture")
    window.until("!document.querySelector('#ticker[hx-get]')", "the polls have ended")


def test_composer_understands(window, picture):
    """A reference brings a model for it; words that vary are counted."""
    window.goto(SMALL)
    window.write("#prompt", "a {red|blue} boat")
    window.find("#batch-offer [name=literal]")
    said = "document.querySelector('#composer .primary').innerText"
    window.until(f"/2/.test({said})", "the number of pictures")
    window.run("document.querySelector('.slot [data-verb=i]').click()")
    window.find("#inputs .input-tile img")
    window.find("[data-note=switched]")


def test_stage_zooms_paints_and_compares(window, picture):
    """Opened from the gallery, walked, painted on, compared, and left by Escape."""
    window.goto("/gallery")
    window.press(f"a[data-view*='/i/'][href*={json.dumps(picture)}]")
    window.find("#stage .stage-title")
    window.until("!document.querySelector('.stage[aria-busy]')", "all of the picture")
    wide = "document.querySelector('.stage-box').getBoundingClientRect().width"
    before = window.run(f"return {wide}")
    window.keys("+")
    window.until(f"{wide} > {before}", "the zoom")
    window.keys("0")

    window.press("[data-tool=repaint]")
    window.drag(".stage-box", (0.4, 0.4), (0.5, 0.5), (0.6, 0.6))
    window.until("!document.querySelector('[data-brush=undo]').disabled", "a stroke")
    window.write("#repaint-prompt", "a red boat")
    window.press("#edit-repaint .primary")
    window.until("document.querySelectorAll('.strip-picture').length == 3", "the edit")

    window.press("[data-tool=compare]")
    window.press("[data-mode=side]")
    window.until(
        "document.querySelector('.stage-other').naturalWidth", "the other picture"
    )
    left, right = window.run(
        """return ['other', 'box'].map((each) =>
          document.querySelector(`.stage-${each}`).getBoundingClientRect().x)"""
    )
    assert left < right
    window.keys(ESCAPE)
    window.until("!document.querySelector('#stage[open]')", "the gallery")
    window.until("location.pathname == '/gallery'", "the way back is as before")
