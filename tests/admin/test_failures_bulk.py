"""The operator's failures, many at a time: run again or dropped, all that match."""

import html
import re

import pytest

from jimeng.documents import BulkAction
from jimeng.jobs import bulk
from jimeng.jobs.bulk import worker
from jimeng.operations import failures, queue_actions
from tests.admin.pages import (
    ENGLISH,
    OPERATOR,
    actions,
    done,
    runs_again,
    shown,
    text_of,
)
from tests.page import send
from tests.rest import result
from tests.test_core import refusal

LIST = "/admin/failures"


def test_all_that_match_run_again_but_for_the_doubtful(client, failed):
    """By reason; what may have been charged, or was retried by its owner, stays."""
    plain = [failed(refusal("quota_exhausted")) for _ in range(3)]
    doubtful = failed(refusal("quota_exhausted", charged="unknown"))
    other = failed(refusal())
    client.post(f"/api/v1/tasks/{plain[0]}/retry", json={})

    page = done(client, f"{LIST}/retry", code="quota_exhausted")

    assert "Tasks retried: 2; skipped: 1." in text_of(page)
    assert [len(runs_again(each)) for each in plain] == [1, 1, 1]
    assert runs_again(doubtful) == runs_again(other) == []
    assert shown(client.get(LIST)) == [f"{other}_0", f"{doubtful}_0", f"{plain[0]}_0"]


def test_without_a_reason_only_what_may_succeed_runs_again(client, failed):
    """A prompt that was refused would be refused again."""
    hopeless = failed(refusal("content_refused_prompt"))
    hopeful = failed(refusal("provider_unreachable"))

    done(client, f"{LIST}/retry")

    assert runs_again(hopeless) == []
    assert len(runs_again(hopeful)) == 1


@pytest.mark.parametrize(
    "how, going, ended",
    [
        ("retry", "Retrying: 0 of 3 tasks", "Tasks retried: 3; skipped: 0."),
        ("drop", "Dismissing: 0 of 3 pictures", "Pictures dismissed: 3."),
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


def test_answer_to_scripts_is_a_list_without_those(client, failed):
    """When all is done the page is loaded anew, and says how many that were."""
    failed(refusal("quota_exhausted"))
    stays = failed()

    answer = send(client, f"{LIST}/drop", htmx=True, code="quota_exhausted")

    page = client.get(answer.headers["HX-Redirect"], headers=ENGLISH)
    assert "Pictures dismissed: 1" in text_of(page)
    assert "code=quota_exhausted" in answer.headers["HX-Redirect"]
    assert shown(client.get(LIST)) == [f"{stays}_0"]


def test_dropping_hides_and_keeps_the_task(client, failed):
    """One, or all that match; the user still sees what failed."""
    single = failed()
    others = [failed(refusal("quota_exhausted")) for _ in range(2)]
    stays = failed(refusal("provider_refused"))

    done(client, f"{LIST}/{single}/drop")
    page = done(client, f"{LIST}/drop", code="quota_exhausted")

    assert "Pictures dismissed: 2" in text_of(page)
    assert shown(client.get(LIST)) == [f"{stays}_0"]
    for task_id in (single, *others):
        assert result(client, task_id)["status"] == "failed"
    assert actions() == [("failures.drop", single), ("failures.drop_all", None)]


def test_paused_intake_runs_nothing_again(client, failed):
    """The operator is told why, and the failure stays."""
    task_id = failed(refusal("quota_exhausted"))
    queue_actions.set_paused(OPERATOR, "intake", True)

    answer = send(client, f"{LIST}/retry", htmx=True, code="quota_exhausted")

    assert answer.status_code == 503
    assert answer.headers["HX-Retarget"] == "#notices"
    assert shown(client.get(LIST)) == [f"{task_id}_0"]


def test_how_many_there_are_is_counted_up_to_a_bound(client, failed, monkeypatch):
    """A hundred thousand would be counted before the first is dealt with."""
    monkeypatch.setattr(failures.actions, "MAX_TOTAL_SHOWN", 2)
    monkeypatch.setattr(failures, "MAX_TOTAL_SHOWN", 2)
    for _ in range(5):
        failed(refusal("quota_exhausted"))
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", 0)

    page = client.post(f"{LIST}/drop", follow_redirects=True, headers=ENGLISH)

    assert "Dismissing: 0 of 2+ pictures" in text_of(page)
    assert BulkAction.find_one({}).total == 3
    assert bulk.run_due()
    assert BulkAction.find_one({}).done == 5
