"""
How many bytes a page is on the first visit, as the browser counts them: with little to
spare, so that whoever makes one heavier decides to.
"""

import math

from playwright.sync_api import expect

from tests.browser import wall
from tests.browser.making import clear

KB = 1000
PICTURE = "/i/"  # in the addresses of users' pictures


def weigh(visit, path: str, last: str) -> tuple[int, int]:
    """
    Open a page in a window that has stored nothing.

    Args:
        last: A CSS selector of what is seen when all is there.

    Returns:
        The bytes that came over the network until nothing more came, and those of them
        that are no pictures of users.
    """
    page = visit("/health", lang="en", own=True).page
    tools = page.context.new_cdp_session(page)
    urls, sizes = dict[str, str](), dict[str, int]()

    def begun(event: dict) -> None:
        urls[event["requestId"]] = event["response"]["url"]

    def ended(event: dict) -> None:
        sizes[event["requestId"]] = event["encodedDataLength"]

    tools.on("Network.responseReceived", begun)
    tools.on("Network.loadingFinished", ended)
    tools.send("Network.enable")
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(path)
    expect(page.locator(last).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    own = [size for each, size in sizes.items() if PICTURE not in urls.get(each, "")]
    return sum(sizes.values()), sum(own)


def test_first_visits(visit, live_server):
    """
    With the ideas to begin with; with what the window shows at first of many pictures,
    in the size in which it is shown; on the stage, with all its tools, the picture is
    as large as it was made.
    """
    clear(live_server)
    whole, _ = weigh(visit, "/", ".frame img")
    assert whole <= 185 * KB
    with wall.connected(live_server):
        newest, *_ = wall.fill(40)
        photos = "a[data-view] img"
        for path, last, most_kb, own_kb in [
            ("/", photos, 558, 115),
            ("/gallery", photos, 650, 85),
            (f"/pictures/{newest}", ".rail", math.inf, 90),
        ]:
            whole, own = weigh(visit, path, last)
            assert whole <= most_kb * KB, path
            assert own <= own_kb * KB, path
