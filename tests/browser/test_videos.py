"""Videos in a real browser: played from the server's ranges."""

import io
from collections.abc import Callable
from urllib.parse import urljoin

import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect

from jimeng.documents import Image, Task
from jimeng.documents.principal import Principal
from jimeng.gallery import shares
from jimeng.web.pictures.files import MAX_OPEN_BYTES
from tests.browser import wall
from tests.browser.harness import every_look
from tests.browser.making import choices_of, file, move_clock
from tests.browser.windows import await_scripts
from tests.conftest import png
from tests.hung_videos import hang_video, noise
from tests.videos import fading, level_of, mp4
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("empty_gallery")

POSTER = {"picture": wall.drawn("海浪拍打礁石", (1280, 720))}
MOVING = {"reduced_motion": "no-preference", "own": True}
# A press lets the next video play for five seconds: here for as long as a busy machine
# takes to show it.
PRESSED = """
Object.defineProperty(navigator.userActivation, "isActive", {
  get() { return this.hasBeenActive; },
});
"""

SECONDS = 12
PLAY = "player => { player.muted = true; player.play().catch(() => {}); }"
NOW = "player => player.currentTime"


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
    player.evaluate(f"player => {{ player.currentTime = {SECONDS - 1}; }}")
    player.evaluate("player => { player.loop = false; }")
    wait_for(lambda: player.evaluate("player => player.ended"))

    assert any(part.endswith(f"/{len(long)}") for part in parts)
    player.evaluate("player => { player.currentTime = 0; player.playbackRate = 4; }")
    player.evaluate(PLAY)  # once it has ended it stands
    wait_for(lambda: player.evaluate("player => player.ended"))


def is_playing(page, selector: str) -> bool:
    return page.locator(selector).evaluate_all(
        "all => all.some((each) => !each.paused && each.currentTime > 0)"
    )


def test_video_plays_under_the_pointer(visit):
    """Without sound, and no longer than that; pressed, its mark does the same."""
    hang_video("海浪拍打礁石", **POSTER)
    page = visit("/gallery", **MOVING).page
    figure, mark = page.locator("figure.photo"), page.locator("[data-play]")
    expect(page.locator("video")).to_have_count(0)

    figure.hover()
    wait_for(lambda: is_playing(page, ".video-now"))
    assert page.locator(".video-now").evaluate("player => player.muted")
    page.mouse.move(5, 5)
    expect(page.locator("video")).to_have_count(0)
    mark.press("Enter")  # without the pointer, under which it would play as well
    wait_for(lambda: is_playing(page, ".video-now"))
    mark.press("Enter")
    expect(page.locator("video")).to_have_count(0)


def test_nothing_plays_by_itself_for_those_who_want_rest(visit):
    """Under the pointer nor on the stage; what they start does."""
    hang_video("海浪拍打礁石", **POSTER)
    page = visit("/gallery").page
    page.locator("figure.photo").hover()
    page.wait_for_timeout(600)
    expect(page.locator("video")).to_have_count(0)

    page.locator("a[data-view]").click()
    player = page.locator("#stage video")
    expect(player).to_be_visible()
    page.wait_for_timeout(600)
    assert player.evaluate("player => player.paused")
    page.keyboard.press("Escape")
    page.locator("[data-play]").click()
    wait_for(lambda: is_playing(page, ".video-now"))


def test_large_video_is_not_fetched_under_the_pointer(visit):
    """Only pressed; nor is any for those whose line is dear."""
    video = hang_video("海浪拍打礁石", **POSTER)
    Image.change({"_id": video.id}, {"bytes": 60_000_000})
    seen = visit("/gallery", own=True, reduced_motion="no-preference")
    seen.page.locator("figure.photo").hover()
    seen.page.wait_for_timeout(600)
    assert not any(".mp4" in each for each in seen.requests)

    Image.change({"_id": video.id}, {"bytes": video.bytes})
    saving = "Object.defineProperty(navigator, 'connection', {value: {saveData: true}})"
    seen.page.add_init_script(saving)
    seen.page.reload()
    await_scripts(seen.page)
    seen.page.locator("figure.photo").hover()
    seen.page.wait_for_timeout(600)
    assert not any(".mp4" in each for each in seen.requests)
    seen.page.locator("[data-play]").click()
    wait_for(lambda: is_playing(seen.page, ".video-now"))


def test_stage_has_keys_for_a_video(visit):
    """Space, arrows, m; and the neighbours by others."""
    hang_video("海", content=mp4(256, 144, frames=24 * SECONDS, audio=True), **POSTER)
    wall.fill(1)
    page = visit("/gallery?kind=videos", **MOVING).page
    page.evaluate(PRESSED)
    page.locator("a[data-view]").click()
    player = page.locator("#stage video")
    wait_for(lambda: is_playing(page, "#stage video"))

    page.keyboard.press("Space")
    wait_for(lambda: player.evaluate("player => player.paused"))
    before = player.evaluate(NOW)
    page.keyboard.press("ArrowRight")
    assert player.evaluate(NOW) == pytest.approx(before + 5, abs=0.1)
    page.keyboard.press("ArrowLeft")
    assert player.evaluate(NOW) == pytest.approx(before, abs=0.1)
    page.keyboard.press("m")
    assert player.evaluate("player => player.muted")
    page.keyboard.press("l")
    expect(page.locator("[data-loop]")).to_have_attribute("aria-pressed", "true")
    assert player.evaluate("player => player.loop")
    page.keyboard.press("f")
    expect(page.locator("#stage [data-key=f]")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.goto("/gallery")
    await_scripts(page)
    page.locator(".photo:has([data-play]) a[data-view]").click()
    expect(page.locator("#stage video")).to_be_visible()
    # As the one before was: the next shall not be loud all of a sudden.
    assert player.evaluate("player => [player.muted, player.loop]") == [True, True]
    expect(page.locator("#stage .stage-count")).to_have_text("2 / 2")
    page.keyboard.press("PageUp")
    expect(page.locator("#stage img.stage-picture")).to_be_visible()
    expect(page.locator("#stage video")).to_have_count(0)


def test_frame_that_is_shown_is_taken_by_a_key(visit):
    """At the moment at which the video was stopped, whatever it has played."""
    hang_video("海", content=fading(frames=48), **POSTER)
    page = visit("/gallery?kind=videos", **MOVING).page
    page.locator("a[data-view]").click()
    player = page.locator("#stage video")
    wait_for(lambda: is_playing(page, "#stage video"))
    player.evaluate("player => { player.pause(); player.currentTime = 0.51; }")

    page.keyboard.press("n")

    page.wait_for_url("**/inputs/*/edit")
    shown = page.locator("img.stage-picture").get_attribute("src")
    content = page.request.get(urljoin(page.url, shown)).body()
    level = Pillow.open(io.BytesIO(content)).getpixel((64, 48))[0]
    assert level == pytest.approx(level_of(12), abs=3)


@every_look
def test_videos_in_every_look(visit, look):
    """
    In the gallery, on the stage, shared, and in the feed; its form, what can be chosen
    in it, and with a first frame.
    """
    video = hang_video("海浪拍打礁石，慢镜头", **POSTER)
    picture, *_ = wall.fill(3)
    seen = visit("/gallery", **look)
    seen.check("gallery-videos")
    seen.page.goto(f"/pictures/{video.id}")
    seen.check("stage-video")
    assert seen.layout_shift() == []
    share = shares.share_or_update(Principal("guest"), video.id, prompts=True)
    seen.page.goto(f"/s/{share.token}")
    seen.check("shared-video")
    seen.page.goto("/")
    expect(seen.page.locator(".slot .video-mark")).to_be_attached()
    seen.check("feed-video")
    seen.page.goto("/?make=video")
    expect(seen.page.locator("#video-duration")).to_be_attached()
    seen.check("video-form")
    assert seen.layout_shift() == []
    seen.page.goto(f"/?make=video&first_frame={picture}")
    expect(seen.page.locator("#video-pictures img")).to_be_visible()
    seen.check("video-form-frame")


def await_choices(page, act: Callable[[], object]) -> None:
    """Do something, and wait until the server has answered it with other choices."""
    page.locator("#choices").evaluate("each => { each.dataset.old = ''; }")
    act()
    expect(page.locator("#choices:not([data-old])")).to_be_attached()


def test_choices_follow_each_other(visit):
    """The server answers; what is written, and the focus, stay."""
    wall.fill(1)
    page = visit("/", lang="en").page
    page.get_by_role("link", name="Videos").click()
    page.wait_for_url("**/?make=video*")
    await_scripts(page)
    page.locator("#prompt").fill("A lantern in the wind")
    menu, length = page.locator("#menu-model"), page.locator("#video-duration")

    choices_of(page)
    length.focus()
    await_choices(page, lambda: length.select_option("10"))
    expect(length).to_be_focused()
    choices_of(page, shown=False)
    menu.locator("summary").click()
    await_choices(page, menu.locator("[value='jimeng-video-3.0-pro']").check)
    expect(menu.locator("summary")).to_contain_text("Jimeng Video 3.0 Pro")
    expect(length).to_have_value("10")
    page.keyboard.press("Escape")
    frame = file(png(640, 360), "a.png", "image/png")
    page.locator("#first_frame-file").set_input_files(frame)
    expect(page.locator("#video-pictures img")).to_be_visible()
    page.get_by_role("button", name="Remove: First frame").click()
    expect(page.locator("#video-pictures img")).to_have_count(0)
    expect(page.locator("#prompt")).to_have_value("A lantern in the wind")
    mine = {"type": "video", "user_id": "guest"}
    assert Task.collection().count_documents(mine) == 0
    page.reload()
    expect(page.locator("#prompt")).to_have_value("A lantern in the wind")
    expect(menu.locator("summary")).to_contain_text("Jimeng Video 3.0 Pro")
    expect(length).to_have_value("10")


def test_drafts_of_both_forms(visit):
    """
    Each has its own; what a link replaces comes back, with its frames. A video from a
    picture begins without the words of another.
    """
    (picture,) = wall.fill(1)
    page = visit("/", lang="en").page
    page.locator("#prompt").fill("A picture")
    page.get_by_role("link", name="Videos").click()
    expect(page.locator("#prompt")).to_have_value("")
    page.locator("#prompt").fill("A video")
    choices_of(page)
    page.locator("#choose-style [value=ink]").check()
    page.keyboard.press("Escape")
    expect(page.locator("#sum")).to_contain_text("Ink wash")
    page.get_by_role("link", name="Pictures").click()
    expect(page.locator("#prompt")).to_have_value("A picture")
    expect(page.locator("#sum")).not_to_contain_text("Ink wash")
    page.goto(f"/?make=video&first_frame={picture}")
    frames = page.locator("#video-pictures img")
    expect(frames).to_have_count(1)
    expect(page.locator("#prompt")).to_have_value("")
    page.reload()
    expect(page.locator("#prompt")).to_have_value("")
    expect(page.locator("#sum")).to_contain_text("Ink wash")
    page.locator("#undo-button").click()
    expect(page.locator("#prompt")).to_have_value("A video")
    expect(frames).to_have_count(0)
    page.goto(f"/?make=video&first_frame={picture}")
    page.locator("#prompt").fill("It moves")
    page.reload()
    expect(page.locator("#prompt")).to_have_value("It moves")

    page.goto("/?make=video&prompt=Another")
    expect(page.locator("#prompt")).to_have_value("Another")
    page.locator("#undo-button").click()
    expect(page.locator("#prompt")).to_have_value("It moves")
    expect(frames).to_have_count(1)


def test_video_is_made_and_played(visit):
    """From the form to the stage, with the demo."""
    page = visit("/?make=video", lang="en", **MOVING).page
    page.evaluate(PRESSED)
    page.locator("#prompt").fill("A lantern in the wind")
    page.locator("#prompt").press("Enter")
    mark = page.locator(".slot .video-mark")
    expect(mark).to_be_visible()
    expect(page.locator("#prompt")).to_have_value("A lantern in the wind")
    page.locator(".slot-link").click()
    wait_for(lambda: is_playing(page, "#stage video"))


def test_nothing_moves_as_a_video_comes(visit, live_server):
    """In feed and gallery, and as it plays, it has the place that it began with."""
    body = {"prompt": "[[slow 1000]] 灯笼随风轻摆", "user_id": "guest", "ratio": "9:16"}
    status, answer = live_server.ask("POST", "/api/v1/ai/video/task", body)
    assert status == 202, answer
    seen = visit("/", **MOVING)
    page, slot = seen.page, seen.page.locator(".slot")
    mark = page.locator("[data-play]")
    expect(slot).to_have_attribute("data-state", "generating")
    expect(mark).to_have_count(0)
    shape = slot.bounding_box()

    move_clock(live_server, 1000.0)
    expect(mark).to_be_visible()
    expect(slot.locator("img")).to_have_js_property("complete", True)
    assert slot.bounding_box() == shape
    assert shape["height"] > shape["width"]
    assert seen.layout_shift(after_input=True) == []

    page.goto("/gallery")
    await_scripts(page)
    figure = page.locator("figure.photo")
    expect(figure.locator("img")).to_have_js_property("complete", True)
    shape = figure.bounding_box()
    figure.hover()
    wait_for(lambda: is_playing(page, ".video-now"))
    assert figure.bounding_box() == shape
    assert seen.layout_shift(after_input=True) == []
