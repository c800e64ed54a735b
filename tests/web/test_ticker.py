"""How a page learns what has become of the tasks that it shows as unfinished."""

import re
from datetime import timedelta

import pytest

from jimeng.documents import Generation, utcnow
from jimeng.errors import ProviderError
from jimeng.web.site.formats import spoken_roughly
from tests.conftest import run_queue
from tests.each import for_each
from tests.forgetting import forget_lanes
from tests.page import look, marks, new_task, send

ENGLISH = {"Accept-Language": "en-GB"}


def states(mark: str, letters: str) -> str:
    """The mark of a page that shows its two pictures so."""
    assert ".qq" in mark
    return mark.replace(".qq", f".{letters}")


def test_ticker_brings_the_picture_and_ends(client, work_off):
    """Empty as long as nothing changes. The picture takes its place, it is told once,
    and no more is asked; nothing is remembered of who has seen what, so an answer that
    was lost is given again. Until all has ended its tab says how many are to come."""
    task_id = new_task(client, n="2")
    page = client.get("/")
    assert 'hx-trigger="every 1s"' in page.text and "<title>(1) " in page.text
    (mark,) = marks(page)
    silent = look(client, [mark])
    assert (silent.status_code, silent.data) == (204, b"")
    running = look(client, [states(mark, "uq")]).text
    assert "<figure" in running
    assert f'id="actions-{task_id}"' not in running, "focus and menus stay"
    work_off()

    for answer in (look(client, [mark]), look(client, [mark])):
        assert f'<figure id="slot-{task_id}-0"' in answer.text
        assert f'<figure id="slot-{task_id}-1"' in answer.text
        assert answer.text.count("/thumb.webp") == 2
        assert 'id="announce"' in answer.text
        assert marks(answer) == []
        assert '<div id="ticker" hidden></div>' in answer.text
    # What was shown as done is neither sent nor announced again.
    rest = look(client, [states(mark, "dq")]).text
    assert rest.count("<figure") == 1
    news = re.search(r'<p id="announce".*?</p>', rest, re.DOTALL)[0]
    assert "2" in news and "第 1 张" not in news
    page = client.get("/")
    assert "every" not in page.text and "<title>(" not in page.text
    assert marks(page) == []


def test_ticker_takes_away_what_is_gone(client):
    """A task that was deleted in another window goes from this one too. Odd queries are
    answered as if there were nothing live."""
    new_task(client)  # which goes on waiting
    task_id = new_task(client, prompt="一只猫")
    shown = marks(client.get("/"))
    send(client, f"/tasks/{task_id}/delete")

    answer = look(client, shown)

    assert f'<article id="task-{task_id}" hx-swap-oob="delete">' in answer.text
    answer = look(client, ["", "x.y.z", "../../etc", "a" * 5000])
    assert answer.status_code == 200
    assert "hx-get" not in answer.text


def test_waiting_pictures_show_their_place(client):
    """Each place says where in line it stands, and a change of that is sent."""
    new_task(client, n="4")
    new_task(client, n="2")
    forget_lanes()  # the line is looked at once a second
    page = client.get("/", headers=ENGLISH)
    shown = marks(page)
    assert page.text.count("Queued · 1 ahead") == 2

    moved = [shown[0].rpartition(".")[0] + ".7-90-0", shown[1]]
    answer = look(client, moved)

    assert answer.text.count("<figcaption") == 2
    assert "<figure" not in answer.text


@pytest.mark.parametrize(
    ("taken", "expected", "wait"),
    [(800, 1000, "0.4"), (200, 1000, "1"), (4000, 1000, "1")],
    ids=["due", "early", "overdue"],
)
def test_picture_that_is_due_is_looked_for_more_often(client, taken, expected, wait):
    """So that it is on the screen as soon as it is there."""
    task_id = new_task(client)
    run_queue()
    began = utcnow() - timedelta(seconds=taken)
    now = {"state": "generating", "accepted_at": began, "expected": expected}
    Generation.collection().update_one({"task_id": task_id}, {"$set": now})

    assert f'hx-trigger="every {wait}s"' in client.get("/").text


def progress(page) -> str:
    """What the header says of all that is not finished."""
    found = re.search(r'<a id="progress".*?</a>', page.text, re.DOTALL)[0]
    return " ".join(re.sub("<[^>]*>", " ", found).split())


def test_header_says_what_is_generated_and_what_waits(client, work_off):
    """Of tasks that are older than the page, too; at the end it leads to all tasks."""
    client.set_cookie("lang", "en")
    assert progress(client.get("/")) == "Tasks"
    new_task(client, n="2")
    page = client.get("/")
    assert progress(page).startswith("2 queued")
    (mark,) = marks(page)
    assert progress(look(client, [states(mark, "gq")])).startswith("2 queued")
    for _ in range(14):
        new_task(client)
    page = client.get("/")
    assert progress(page).startswith("15 queued")
    work_off()

    assert progress(look(client, marks(page))) == "Tasks"


@for_each(
    ("seconds", "words"),
    [(3, "5 s"), (95, "95 s"), (96, "2 min"), (3540, "59 min"), (3600, "1 h 0 min")],
)
def test_estimates_are_rounded(app, seconds, words):
    """Nobody is told seconds that nobody knows."""
    with app.test_request_context(headers=ENGLISH):
        assert spoken_roughly(seconds) == words


def test_reason_takes_the_place_of_the_frames_when_all_has_failed(
    client, work_off, provider
):
    """With the answer that says so, and not only on the next page; nothing moves."""
    lost = ProviderError("no", code="provider_failed")
    provider.submits = [lost, lost]
    task_id = new_task(client, n="2")
    (shown,) = marks(client.get("/"))
    work_off()

    answer = look(client, [shown]).text

    card = answer.partition(f'<article id="task-{task_id}"')[2].partition(">")[0]
    assert 'data-empty="here"' in card and 'hx-swap-oob="true"' in card
