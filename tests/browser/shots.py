"""Screenshots of a state, for people to look at; `make screenshots` takes them."""

from pathlib import Path

SHOTS = Path(__file__).parent.parent.parent / "screenshots"
# What `make screenshots` also takes, beside each: width -> height.
BESIDE = {390: {360: 800, 768: 1024}, 1280: {1024: 768, 1920: 1080}}
# What listens to the size has done its work, pictures of another size are there.
SETTLED = """
async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  const shown = [...document.images].filter((each) => each.checkVisibility());
  const drawn = Promise.allSettled(shown.map((each) => each.decode()));
  await Promise.race([drawn, new Promise((done) => setTimeout(done, 1500))]);
}
"""
# The test goes on as if the window had not changed.
BEFORE = (
    "window.__shifts.concat(window.__shiftObserver.takeRecords())",
    "document.activeElement",
)
AFTER = """
([moved, focused]) => {
  window.__shiftObserver.takeRecords();
  window.__shifts = moved;
  focused.focus({ preventScroll: true });
}
"""


def take(page, name: str, look: str, *, full: bool) -> None:
    """
    Write ``screenshots/<name>-<look>.png``, and, of an ordinary window, what it is in
    its neighbours' widths: six of a state in all, see `tests.sheets`.

    Args:
        look: As `harness.Watched.look`.
        full: The whole page, not only what the window shows.
    """
    SHOTS.mkdir(exist_ok=True)
    _write(page, f"{name}-{look}", full)
    size, kind = page.viewport_size, look.rpartition("-")[0]
    if look != f"{kind}-{size['width']}":
        return
    moved, focused = (page.evaluate_handle(each) for each in BEFORE)
    for width, height in BESIDE.get(size["width"], {}).items():
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(SETTLED)
        _write(page, f"{name}-{kind}-{width}", full)
    page.set_viewport_size(size)
    page.evaluate(SETTLED)
    page.evaluate(AFTER, [moved, focused])


def _write(page, name: str, full: bool) -> None:
    # Hiding the caret would leave a style attribute in every field, which htmx would
    # copy, and the policy refuse.
    how = {"animations": "disabled", "caret": "initial"}
    page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=full, **how)
