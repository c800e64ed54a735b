"""Somebody at work: seconds from the press to the picture, without the provider's."""

import statistics
from collections.abc import Iterator

from tests.bench.rows import Row, Site
from tests.servers import QUIET, find_chromium
from tests.system.stack import Stack

ROUNDS = 8
STEPS = ("press to accepted", "drawn to seen by a poll", "to kept", "to on the screen")
SIGMA = 0.3  # spread of the logarithm
DURATION = 3.0  # seconds, the median that the provider takes for a picture
# Presses the button, and waits until the picture that comes of it is on the screen.
PRESS = """
async (prompt) => {
  const frame = () => new Promise(requestAnimationFrame);
  const pressed = Date.now();
  document.querySelector("#composer .primary").click();
  for (;;) {
    const card = [...document.querySelectorAll(".card")]
      .find((each) => each.querySelector(".card-prompt").textContent.trim() === prompt);
    const picture = card?.querySelector(".slot img");
    if (picture?.complete && picture.naturalWidth) break;
    await frame();
  }
  await frame();
  return [pressed / 1000, Date.now() / 1000];
}
"""


def rows(site: Site) -> Iterator[Row]:
    """Ask for pictures one after the other in Chromium, and tell where time went."""
    path = find_chromium()
    if path is None:
        yield Row("the loop in a browser", "Chromium is needed")
        return
    with site.stack("loop", duration=DURATION) as stack:
        stack.start_consumer()
        stack.await_ready()
        stack.simulate(plain=True, sigma=SIGMA)  # the time of drawing is not ours
        rounds = browse(stack, path)[1:]  # the first one warms all up
    for name in STEPS:
        yield Row(name, told([each[name] for each in rounds]))
    shown = [sum(list(each.values())[1:]) for each in rounds]
    yield Row("drawn to on the screen", told(shown), goal="0.7 s")


def told(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds):.2f} s, most {max(seconds):.2f} s"


def browse(stack: Stack, path: str) -> list[dict[str, float]]:
    """For each round the seconds of each step."""
    # Imported here: all else is measured without it, too.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        page = browser.new_page(base_url=stack.url)
        page.goto("/")
        found = [once(stack, page, f"一只猫 {number}") for number in range(ROUNDS)]
        browser.close()
    return found


def once(stack: Stack, page, prompt: str) -> dict[str, float]:
    page.fill("#prompt", prompt)
    page.check('[name="n"][value="1"]')
    pressed, shown = page.evaluate(PRESS, prompt)
    ledger = stack.ask("GET", "/_simulator/ledger", url=stack.simulator_url)[1]
    (row,) = [each for each in ledger["rows"] if each["prompt"] == prompt]
    with stack.database() as found:
        image = found.images.find_one({"prompt": prompt})
        drawn = found.generations.find_one({"_id": image["_id"]})["drawn_at"]
    moments = [row["finished_at"], drawn.timestamp(), image["created_at"].timestamp()]
    ends = [*moments[1:], shown]
    spans = [end - begin for begin, end in zip(moments, ends, strict=True)]
    return dict(zip(STEPS, [row["accepted_at"] - pressed, *spans], strict=True))
