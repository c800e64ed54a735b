"""The operator's list of failures: found, run again, dropped, one or all that match."""

import html
import re
from datetime import timedelta

import pytest

from jimeng.billing.costs import today
from jimeng.documents import BulkAction, Generation, Task, utcnow
from jimeng.jobs import bulk
from jimeng.jobs.bulk import worker
from jimeng.operations import failures, queue_actions
from jimeng.operations.failures import Filter
from jimeng.providers import Progress
from tests.admin.pages import (
    ENGLISH,
    OPERATOR,
    actions,
    done,
    runs_again,
    shown,
    text_of,
    unknown,
)
from tests.conftest import run_queue
from tests.page import send
from tests.rest import create, new_user, result
from tests.test_core import refusal

LIST = "/admin/failures"


def many(n: int, **fields: object) -> None:
    """Failures as they are stored, from an hour ago backwards."""
    ended = utcnow() - timedelta(hours=1)
    Generation.collection().insert_many(
        {
            "_id": f"volcengine_img_{number:030d}_0",
            "task_id": f"volcengine_img_{number:030d}",
            "index": 0,
            "user_id": "ada",
            "lane": "volcengine_jimeng:jimeng_t2i_v30",
            "req_key": "jimeng_t2i_v30",
            "state": "failed",
            "charged": "no",
            "error": {"code": "provider_refused", "charged": "no"},
            "ended_at": ended - timedelta(seconds=number),
            **fields,
        }
        for number in range(n)
    )


def test_list_tells_what_an_operator_needs(client, failed):
    """The reason in words and codes, the request, the user, and no prompt; pictures of
    one task that failed for one reason are one line, and count as four."""
    refused = refusal(provider_code="50411", request_id="req-77")
    task_id = failed(*[refused] * 4, prompt="秘密的愿望")

    page = client.get(LIST, headers=ENGLISH)

    (picture,) = shown(page)
    assert picture[:-2] == task_id
    words = text_of(page)
    for told in ("content_refused_prompt", "50411", "req-77", "user_123", "Sent 1"):
        assert told in words
    assert "Picture 1, 2, 3, 4" in words and "Failures: 4" in words
    assert "秘密的愿望" not in page.text
    assert f"/tasks/{task_id}" in page.text


def test_filters_find_the_few(client, failed):
    """By reason, user and day, alone and together; users by e-mail in any case, too."""
    ada = new_user(client, "ada@example.com", "Ada")["id"]
    mine = failed(refusal("quota_exhausted"), user_id=ada)
    other = failed(refusal(), user_id="bob")
    Generation.collection().update_one(
        {"task_id": other}, {"$set": {"ended_at": utcnow() - timedelta(days=1)}}
    )

    found = {
        "code=quota_exhausted": [mine],
        "user=bob": [other],
        "user=ADA@example.com": [mine],
        "user=eve@example.com": [],
        f"day={today()}": [mine],
        f"day={today()}&user=bob": [],
        "day=never&code=&user=": [mine, other],
    }

    for query, tasks in found.items():
        page = client.get(f"{LIST}?{query}")
        assert shown(page) == [f"{task_id}_0" for task_id in tasks], query


def test_pages_follow_each_other(client, database):
    """A cursor leads on to the end; a made-up one is refused."""
    many(120)
    seen, path = [], LIST

    while path:
        page = client.get(path)
        seen += shown(page)
        link = page.text.partition('rel="next" href="')[2].partition('"')[0]
        path = link.replace("&amp;", "&")

    assert len(seen) == len(set(seen)) == 120
    assert seen == sorted(seen)
    assert client.get(f"{LIST}?cursor=none").status_code == 422


def test_few_are_found_among_many(database):
    """What is read does not grow with what is there."""
    many(3000)
    Generation.collection().update_one(
        {}, {"$set": {"error.code": "timed_out", "user_id": "bob"}}
    )
    day = (utcnow() - timedelta(hours=2)).date()

    for wanted in (
        Filter(),
        Filter(code="timed_out"),
        Filter(user_id="bob"),
        Filter(code="timed_out", day=day),
    ):
        rows = failures.listing.find(wanted, None, failures.listing.PAGE + 1)
        read = rows.explain()["executionStats"]["totalDocsExamined"]
        assert read <= failures.listing.PAGE + 1, wanted


def test_reasons_are_those_of_the_newest(client, database, monkeypatch):
    """What the operator's page looks at does not grow with the day's failures."""
    monkeypatch.setattr(failures.listing, "MAX_COUNTED", 100)
    many(300)
    since = utcnow() - timedelta(days=1)
    codes = failures.listing.codes_of(since)

    plan = database.command(
        "explain",
        {"aggregate": "generations", "pipeline": codes, "hint": "failed", "cursor": {}},
        verbosity="executionStats",
    )

    read = re.findall(r"'totalKeysExamined': (\d+)", str(plan))
    assert set(read) == {"100"}
    found, there_is_more = failures.codes_since(OPERATOR, since)
    assert (found, there_is_more) == ([("provider_refused", 100)], True)


def test_running_again_makes_a_task_and_ends_the_line(client, failed, work_off):
    """The owner has a new task, of what the other lacks; the failure is dealt with, and
    the trail tells. A second click finds what the first has made; the line says what
    that is."""
    task_id = failed(refusal("rate_limited_for_good"), Progress("other"))
    path = f"{LIST}/{task_id}/retry"

    first = send(client, path, htmx=True)

    (new,) = runs_again(task_id)
    made = Task.find_one({"_id": new})
    assert (made.user_id, made.n) == ("user_123", 1)
    assert first.text.lstrip().startswith('<li class="op-failure op-failure-dealt"')
    assert f"/tasks/{new}" in first.text
    assert shown(client.get(LIST)) == []
    assert actions() == [("failures.retry", task_id)]
    Generation.collection().update_many(  # as if the first had died just then
        {"task_id": task_id, "dealt_with": {"$exists": True}},
        [{"$set": {"error": "$dealt_with.error"}}],
    )
    assert send(client, path, htmx=True).status_code == 200
    assert runs_again(task_id) == [new]
    work_off()
    assert result(client, new)["status"] == "completed"


def test_what_may_be_charged_twice_needs_consent(client, failed):
    """It is asked for in words; without it nothing happens."""
    task_id = failed(unknown())
    page = client.get(LIST, headers=ENGLISH)
    assert "May have been charged" in text_of(page)
    assert "a retry is charged again" in text_of(page)

    refused = send(client, f"{LIST}/{task_id}/retry")
    assert refused.status_code == 409
    assert runs_again(task_id) == []
    done(client, f"{LIST}/{task_id}/retry", accept_double_charge="yes")

    assert len(runs_again(task_id)) == 1


def test_task_that_its_owner_ended_can_only_be_dropped(client, failed, provider):
    """Who took the words away, or gave the rest up: nothing of it is in progress, or
    wanted again; what was tried stays known."""
    deleted = failed()
    client.delete(f"/api/v1/ai/image/task/{deleted}")
    provider.submits = [refusal("provider_unreachable")]
    cancelled = create(client, n=3)
    run_queue()
    assert client.post(f"/api/v1/tasks/{cancelled}/cancel").status_code == 200

    page = client.get(LIST, headers=ENGLISH)

    assert shown(page) == [f"{cancelled}_0", f"{deleted}_0"]
    words = text_of(page)
    assert "Task deleted" in words and "Task cancelled" in words
    assert "in progress" not in words
    assert f"{LIST}/{deleted}/retry" not in page.text
    assert f"{LIST}/{cancelled}/retry" not in page.text
    assert send(client, f"{LIST}/{deleted}/retry").status_code == 404
    done(client, f"{LIST}/retry", code="provider_unreachable")
    assert runs_again(cancelled) == []


@pytest.mark.parametrize(
    ("code", "is_offered"),
    [
        ("content_refused_prompt", False),
        ("input_face_refused", False),
        ("parameter_refused", False),
        ("quota_exhausted", True),  # once the operator has bought more
        ("model_not_found", True),
        ("provider_internal", True),
    ],
)
def test_retry_is_offered_where_it_makes_sense(client, failed, code, is_offered):
    """What its owner has to write or choose otherwise fails the same way again."""
    task_id = failed(refusal(code))

    page = client.get(f"{LIST}?code={code}", headers=ENGLISH)

    assert (f"{LIST}/{task_id}/retry" in page.text) == is_offered
    assert ("A retry would fail again" in text_of(page)) != is_offered
    assert ("Retries 1 matching failure," in text_of(page)) == is_offered
    done(client, f"{LIST}/retry", code=code)
    assert len(runs_again(task_id)) == is_offered


def test_all_that_match_run_again_but_for_the_doubtful(client, failed):
    """By reason; what may have been charged, or was retried by its owner, stays. Of
    all reasons, only those where another try may succeed. While intake is paused none
    does, and the operator is told why."""
    plain = [failed(refusal("quota_exhausted")) for _ in range(3)]
    doubtful = failed(refusal("quota_exhausted", charged="unknown"))
    hopeless = failed(refusal("content_refused_prompt"))
    hopeful = failed(refusal("provider_unreachable"))
    client.post(f"/api/v1/tasks/{plain[0]}/retry", json={})

    queue_actions.set_paused(OPERATOR, "intake", True)
    paused = send(client, f"{LIST}/retry", htmx=True, code="quota_exhausted")
    assert (paused.status_code, paused.headers["HX-Retarget"]) == (503, "#notices")
    queue_actions.set_paused(OPERATOR, "intake", False)

    page = done(client, f"{LIST}/retry", code="quota_exhausted")

    assert "Tasks retried: 2; skipped: 1." in text_of(page)
    assert [len(runs_again(each)) for each in plain] == [1, 1, 1]
    assert runs_again(doubtful) == runs_again(hopeless) == []
    left = [f"{each}_0" for each in (hopeful, hopeless, doubtful, plain[0])]
    assert shown(client.get(LIST)) == left
    done(client, f"{LIST}/retry")
    assert runs_again(hopeless) == []
    assert len(runs_again(hopeful)) == 1


@pytest.mark.parametrize(
    "how, going, ended",
    [
        ("retry", "Retrying: 0 of 3 tasks", "Tasks retried: 3; skipped: 0."),
        ("drop", "Dismissing: 0 of 3", "Dismissed: 3."),
    ],
)
def test_long_work_goes_on_in_the_background(
    client, failed, monkeypatch, how, going, ended
):
    """The page says how far it is; a consumer goes on, whoever looks."""
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)
    fields = {"code": "quota_exhausted"}
    for _ in range(3):
        failed(refusal("quota_exhausted"))

    scripted = send(client, f"{LIST}/{how}", htmx=True, **fields)
    plain = done(client, f"{LIST}/{how}", **fields)

    assert going in text_of(plain)
    assert going in text_of(client.get(LIST, headers=ENGLISH)), "after coming back"
    (address,) = re.findall(r'hx-get="(/admin/failures/progress[^"]+)"', scripted.text)
    bulk.run_due()
    answer = client.get(html.unescape(address), headers={"HX-Request": "true"})
    page = client.get(answer.headers["HX-Redirect"], headers=ENGLISH)
    assert ended in text_of(page)
    assert shown(page) == []
    assert actions() == [(f"failures.{how}_all", None)]


def test_dropping_hides_and_keeps_the_task(client, failed):
    """One, or all that match; the user still sees what failed. For scripts the page is
    loaded anew, and says how many that were."""
    single = failed()
    others = [failed(refusal("quota_exhausted")) for _ in range(2)]
    stays = failed(refusal("provider_refused"))

    done(client, f"{LIST}/{single}/drop")
    answer = send(client, f"{LIST}/drop", htmx=True, code="quota_exhausted")

    page = client.get(answer.headers["HX-Redirect"], headers=ENGLISH)
    assert "Dismissed: 2" in text_of(page)
    assert "code=quota_exhausted" in answer.headers["HX-Redirect"]
    assert shown(client.get(LIST)) == [f"{stays}_0"]
    for task_id in (single, *others):
        assert result(client, task_id)["status"] == "failed"
    assert actions() == [("failures.drop", single), ("failures.drop_all", None)]


def test_how_many_there_are_is_counted_up_to_a_bound(client, failed, monkeypatch):
    """A hundred thousand would be counted before the first is dealt with."""
    monkeypatch.setattr(failures.actions, "MAX_TOTAL_SHOWN", 2)
    monkeypatch.setattr(failures, "MAX_TOTAL_SHOWN", 2)
    for _ in range(5):
        failed(refusal("quota_exhausted"))
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", 0)

    page = client.post(f"{LIST}/drop", follow_redirects=True, headers=ENGLISH)

    assert "Dismissing: 0 of 2+" in text_of(page)
    assert BulkAction.find_one({}).total == 3
    assert bulk.run_due()
    assert BulkAction.find_one({}).done == 5
