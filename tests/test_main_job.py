"""The main job as `make test` sees it: server, consumer and simulator as processes."""

import html
import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

PROMPT = "雨后的江南小巷"


@pytest.fixture(scope="module")
def stack(own_stack):
    with own_stack("main_job") as made:
        yield made


@pytest.fixture
def bill(stack) -> Callable[[], list[int]]:
    """The seeds that were paid for, the smallest first; none is in the beginning."""
    stack.begin_anew(duration=0.2)
    stack.start_consumer()
    stack.await_ready()

    def rows() -> list[int]:
        return sorted(row["seed"] for row in stack.ledger()["rows"])

    return rows


def size_of(stack: Stack, url: str) -> tuple[int, int]:
    """In pixels, of a picture that the server serves."""
    status, kind, body = stack.fetch(url)
    assert (status, kind) == (200, "image/jpeg")
    with Image.open(BytesIO(body)) as picture:
        return picture.size


def test_rest_makes_pictures_that_are_paid_for_once(stack, bill):
    """Asked for once and again with the same key; two pictures, two rows."""
    body = {"prompt": PROMPT, "user_id": "ada", "size": "512x768", "n": 2, "seed": 7}
    path, key = "/api/v1/ai/image/task", {"Idempotency-Key": "one"}
    answers = [stack.ask("POST", path, body, headers=key) for _ in range(2)]
    assert [status for status, _ in answers] == [202, 202]
    (task_id,) = {answer["data"]["task_id"] for _, answer in answers}

    data = stack.await_ended([task_id])[task_id]

    assert data["status"] == "completed"
    urls = data["result"]["image_urls"]
    assert [size_of(stack, url) for url in urls] == [(512, 768)] * 2
    assert bill() == [7, 8]


def test_page_makes_a_picture_that_is_paid_for_once(stack, bill):
    """The form as it stands on the front page, sent as a browser without scripts."""
    form = {"prompt": PROMPT, "size": "512x512", "n": "1", "seed": "41"}
    request = urllib.request.Request(
        stack.url + "/tasks",
        urllib.parse.urlencode(form).encode(),
        {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        assert answer.status == 200
        page = answer.read().decode()
    (task_id,) = re.findall(r'<article id="task-([0-9a-z_]+)"', page)
    assert PROMPT in page

    def picture() -> str | None:
        status, _, body = stack.fetch(f"/tasks/{task_id}")
        assert status == 200
        found = re.search(r'<img[^>]* src="([^"]*/i/[^"]+)"', body.decode())
        return found and html.unescape(found[1])

    shown = wait_for(picture, what="the page shows the picture")
    assert stack.fetch(shown)[0] == 200
    assert size_of(stack, stack.result(task_id)["result"]["image_url"]) == (512, 512)
    assert bill() == [41]
