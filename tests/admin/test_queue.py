"""The operator's page of the queue: what it shows, and clearing."""

import re
from datetime import timedelta

from pymongo.errors import AutoReconnect

from jimeng import lanes
from jimeng.billing.costs import today
from jimeng.documents import Generation, Lane, Task, Worker, utcnow
from jimeng.jobs import bulk
from jimeng.jobs.bulk import worker
from jimeng.operations import queue_actions, settings
from tests.admin.pages import ENGLISH, OPERATOR, actions, done, fail, text_of
from tests.billing.conftest import settle
from tests.conftest import run_queue
from tests.each import for_each
from tests.page import HTMX, send
from tests.rest import client_with, create, new_user, result
from tests.test_core import refusal

QUEUE, LIVE, CLEAR = "/admin/queue", "/admin/queue/live", "/admin/queue/clear"


def tiles(page) -> dict[str, str]:
    """The name of each number, and the number."""
    pairs = re.findall(
        r"<dt>([^<]+)</dt>\s*<dd class=\"op-number-value\">(\d+)", page.text
    )
    return dict(pairs)


def test_absent_redis_is_said(config, registry, database):
    with client_with(config, registry, REDIS_URL="redis://127.0.0.1:9/0") as client:
        words = text_of(client.get(QUEUE, headers=ENGLISH))
        shown = text_of(client.get("/admin/settings", headers=ENGLISH))

    assert "Redis is unreachable" in words
    assert "Jobs in Redis" not in words
    assert "Redis Unavailable" in shown


def test_absent_mongodb_is_waited_for_once(client, monkeypatch):
    """Its version is not left out of the settings: the rest would wait for it again."""
    asked = []

    def away(*names: str) -> None:
        asked.append(names)
        raise AutoReconnect("away")

    monkeypatch.setattr(settings, "get_db", away)

    page = client.get("/admin/settings", headers=ENGLISH)

    assert (page.status_code, len(asked)) == (503, 1)


def test_numbers_are_those_of_the_moment(client, provider, work_off):
    """Waiting, under way, done and failed; each reason leads to the list of these. And
    who waits for how much, by name, since when, and what of it is under way."""
    user = new_user(client, "ada@example.com", "Ada L")
    create(client)
    work_off()
    fail(client, provider, work_off, *[refusal()] * 2)
    create(client, user_id=user["id"], n=4)
    run_queue()
    create(client, user_id="stranger")
    ago = utcnow() - timedelta(minutes=5, seconds=7)
    Generation.collection().update_many({}, {"$set": {"created_at": ago}})

    settle()

    page = client.get(QUEUE, headers=ENGLISH)

    assert tiles(page) == {
        "Waiting": "3",
        "In progress": "2",
        "Waiting to retry": "0",
        "Done in the last hour": "1",
        "Failed in the last hour": "2",
        "Failed in total": "2",
    }
    words = text_of(page)
    assert "content_refused_prompt 2" in words
    assert f"/admin/failures?code=content_refused_prompt&amp;day={today()}" in page.text
    assert "Ada L 2 2" in words and "stranger 1 0" in words
    assert re.search(r"longest 5 min (0[7-9]|[1-5]\d) s", words)


def test_lanes_tell_their_limits(client, lane):
    """Slots in use, and why there are fewer than configured."""
    create(client, n=2)
    run_queue()
    words = text_of(client.get(QUEUE, headers=ENGLISH))
    assert "2 / 2" in words

    until = utcnow() + timedelta(minutes=5)
    Lane(id=lane, limit=1, limit_until=until, limit_refused_at=utcnow()).save()
    words = text_of(client.get(QUEUE, headers=ENGLISH))
    assert "2 / 1" in words and "Limit lowered from 2" in words

    Lane.collection().update_one({"_id": lane}, {"$set": {"not_before": until}})
    words = text_of(client.get(QUEUE, headers=ENGLISH))
    assert f"Backs off until {until:%H:%M:%S}" in words


def test_without_a_worker_work_is_suspended(client, monkeypatch):
    """Each page says so at the top; the queue's, when that has changed."""
    paths = (QUEUE, "/admin/failures", "/admin/users")
    pages = [client.get(path, headers=ENGLISH).text for path in paths]
    assert not any("processing is paused" in page for page in pages)
    monkeypatch.setattr(lanes.limits._state, "worker", (0.0, True))

    for path in paths:
        words = text_of(client.get(path, headers=ENGLISH))
        assert "No worker is running, so processing is paused" in words
    live = client.get(f"{QUEUE}/live")
    assert live.headers["HX-Refresh"] == "true"


def test_workers_are_listed(client):
    now = utcnow()
    rows = [("a:1:x", now), ("b:2:x", now - timedelta(minutes=5))]
    Worker.collection().insert_many(
        {"_id": name, "started_at": now, "seen_at": seen} for name, seen in rows
    )

    Worker.collection().insert_one(
        {"_id": "c:3:x", "started_at": now, "seen_at": now, "left": True}
    )
    words = text_of(client.get(QUEUE, headers=ENGLISH))
    assert "c:3" not in words, "it was told to stop"
    assert "a:1 Alive heartbeat within 15 s" in words
    assert "b:2 Gone last heartbeat" in words


def test_last_day_is_drawn(client, work_off):
    """A bar for this hour, with its numbers in words; nothing to draw is said."""
    assert "Nothing ended" in text_of(client.get(QUEUE, headers=ENGLISH))
    create(client)
    work_off()
    settle()
    ended = Generation.find_one({}).ended_at

    page = client.get(QUEUE, headers=ENGLISH)

    assert f"{ended:%H}:00 UTC: 1 done, 0 failed" in page.text
    assert f"{ended:%m-%d %H}:00 1 0" in text_of(page), "for who sees no bars"
    assert "1 today" in text_of(page)
    renewed = client.get("/admin/queue/hours", headers={**HTMX, **ENGLISH}).text
    assert renewed.strip() in page.text
    assert len(queue_actions.hours(OPERATOR)) == 24


def live_link(page) -> str:
    return page.text.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")


def test_live_part_answers_only_what_has_changed(client, work_off):
    """204 while all is as shown; then the part, with where to ask on; when a switch was
    thrown, the page anew."""
    link = live_link(client.get(QUEUE))
    assert link.startswith(LIVE)
    assert client.get(link, headers=HTMX).status_code == 204

    create(client)
    work_off()  # while something waits, the seconds that it has waited change
    changed = client.get(link, headers=HTMX)

    assert changed.status_code == 200
    assert changed.text.lstrip().startswith('<div id="live"')
    link = live_link(changed)
    assert client.get(link, headers=HTMX).status_code == 204
    queue_actions.set_paused(OPERATOR, "intake", True)  # by another operator
    assert client.get(link, headers=HTMX).headers["HX-Refresh"] == "true"


@for_each(
    ("name", "banner"),
    [
        ("intake", "New tasks are paused"),
        ("sending", "Sending is paused"),
        ("webhooks", "Webhooks are paused"),
    ],
)
def test_switches_are_thrown_on_the_page(client, name, banner):
    """All of the operator's pages tell, until it goes on."""
    page = done(client, f"/admin/switches/{name}", paused="1")
    assert 'value="0"' in page.text

    for path in (QUEUE, "/admin/users", "/admin/audit"):
        assert banner in text_of(client.get(path, headers=ENGLISH))

    page = done(client, f"/admin/switches/{name}", paused="0")

    assert banner not in text_of(page)
    assert actions()[-2:] == [(f"{name}.pause", None), (f"{name}.resume", None)]


def test_clearing_cancels_what_waits(client):
    """The count comes first; a wrong word cancels nothing. Owners are told by whom."""
    waiting = create(client, n=3)
    create(client, user_id="bob")
    page = client.get(CLEAR, headers=ENGLISH)
    assert "tasks: 2, pictures and videos: 4, users: 2" in text_of(page)
    wrong = send(client, CLEAR, word="yes")
    assert wrong.status_code == 422
    assert "请照提示输入" in wrong.text
    assert result(client, waiting)["status"] == "pending"
    assert actions() == []

    page = done(client, CLEAR, word="clear")

    assert "Tasks cancelled: 2" in text_of(page)
    assert "Nothing to cancel" in text_of(page)
    data = result(client, waiting)
    assert (data["status"], data["error"]["code"]) == ("cancelled", "queue_cleared")
    assert actions() == [("queue.clear", None)]
    for word in (" Clear ", "清空"):
        create(client)
        assert "Tasks cancelled: 1" in text_of(done(client, CLEAR, word=word))


def test_long_queue_is_cleared_in_the_background(client, monkeypatch):
    """A request stops in time; the page shows how far it is, and a consumer goes on."""
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)
    for _ in range(3):
        create(client)

    page = done(client, CLEAR, word="clear")
    again = done(client, CLEAR, word="clear")

    for each in (page, again, client.get(QUEUE, headers=ENGLISH)):
        assert "Clearing: 0 of 3 tasks cancelled" in text_of(each)
        assert 'hx-get="/admin/queue/clear/progress"' in each.text
        assert 'name="word"' not in each.text, "one at a time"
    progress = client.get(f"{CLEAR}/progress", headers=ENGLISH)
    assert "Clearing: 0 of 3" in text_of(progress)
    bulk.run_due()
    assert "Clearing" not in text_of(client.get(QUEUE, headers=ENGLISH))
    ended = client.get(f"{CLEAR}/progress").headers["HX-Redirect"]
    assert "Tasks cancelled: 3" in text_of(client.get(ended, headers=ENGLISH))
    assert Task.collection().count_documents({"status": "pending"}) == 0
    assert actions() == [("queue.clear", None)]
