"""Videos in a real browser: played from the server's ranges."""

import pytest

from jimeng.web.pictures.files import MAX_OPEN_BYTES
from tests.browser import wall
from tests.hung_videos import hang_video, noise
from tests.waiting import wait_for

SECONDS = 12
PLAY = "player => { player.muted = true; player.play().catch(() => {}); }"
NOW = "player => player.currentTime"


@pytest.fixture(autouse=True)
def empty_gallery(live_server):
    with wall.connected(live_server):
        yield


def test_video_alone_plays_and_seeks(visit):
    """Opened by its link, larger than one answer is, from near its end, too."""
    long = noise(SECONDS)
    video, parts = hang_video(content=long), []
    assert len(long) > 2 * MAX_OPEN_BYTES
    seen = visit("/offline", own=True)
    seen.page.on(
        "response",
        lambda each: parts.append(each.headers.get("content-range", "")),
    )

    seen.page.goto(video.path)
    player = seen.page.locator("video")
    player.evaluate(PLAY)
    wait_for(lambda: player.evaluate(NOW) > 0.2)
    assert player.evaluate("player => player.duration") == pytest.approx(12, abs=0.2)
    player.evaluate(f"player => player.currentTime = {SECONDS - 1}")
    wait_for(lambda: player.evaluate(NOW) > SECONDS - 0.8)

    assert any(part.endswith(f"/{len(long)}") for part in parts)
    player.evaluate("player => { player.currentTime = 0; player.loop = false; }")
    wait_for(lambda: player.evaluate("player => player.ended"), 60)
