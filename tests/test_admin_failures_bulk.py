"""The operator's failures, many at a time: run again or dropped, all that match."""

import pytest

from jimeng.operations import board, failures
from jimeng.operations.failures import Filter
from tests.admin_pages import (
    ENGLISH,
    OPERATOR,
    actions,
    done,
    fail,
    runs_again,
    shown,
    text_of,
)
from tests.page import send
from tests.rest import result
from tests.test_core import refusal

LIST = "/admin/failures"


@pytest.fixture
def failed(client, provider, work_off):
    """Makes a task whose pictures fail as told, and returns its id."""
    return lambda *refusals, **fields: fail(
        client, provider, work_off, *refusals, **fields
    )


def test_all_that_match_run_again_but_for_the_doubtful(client, failed):
    """By reason; what may have been charged, or was retried by its owner, stays."""
    plain = [failed(refusal("quota_exhausted")) for _ in range(3)]
    doubtful = failed(refusal("quota_exhausted", charged="unknown"))
    other = failed(refusal())
    client.post(f"/api/v1/tasks/{plain[0]}/retry", json={})

    page = done(client, f"{LIST}/retry", code="quota_exhausted")

    assert "Tasks run again: 2; left out: 1." in text_of(page)
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


def test_long_work_goes_on_by_steps(client, failed, monkeypatch):
    """Each request does what it has time for; the page offers to go on."""
    monkeypatch.setattr(failures.actions, "STEP_TIME", -1.0)
    task_ids = [failed(refusal("quota_exhausted")) for _ in range(3)]
    path, fields = f"{LIST}/retry", {"code": "quota_exhausted"}

    first = send(client, path, htmx=True, **fields)
    plain = done(client, path, **fields, after=after(first), done="1")

    assert "1 个任务" in first.text and 'hx-trigger="load' in first.text
    assert "Tasks run again: 2" in text_of(plain)
    assert 'hx-trigger="load' not in plain.text, "a link must start nothing"
    assert sum(len(runs_again(each)) for each in task_ids) == 2
    assert (
        failures.retry_step(OPERATOR, Filter(code="quota_exhausted"), after(plain)).done
        == 1
    )


def after(page) -> str:
    return page.text.partition('name="after" value="')[2].partition('"')[0]


def test_answer_to_scripts_is_a_list_without_those(client, failed):
    """When all is done the page is loaded anew, and says how many that were."""
    failed(refusal("quota_exhausted"))
    stays = failed()

    answer = send(client, f"{LIST}/drop", htmx=True, code="quota_exhausted")

    page = client.get(answer.headers["HX-Redirect"], headers=ENGLISH)
    assert "Pictures dropped: 1" in text_of(page)
    assert "code=quota_exhausted" in answer.headers["HX-Redirect"]
    assert shown(client.get(LIST)) == [f"{stays}_0"]


def test_dropping_hides_and_keeps_the_task(client, failed):
    """One, or all that match; the user still sees what failed."""
    single = failed()
    others = [failed(refusal("quota_exhausted")) for _ in range(2)]
    stays = failed(refusal("provider_refused"))

    done(client, f"{LIST}/{single}/drop")
    page = done(client, f"{LIST}/drop", code="quota_exhausted")

    assert "Pictures dropped: 2" in text_of(page)
    assert shown(client.get(LIST)) == [f"{stays}_0"]
    for task_id in (single, *others):
        assert result(client, task_id)["status"] == "failed"
    assert actions() == [("failures.drop", single), ("failures.drop_all", None)]


def test_paused_intake_runs_nothing_again(client, failed):
    """The operator is told why, and the failure stays."""
    task_id = failed(refusal("quota_exhausted"))
    board.set_paused(OPERATOR, "intake", True)

    answer = send(client, f"{LIST}/retry", htmx=True, code="quota_exhausted")

    assert answer.status_code == 503
    assert answer.headers["HX-Retarget"] == "#notices"
    assert shown(client.get(LIST)) == [f"{task_id}_0"]
