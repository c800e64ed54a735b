"""The list of all tasks: by state; cancelled or run again, one or many."""

import html
import re

import pytest

from jimeng.documents import Task
from jimeng.errors import ProviderError
from jimeng.tasks import queries, summary
from tests.each import for_each
from tests.page import HTMX, PROMPT, links, marks, send

ENGLISH = {"Accept-Language": "en-GB"}
REFUSED = ProviderError("no", code="content_refused_prompt")
BUSY = ProviderError("no", code="moderation_unavailable")
UNKNOWN = ProviderError(
    "502", code="submit_unknown", maybe_accepted=True, charged="unknown"
)


def rows(page) -> list[str]:
    """The tasks whose rows a page shows, from the top."""
    return re.findall(r'<li id="row-([0-9a-z_]+)"', page.text)


def counts(page) -> dict[str, int]:
    """What stands beside the name of each state; "" is all."""
    found = re.findall(
        r'<a href="/tasks(?:\?(?:status=(\w+))?[^"]*)?"[^>]*>[^<]*<span[^>]*>(\d+)<',
        page.text,
    )
    return {state: int(n) for state, n in found}


def new_task(client, prompt: str = PROMPT, **fields: object) -> str:
    """Ask for a picture as the pages' own guest and return the task's id."""
    body = {"type": "image", "user_id": "guest", "prompt": prompt, **fields}
    return client.post("/api/v1/ai/tasks", json=body).json["data"]["task_id"]


def fail(client, provider, work_off, *errors, **fields) -> list[str]:
    """Tasks that failed, one for each error, the newest first."""
    made = []
    for error in errors:
        made.append(new_task(client, **fields))
        provider.submits.append(error)
        work_off()
    return made[::-1]


@pytest.fixture
def each_state(client, provider, work_off) -> dict[str, str]:
    """A task in every state but running."""
    done = new_task(client, prompt="画好的湖")
    work_off()
    (failed,) = fail(client, provider, work_off, REFUSED, prompt="被拒的诗")
    cancelled = new_task(client, prompt="不要的桥")
    send(client, f"/tasks/{cancelled}/cancel")
    return {
        "completed": done,
        "failed": failed,
        "cancelled": cancelled,
        "scheduled": new_task(client, prompt="明天的云", delay=3600),
        "pending": new_task(client, prompt="等着的船"),
    }


def test_all_are_there_newest_first_and_counted(client, each_state):
    """Each state shows its own: what waits for its hour, which is in the page in a form
    that browsers turn into the reader's, is not what is in line; an old link to a state
    that is none shows more, not an error. A search narrows rows and counts."""
    page = client.get("/tasks")

    assert rows(page) == list(each_state.values())[::-1]
    assert counts(page) == {**dict.fromkeys(each_state, 1), "processing": 0, "": 5}
    moment = Task.find_one({"_id": each_state["scheduled"]}).not_before.isoformat()
    assert html.escape(f'datetime="{moment}"', quote=False) in page.text
    for state, task_id in each_state.items():
        page = client.get(f"/tasks?status={state}")
        assert rows(page) == [task_id], state
        assert re.search(rf'status={state}" aria-current="page"', page.text), state
    assert len(rows(client.get("/tasks?status=archived"))) == 5
    page = client.get("/tasks?q=画好")
    assert rows(page) == [each_state["completed"]]
    assert counts(page)[""] == counts(page)["completed"] == 1
    assert counts(page)["failed"] == 0
    assert "没有提示词包含" in client.get("/tasks?q=无此词").text


def test_many_are_counted_up_to_a_number(client, each_state, monkeypatch):
    """Of a long history nobody counts all to show a page; what waits is still there."""
    monkeypatch.setattr(summary, "MAX_COUNTED", 1)
    new_task(client)

    page = client.get("/tasks").text

    assert re.findall(r'figures">(\d\+?)<', page) == [
        *("5+", "1+", "0", "1", "1", "1", "1")
    ]
    assert '(<span id="waiting-pending">1+</span>)' in page


def test_search_goes_through_a_long_history_in_parts(client, monkeypatch):
    """A page without hits leads on to where the words are."""
    page = client.get("/tasks", headers=ENGLISH)
    assert "No tasks yet" in page.text and rows(page) == []
    assert [*counts(page).values()] == [0] * 7
    rare = new_task(client, prompt="很久以前的云")
    later = [new_task(client, prompt="雨") for _ in range(3)]
    monkeypatch.setattr(queries, "MAX_SEARCHED", 2)

    first = client.get("/tasks?q=云")
    (older,) = set(links(first, "cursor="))
    found, part = client.get(older), client.get(older, headers=HTMX)

    assert (rows(first), rows(found)) == ([], [rare])
    assert rows(part) == [rare] and 'id="tabs"' not in part.text, "rows alone"
    assert re.findall(r'figures">(\d\+?)<', first.text)[0] == "0+"
    both = client.get("/tasks?q=雨")
    (older,) = set(links(both, "cursor="))
    assert rows(both) + rows(client.get(older)) == later[::-1]


def test_failure_says_why_and_offers_what_helps(client, provider, work_off):
    """A refused prompt is edited, a bad moment is tried again, a cost is asked for."""
    paid, busy, refused = fail(client, provider, work_off, REFUSED, BUSY, UNKNOWN)

    page = client.get("/tasks?status=failed", headers=ENGLISH).text
    by_id = {each[:45]: each for each in page.split('<li id="row-')[1:]}

    assert "did not pass the content check" in by_id[refused]
    assert f'href="/?again={refused}"' in by_id[refused]
    assert "/tasks/retry" not in by_id[refused]
    assert "/tasks/retry" in by_id[busy]
    assert "accept_double_charge" not in by_id[busy]
    assert 'name="accept_double_charge" value="yes"' in by_id[paid]


def test_one_is_cancelled(client, work_off):
    """A plain form comes back to the same list, with a word about it; with htmx its row
    comes back, with the numbers. Of what has ended nothing is claimed to be done."""
    ended = new_task(client)
    work_off()
    task_id, other = new_task(client), new_task(client)
    client.set_cookie("lang", "en")

    answer = send(client, "/tasks/cancel", id=task_id, status="pending", q="雨")

    assert answer.status_code == 303
    assert answer.location.startswith("/tasks?status=pending&q=")
    page = client.get(answer.location)
    assert "Cancelled: 1" in page.text
    assert counts(page)["cancelled"] == 1
    row = send(client, "/tasks/cancel", htmx=True, id=other, only="row")
    assert "<html" not in row.text
    assert re.search(rf'id="row-{other}"[^>]*hx-swap-oob="true"', row.text)
    assert counts(row)["cancelled"] == 2
    assert marks(row) == []
    late = client.get(send(client, "/tasks/cancel", id=ended).location)
    assert "Already ended, not cancelled: 1" in late.text


def test_all_waiting_are_cancelled_and_nothing_else(client, each_state):
    """What is scheduled stays as it is; and the other way round."""
    new_task(client)
    client.set_cookie("lang", "en")
    offered = 'Cancel all waiting (<span id="waiting-pending">2<'
    assert offered in client.get("/tasks").text

    answer = send(client, "/tasks/cancel", all="pending")

    page = client.get(answer.location)
    assert "Cancelled: 2" in page.text
    wanted = {"pending": 0, "scheduled": 1, "completed": 1, "failed": 1, "cancelled": 3}
    assert counts(page) == {"": 6, "processing": 0, **wanted}
    new_task(client)
    answer = send(client, "/tasks/cancel", htmx=True, all="scheduled")
    assert counts(answer)["scheduled"] == 0
    assert counts(answer)["pending"] == 1


def test_changes_are_told_once(client, work_off):
    """Nothing new is no answer; an end is the row, the numbers, and no more asking; a
    task that was deleted elsewhere leaves the list."""
    task_id, gone = new_task(client), new_task(client)
    query = {"c": marks(client.get("/tasks"))}
    assert client.get("/tasks/changes", query_string=query).status_code == 204
    send(client, f"/tasks/{gone}/delete")
    work_off()

    answer = client.get("/tasks/changes", query_string=query, headers=HTMX)

    assert rows(answer) == [task_id, gone]
    assert f'<li id="row-{gone}" hx-swap-oob="delete">' in answer.text
    assert counts(answer)["completed"] == 1
    assert "hx-get" not in answer.text.split('id="ticker"')[1].split(">")[0]


def bulk_ids(page) -> list[str]:
    """The tasks that the question about all failures names."""
    form = page.text.split('<div id="bulk"')[1].split("<ol")[0]
    return re.findall(r'name="id" value="([^"]+)"', form)


def test_all_that_can_be_are_run_again(client, provider, work_off):
    """Those that may have been charged, or would fail the same, are left out."""
    made = fail(client, provider, work_off, BUSY, UNKNOWN, BUSY, REFUSED)
    page = client.get("/tasks", headers=ENGLISH)
    assert bulk_ids(page) == [made[1], made[3]]
    assert "Retry all retryable (2)" in page.text
    assert "already or possibly charged: 1" in page.text
    assert "1 more would fail the same way" in page.text

    answer = send(client, "/tasks/retry", id=bulk_ids(page), token="form-one")

    after = client.get(answer.location, headers=ENGLISH)
    assert "Submitted again: 2" in after.text
    assert counts(after)["pending"] == 2
    assert bulk_ids(after) == []
    assert after.text.count("Retried; see the new task") == 2
    # A form that another window has sent already does nothing.
    late = send(client, "/tasks/retry", id=bulk_ids(page), token="form-two")
    again = client.get(late.location, headers=ENGLISH)
    assert "Retried before: 2" in again.text
    assert counts(again)[""] == counts(after)[""]


def test_double_charge_needs_a_word(client, provider, work_off):
    """One task at a time; so it is by the card, which asks first."""
    one, two = fail(client, provider, work_off, UNKNOWN, UNKNOWN)
    client.set_cookie("lang", "en")
    card = client.get("/").text
    assert "<details" in card and "may have been, charged" in card
    assert send(client, f"/tasks/{two}/retry").status_code == 409
    agreed = {"accept_double_charge": "yes"}

    plain = send(client, "/tasks/retry", id=one)
    both = send(client, "/tasks/retry", id=[one, two], **agreed)

    assert "may_be_charged_twice.1" in plain.location
    assert "may_be_charged_twice.2" in both.location
    said = "Already or possibly charged, so not retried: 2"
    assert said in client.get(both.location).text
    assert "retried.1" in send(client, "/tasks/retry", id=one, **agreed).location
    assert send(client, f"/tasks/{two}/retry", **agreed).status_code == 303
    assert counts(client.get("/tasks"))["pending"] == 2


def test_one_is_run_again_with_htmx(client, provider, work_off):
    """The new row comes for the top, and the old one says where it went; what waits
    does not stand among what failed."""
    task_id, other = fail(client, provider, work_off, BUSY, BUSY)
    one = {"htmx": True, "only": "row"}

    answer = send(client, "/tasks/retry", id=task_id, **one)

    new, old = rows(answer)
    assert old == task_id != new
    assert f'href="/tasks/{new}"' in answer.text.split(f'id="row-{old}"')[1]
    assert len(marks(answer)) == 1
    assert 'hx-get="/tasks/changes"' in answer.text
    assert rows(send(client, "/tasks/retry", id=other, status="failed", **one)) == [
        other
    ]


@for_each("said", ["rich.5", "cancelled.-1", "cancelled.<b>", "x" * 999])
def test_notes_are_not_written_by_others(client, said):
    """A link can make the page say only what it says anyway, with a number."""
    page = client.get("/tasks", query_string={"said": said})

    assert page.status_code == 200
    assert 'data-kind="good"' not in page.text
