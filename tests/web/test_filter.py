"""The filter of the sheet: tasks by state; cancelled or retried, one or many."""

import re

import pytest

from jimeng.errors import ProviderError
from jimeng.tasks import queries, summary
from jimeng.web.tasks import filters
from tests.each import for_each
from tests.page import HTMX, PROMPT, ids, links, marks, send

ENGLISH = {"Accept-Language": "en-GB"}
REFUSED = ProviderError("no", code="content_refused_prompt")
BUSY = ProviderError("no", code="moderation_unavailable")
UNKNOWN = ProviderError(
    "502", code="submit_unknown", maybe_accepted=True, charged="unknown"
)


def counts(page) -> dict[str, str]:
    """What stands beside the name of each filter that is offered."""
    found = r'<a class="chip" href="/\?show=(\w+)[^"]*"[^>]*>[^<]*<span[^>]*>([^<]*)<'
    return dict(re.findall(found, page.text))


def follow(client, answer):
    """The page that a form leads to."""
    assert answer.status_code == 303
    return client.get(answer.location)


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


def test_tasks_by_state(client, each_state):
    """Newest first, and counted; a search narrows both. What is no filter is all."""
    page = client.get("/?show=all")

    assert ids(page) == list(each_state.values())[::-1]
    assert counts(page) == {
        **{"all": "5", "waiting": "1", "scheduled": "1"},
        **{"failed": "1", "cancelled": "1", "completed": "1"},
    }
    for show in filters.SHOWN.keys() - {"all", "waiting"}:
        page = client.get(f"/?show={show}")
        assert ids(page) == [each_state[show]], show
        assert re.search(rf'show={show}" aria-current="page"', page.text), show
    assert ids(client.get("/?show=waiting")) == [each_state["pending"]]
    assert len(ids(client.get("/?show=archived"))) == 5
    page = client.get("/?show=all&q=画好")
    assert ids(page) == [each_state["completed"]]
    assert counts(page)["all"] == counts(page)["completed"] == "1"
    assert "没有提示词包含" in client.get("/?show=all&q=无此词").text
    assert "form" in page.text and 'id="composer"' in page.text


@for_each(
    ("old", "new"),
    [
        ("/tasks", "/?show=all"),
        ("/tasks?status=pending&q=a+b", "/?show=waiting&q=a+b"),
        ("/tasks?status=processing", "/?show=waiting"),
        ("/tasks?status=failed&batch=x", "/?show=failed&batch=x"),
        ("/tasks?status=archived&customer=s:c", "/?show=all&customer=s:c"),
    ],
)
def test_former_page_leads_there(client, old, new):
    """With its query."""
    assert client.get(old).location == new


def test_many_are_counted_up_to_a_number(client, each_state, monkeypatch):
    """Of a long history nobody counts all to show a page."""
    monkeypatch.setattr(summary, "MAX_COUNTED", 1)
    new_task(client)

    page = client.get("/?show=all", headers=ENGLISH)

    assert (counts(page)["all"], counts(page)["waiting"]) == ("5+", "1+")
    assert "Cancel all waiting (1+)" in page.text


def test_search_goes_through_a_long_history_in_parts(client, monkeypatch):
    """A page without hits leads on to where the words are."""
    assert "No tasks yet" in client.get("/?show=all", headers=ENGLISH).text
    rare = new_task(client, prompt="很久以前的云")
    later = [new_task(client, prompt="雨") for _ in range(3)]
    monkeypatch.setattr(queries, "MAX_SEARCHED", 2)

    first = client.get("/?show=all&q=云")
    (older,) = set(links(first, "cursor="))
    found, part = client.get(older), client.get(older, headers=HTMX)

    assert (ids(first), ids(found)) == ([], [rare])
    assert ids(part) == [rare] and "filter-search" not in part.text, "cards alone"
    assert counts(first)["all"] == "0+"
    both = client.get("/?show=all&q=雨")
    (older,) = set(links(both, "cursor="))
    assert ids(both) + ids(client.get(older)) == later[::-1]


def test_tasks_of_batches_stand_alone(client):
    """So that each can be cancelled or retried; the sheet shows the batch."""
    answer = send(client, "/batches/new", template="红\n蓝", size="1:1", n="1")
    batch_id = answer.location.partition("?")[0].rpartition("/")[2]
    single = new_task(client)

    page = client.get("/?show=all")
    narrowed = client.get(f"/?show=all&batch={batch_id}")

    assert len(ids(page)) == 3 and ids(page)[0] == single
    assert ids(narrowed) == ids(page)[1:]
    assert f'href="/batches/{batch_id}"' in narrowed.text
    assert batch_id in client.get("/").text


def test_all_that_wait_are_cancelled_and_nothing_else(client, each_state):
    """What is scheduled stays as it is; and the other way round."""
    new_task(client)
    client.set_cookie("lang", "en")
    assert "Cancel all waiting (2)" in client.get("/?show=waiting").text

    page = follow(client, send(client, "/tasks/cancel", all="pending", show="all"))

    assert "Cancelled: 2" in page.text
    assert counts(page)["waiting"] == "0" and counts(page)["cancelled"] == "3"
    new_task(client)
    answer = send(client, "/tasks/cancel", all="scheduled", show="scheduled")
    assert counts(follow(client, answer))["scheduled"] == "0"
    assert counts(client.get("/?show=all"))["waiting"] == "1"


def test_bulk_actions_are_for_what_the_filter_matches(client, provider, work_off):
    """Words and batches narrow what is cancelled and what is retried."""
    client.set_cookie("lang", "en")
    kept, lost = fail(client, provider, work_off, BUSY, BUSY)
    queries_of = {"show": "all", "q": "红"}
    red = fail(client, provider, work_off, BUSY, prompt="红")
    assert bulk_ids(client.get("/?show=failed&q=红")) == red
    assert bulk_ids(client.get("/?show=failed")) == [*red, kept, lost]
    waiting, other = new_task(client, prompt="红"), new_task(client, prompt="蓝")
    assert "Cancel all waiting (1)" in client.get("/?show=waiting&q=红").text

    answer = send(client, "/tasks/cancel", all="pending", **queries_of)

    assert "Cancelled: 1" in follow(client, answer).text
    assert ids(client.get("/?show=waiting")) == [other]
    assert waiting in ids(client.get("/?show=cancelled"))


def test_one_is_cancelled(client, work_off):
    """Of what has ended nothing is claimed to be done."""
    ended = new_task(client)
    work_off()
    task_id = new_task(client)
    client.set_cookie("lang", "en")

    answer = send(client, "/tasks/cancel", id=task_id, show="waiting", q="雨")

    assert answer.location.startswith("/?show=waiting&q=")
    assert "Cancelled: 1" in follow(client, answer).text
    late = follow(client, send(client, "/tasks/cancel", id=ended))
    assert "Already ended, not cancelled: 1" in late.text


def bulk_ids(page) -> list[str]:
    """The tasks that the question about all failures names."""
    form = page.text.partition('action="/tasks/retry"')[2].partition("</form>")[0]
    return re.findall(r'name="id" value="([^"]+)"', form)


def test_all_that_can_be_are_retried(client, provider, work_off):
    """Those that may have been charged, or would fail the same, are left out."""
    made = fail(client, provider, work_off, BUSY, UNKNOWN, BUSY, REFUSED)
    client.set_cookie("lang", "en")
    page = client.get("/?show=failed")
    assert bulk_ids(page) == [made[1], made[3]]
    assert "Retry all retryable (2)" in page.text
    assert "already or possibly charged: 1" in page.text
    assert "1 more would fail the same way" in page.text

    answer = send(client, "/tasks/retry", id=bulk_ids(page), token="one", show="failed")

    after = follow(client, answer)
    assert "Submitted again: 2" in after.text
    assert counts(after)["waiting"] == "2"
    assert bulk_ids(after) == []
    # A form that another window has sent already does nothing.
    late = send(client, "/tasks/retry", id=bulk_ids(page), token="two", show="failed")
    again = follow(client, late)
    assert "Retried before: 2" in again.text
    assert counts(again) == counts(after)


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
    assert said in follow(client, both).text
    assert "retried.1" in send(client, "/tasks/retry", id=one, **agreed).location
    assert send(client, f"/tasks/{two}/retry", **agreed).status_code == 303
    assert counts(client.get("/?show=all"))["waiting"] == "2"


def test_list_of_an_earlier_release_reloads(client):
    """Its rows are not what comes now."""
    new_task(client)
    query = {"c": marks(client.get("/"))}
    answer = client.get("/tasks/changes", query_string=query, headers=HTMX)
    assert answer.headers["HX-Refresh"] == "true"


@for_each("said", ["rich.5", "cancelled.-1", "cancelled.<b>", "x" * 999])
def test_notes_are_not_written_by_others(client, said):
    """A link can make the page say only what it says anyway, with a number."""
    page = client.get("/", query_string={"show": "all", "said": said})

    assert page.status_code == 200
    assert 'data-kind="good"' not in page.text
