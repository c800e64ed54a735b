"""A task's card and each of its pictures: how it comes, and what can be done to it."""

import re
from datetime import timedelta

import pytest

from jimeng import jobs, lanes, tasks
from jimeng.documents import Worker, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.jobs import pump
from jimeng.web.site import navigation
from jimeng.web.tasks import cards
from jimeng.web.tasks.cards import LETTERS, TASK_ID_PREFIX, Mark, read_marks
from tests.conftest import run_queue
from tests.page import PROMPT, chosen, ids, links, look, marks, new_task, send

USUAL = "doubao-seedream-3.0-t2i"
ALL = "/?show=all"
ENGLISH = {"Accept-Language": "en-GB"}
SAID = re.compile(r'<p id="announce"[^>]*><span>([^<]*)</span>')


def test_cancel_shows_the_card_as_it_is_now(client):
    """No mark to ask about is left; asked for again, it is the new card."""
    task_id = new_task(client, n="3")

    answer = send(client, f"/tasks/{task_id}/cancel", htmx=True)

    assert answer.text.count('data-state="cancelled"') == 3
    assert marks(answer) == []
    assert SAID.search(answer.text)[1] == "已取消"  # type: ignore[index]
    again = send(client, f"/tasks/{task_id}/retry", htmx=True, token="form-two")
    assert ids(again) and ids(again) != [task_id]
    send(client, f"/tasks/{task_id}/retry", htmx=True, token="form-two")
    assert ids(client.get("/")) == [*ids(again), task_id], "a double click costs once"


def test_delete_leaves_a_line_with_the_way_back(client, work_off):
    """The card is gone, its address too, and one button brings it back; with htmx the
    line takes the card's place, so that nothing else has to move. Whoever is too late
    to cancel it gets what was asked for."""
    task_id = new_task(client)
    work_off()
    late = send(client, f"/tasks/{task_id}/cancel", htmx=True)
    assert late.status_code == 200
    assert "/thumb.webp" in late.text and not SAID.search(late.text)

    answer = send(client, f"/tasks/{task_id}/delete")
    assert (answer.status_code, answer.location) == (303, f"/?deleted={task_id}")
    assert client.get(f"/tasks/{task_id}").status_code == 404
    page = client.get(answer.location)
    assert "/thumb.webp" not in page.text
    assert f'action="/tasks/{task_id}/restore"' in page.text
    send(client, f"/tasks/{task_id}/restore")
    assert "/thumb.webp" in client.get("/").text
    line = send(client, f"/tasks/{task_id}/delete", htmx=True)
    assert ids(line) == [task_id]
    assert "card-gone" in line.text and "Undo" not in line.text
    assert 'id="announce"' in line.text


def test_again_asks_for_the_same_with_another_seed(client, work_off):
    """It is a task of its own; a double click costs once."""
    task_id = new_task(client, size="16:9", n="2")
    work_off()

    answer = send(client, f"/tasks/{task_id}/again", htmx=True, token="form-two")

    (again,) = ids(answer)
    kept = Principal("guest")
    first, second = tasks.find(kept, task_id), tasks.find(kept, again)
    same = ("prompt", "model", "width", "height", "n")
    assert [second[name] for name in same] == [first[name] for name in same]
    assert second.seed != first.seed
    assert tasks.original_wording(second) == tasks.original_wording(first)
    send(client, f"/tasks/{task_id}/again", token="form-two")
    assert len(ids(client.get("/"))) == 2


@pytest.mark.parametrize(
    ("code", "charged", "remedy"),
    [
        ("content_refused_prompt", "no", "Edit prompt"),
        ("content_refused_picture_text", "no", "Edit prompt"),
        ("input_face_refused", "no", "Change the picture"),
        ("input_copyright_refused", "no", "Change the settings"),  # or the prompt
        ("parameter_refused", "no", "Change the settings"),
        ("model_not_found", "no", "Use another model"),
        ("provider_internal", "no", "Try again"),
        ("picture_lost", "yes", "Try again"),
        ("submit_unknown", "unknown", "Try again"),
        ("account_overdue", "no", "Show failed tasks"),
        ("provider_refused", "no", "Show failed tasks"),
        ("provider_refused", "unknown", "Show failed tasks"),
    ],
)
def test_failure_offers_the_one_thing_that_helps(
    client, provider, work_off, code, charged, remedy
):
    """The same again where that may help; else other words, or who can settle it."""
    provider.submits = [ProviderError("no", code=code, charged=charged)]
    task_id = new_task(client)
    work_off()

    actions = client.get("/", headers=ENGLISH).text.partition('class="actions"')[2]
    actions, _, menu = actions.partition('<details id="menu-')

    asks = ("Edit prompt", "Change the picture", "Change the settings")
    asks += ("Use another model", "Show failed tasks", "Try again")
    assert {each for each in asks if f">{each}<" in actions} == {remedy}
    assert (f"/?again={task_id}" in actions) == (remedy in asks[:4])
    assert ("/retry" in menu) == (remedy == "Show failed tasks")


def test_failure_that_others_can_settle_is_told_to_them(
    client, provider, work_off, monkeypatch
):
    """Who is no operator can copy what the operator has to know."""
    refusal = {"code": "account_overdue", "charged": "no", "request_id": "req-7"}
    provider.submits = [ProviderError("no", **refusal)]
    task_id = new_task(client)
    work_off()
    monkeypatch.setattr(navigation, "ENTRIES", navigation.ENTRIES[:-1])

    page = client.get("/", headers=ENGLISH).text

    assert f'data-copy="{task_id}\naccount_overdue req-7"' in page
    assert "Show failed tasks" not in page


def test_cards_say_that_sending_is_paused(client):
    """Nobody knows for how long; the ticker tells when it is over."""
    task_id = new_task(client)
    lanes.pause(lanes.SENDING, "somebody")

    page = client.get("/", headers=ENGLISH)
    lanes.resume(lanes.SENDING)
    after = look(client, marks(page)).text

    assert "the operator has paused sending" in page.text
    assert "starts in" not in page.text and "about to start" not in page.text
    assert task_id in after and "暂停" not in after


def test_task_whose_pictures_were_deleted_says_so(client, work_off):
    """Where no other follows, its own page has the way back."""
    task_id = new_task(client)
    work_off()

    def texts() -> list[str]:
        return [client.get(path, headers=ENGLISH).text for path in ("/", ALL)]

    assert not any("Its pictures were deleted" in text for text in texts())
    answer = send(client, f"/pictures/{task_id}_0/delete")
    assert answer.location == f"/tasks/{task_id}?deleted={task_id}_0"
    page = client.get(answer.location)
    assert 'data-state="deleted"' in page.text
    assert 'action="/pictures/restore"' in page.text
    for text in texts():
        assert "Its pictures were deleted" in text and "#icon-trash" in text


def test_places_have_the_shape_that_was_asked_for(client, work_off):
    """Before there is a picture and after; what is out of sight is not fetched, and
    nothing moves when it comes. How it was asked for stands beside it, and the prompt
    is as it was written."""
    new_task(client, size="16:9", n="3", style="ink")
    shape = 'viewBox="0 0 1664 936"'
    text = client.get("/", headers=ENGLISH).text
    before = text.count(shape)
    assert all(each in text for each in ("Ink wash", "1664×936", USUAL))
    assert re.search(rf'class="card-prompt" dir="auto"><a [^>]*>{PROMPT}</a>', text)
    work_off()

    page = client.get("/").text

    assert before == page.count(shape) == 3
    found = re.findall(r'<img src="/i/[^>]*>', page)
    assert len(found) == 3
    assert all("/thumb.webp" in each for each in found)
    assert all('width="64" height="64" loading="lazy"' in each for each in found)


def test_task_page_tells_all(client, work_off):
    task_id = new_task(client)
    waiting = client.get(f"/tasks/{task_id}")
    refresh = '<noscript><meta http-equiv="refresh" content="4"></noscript>'
    assert refresh in waiting.text
    work_off()
    brought = look(client, marks(waiting), page="task")
    assert ".png" in brought.text and "thumb.webp" not in brought.text
    assert PROMPT in re.search(r"<title>(.*)</title>", brought.text)[1]

    page = client.get(f"/tasks/{task_id}")

    for words in (PROMPT, USUAL, "1328×1328", task_id, "remote-1"):
        assert words in page.text
    assert list(links(page, ".png"))
    assert "refresh" not in page.text


def test_mark_of_every_state_is_read_back():
    """A page that shows a picture in a state nobody reads would never hear of it."""
    mark = Mark(TASK_ID_PREFIX + "0" * 30, "".join(LETTERS.values())[:8], "0-0-0")
    rest = Mark(TASK_ID_PREFIX + "0" * 30, "".join(LETTERS.values())[8:], "0-0-0")

    assert read_marks([str(mark), str(rest)]) == [mark, rest]


@pytest.fixture
def no_worker(monkeypatch) -> None:
    """The worker was stopped a minute ago."""
    seen = utcnow() - timedelta(minutes=1)
    Worker.collection().insert_one(
        {"_id": "a:1:x", "started_at": seen, "seen_at": seen}
    )
    monkeypatch.setattr(lanes.limits._state, "worker", (0.0, True))


@pytest.mark.parametrize("path", ["/", ALL])
def test_without_a_worker_work_is_suspended(client, no_worker, path):
    """The card says so and that it goes on by itself, not that it starts soon."""
    new_task(client)

    page = client.get(path, headers=ENGLISH)

    assert "processing is paused" in page.text
    assert "about to start" not in page.text
    assert "resumes automatically" in page.text


def test_what_is_being_drawn_is_suspended_too(client, monkeypatch, no_worker):
    """Nobody asks for it; the page that shows it is told so, and when it goes on."""
    monkeypatch.setattr(cards, "seconds_since", lambda picture: 0)
    new_task(client, n="2")
    run_queue()
    before = client.get("/")
    assert "处理暂停中" in before.text
    assert look(client, marks(before)).status_code == 204

    Worker.collection().update_many({}, {"$set": {"seen_at": utcnow()}})
    monkeypatch.setattr(lanes.limits._state, "worker", (0.0, True))
    after = look(client, marks(before))

    assert ids(after) or "status-" in after.text
    assert "处理暂停中" not in after.text


def test_cancelling_is_undone_in_its_place(client):
    """No deliveries yet: the same waits again, and the cancelled one is gone."""
    task_id = new_task(client, prompt="a fox")
    one_way = f"/tasks/{task_id}/pictures/" not in client.get("/").text
    assert one_way, "a single picture is cancelled by its card alone"
    said = send(client, f"/tasks/{task_id}/cancel", htmx=True).text
    assert f'action="/tasks/{task_id}/retry"' in said and 'name="undo"' in said

    answer = send(
        client, f"/tasks/{task_id}/retry", htmx=True, undo="1", token="form-undo"
    )

    assert f'<article id="task-{task_id}" hx-swap-oob="delete">' in answer.text
    page = client.get("/").text
    assert f'id="task-{task_id}"' not in page
    assert page.count('class="card"') == 1 and "a fox" in page


def test_each_that_waits_can_be_cancelled(client, provider, work_off):
    """In place, by a button of its own; what has been sent has none."""
    task_id = new_task(client, n="4")
    pump.tick()
    run_queue()  # two slots
    page = client.get("/", headers=ENGLISH).text
    paths = [f"/tasks/{task_id}/pictures/{n}/cancel" for n in range(4)]
    assert [path in page for path in paths] == [False, False, True, True]

    answer = send(client, paths[3], htmx=True)
    late = send(client, paths[0], htmx=True)
    work_off()

    assert f'id="slot-{task_id}-3"' in answer.text
    assert "第 4 张已取消" in answer.text
    assert "已取消" not in late.text.partition('id="announce"')[2]
    assert (answer.status_code, late.status_code) == (200, 200)
    assert len(provider.requests) == 3
    assert "3 of 4 done" in client.get("/", headers=ENGLISH).text


def test_what_lacks_is_asked_for_by_itself(client, provider, work_off):
    """With its number on the button; what would fail again is not offered."""
    task_id = new_task(client, n="4")
    provider.submits = [ProviderError("no", code="provider_failed")] * 2
    work_off()

    page = client.get("/", headers=ENGLISH).text
    assert "Retry the 2 missing" in page
    send(client, f"/tasks/{task_id}/retry", token="form-more")
    work_off()

    assert len(provider.requests) == 6
    page = client.get("/?after", headers=ENGLISH).text
    assert "Retry the" not in page.split(task_id)[0]
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    new_task(client, n="2")
    work_off()
    assert client.get("/", headers=ENGLISH).text.count("Retry the 2 missing") == 1


def test_one_picture_leads_to_more_like_it(client, work_off):
    """The form gets words and picture, and a model that takes pictures."""
    task_id = new_task(client)
    work_off()
    page = client.get("/", headers=ENGLISH)
    path = next(p for p in links(page, "again=") if "image=" in p)

    form = client.get(path, headers=ENGLISH)

    assert f'value="{task_id}_0"' in form.text and PROMPT in form.text
    chosen_model = jobs.runtime().registry.model(chosen(form, "model"))
    assert chosen_model.takes.most and chosen_model.takes.prompt != "none"
