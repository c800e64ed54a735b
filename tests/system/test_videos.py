"""Videos through the whole product: every model, what goes wrong, and what it costs."""

import io
import re
import secrets
from urllib.parse import urlsplit

import av
import pytest

from jimeng.providers import MODELS
from tests.system.stack import Stack

pytestmark = pytest.mark.system

VIDEOS = {each.id: each for each in MODELS if each.video}
CHEAP = "doubao-seedance-1.0-pro-fast"
SMALL = {"resolution": "480p", "duration": 2}
PATH = "/api/v1/ai/video/task"
# What may happen to a link. The video comes in a later request, or as it is.
LINKS = (
    "[[video truncated 2]]",
    "[[video slow_body 2]]",
    "[[video unended 1]]",
    "[[video stalled 1]]",
    "[[video truncated 1]] [[video changed 1]]",
    "[[video truncated_video 1]]",
    "[[video no_range]]",
    "[[video truncated 1]] [[video no_etag 1]]",
    "[[video not_a_video 1]]",
    "[[video audio_only 1]]",
    "[[video html_502 2]]",
    "[[video 404 1]]",
    "[[video zero_bytes 1]]",
    "[[video drop 1]]",
    "[[video huge 1]]",
    "[[poll expired_link 1]]",
    "[[poll InternalServiceError 2]]",
)


@pytest.fixture(scope="module")
def stack(own_stack):
    with own_stack(
        "videos",
        duration=0.3,
        ARK_API_KEY="ark-key-of-the-test",
        ARK_CONCURRENCY="4",
        SECRET_KEY=secrets.token_hex(32),
        USER_MAX_PENDING_VIDEOS="100",
    ) as made:
        yield made


@pytest.fixture(autouse=True)
def afresh(stack):
    """A provider that refuses what it does not know, and two consumers."""
    stack.begin_anew(strict=True, enforce_rates=True)
    for each in VIDEOS.values():
        stack.remember_durations(each.lane, 0.3)
    stack.start_consumer()
    stack.start_consumer()
    stack.await_ready()


def order(stack: Stack, prompt: str, **fields: object) -> str:
    body = {"prompt": prompt, "user_id": "ada", "model": CHEAP, **SMALL, **fields}
    status, answer = stack.ask("POST", PATH, body)
    assert status == 202, answer
    return answer["data"]["task_id"]


def rows(stack: Stack, prompt: str) -> list[dict]:
    return [each for each in stack.ledger()["rows"] if each["prompt"] == prompt]


def check_completed(stack: Stack, data: dict, prompt: str) -> dict:
    """The video is whole, of the size and length that was made, for what is billed."""
    assert (data["status"], data["message"]) == ("completed", "视频生成完成"), data
    (row,) = rows(stack, prompt)
    assert data["cost_micros"] == row["micros"]
    (video,) = data["result"]["videos"]
    status, kind, content = stack.fetch(video["url"])
    assert (status, kind) == (200, "video/mp4")
    with av.open(io.BytesIO(content), format="mp4") as file:
        (track,) = file.streams.video
        assert (track.width, track.height) == (row["width"], row["height"])
        assert len(list(file.decode(video=0))) == row["video"]["frames"]
    assert (video["width"], video["height"]) == (row["width"], row["height"])
    assert stack.fetch(video["poster_url"])[0] == 200
    return row


def press_generate(stack: Stack, **fields: str) -> str:
    """Send the form of the page, and return the id of the task that it leads to."""
    status, _, content = stack.fetch("/videos", {"n": "1", "seed": "", **fields})
    assert status == 200, content
    (task_id,) = set(re.findall(rb'<article id="task-([0-9a-z_]+)"', content)[:1])
    return task_id.decode()


def test_every_model_makes_what_the_page_orders_at_the_expected_price(stack):
    """
    The cheapest of each: short, of the lowest resolution, and silent unasked; by the
    form as a browser sends it. The card plays it, and so does the stage.
    """
    ids = {}
    for name, model in VIDEOS.items():
        least = {
            "resolution": next(iter(model.video.resolutions)),
            "duration": str(model.video.durations[0]),
        }
        ids[name] = press_generate(stack, prompt=f"page {name}", model=name, **least)
    results = stack.await_ended(list(ids.values()), 120)

    for name, task_id in ids.items():
        row = check_completed(stack, results[task_id], f"page {name}")
        assert not row["video"]["audio"]
        (video,) = results[task_id]["result"]["videos"]
        path = urlsplit(video["url"]).path
        card = stack.fetch(f"/tasks/{task_id}/card")[2].decode()
        assert f'href="{path}" data-play' in card
        stage = stack.fetch(f"/pictures/{video['id']}")[2].decode()
        assert re.search(rf'<video [^>]*src="{path}" poster="[^"]+"', stage)


def test_links_that_go_wrong_lose_nothing(stack):
    """Each video is stored whole, and paid for once."""
    ids = {words: order(stack, words) for words in LINKS}
    results = stack.await_ended(list(ids.values()))

    for words, task_id in ids.items():
        row = check_completed(stack, results[task_id], words)
        assert row["downloads"] >= 1, words
