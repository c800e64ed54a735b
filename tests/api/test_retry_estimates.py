"""``?dry_run=1`` where a task is run again: count and price, and nothing else."""

import pytest

from jimeng.documents import Task
from jimeng.errors import ProviderError
from tests.rest import API, create, data_of, refused

FAILED = ProviderError("no", code="provider_failed")
LOST = ProviderError("?", code="submit_unknown", charged="unknown", maybe_accepted=True)


def estimate(client, task_id: str, **body):
    return client.post(f"{API}/tasks/{task_id}/retry?dry_run=1", json=body)


def test_only_what_is_lacking_is_counted(client, provider, work_off):
    """As the retry would ask for it; nothing is made or sent."""
    provider.submits = [FAILED, FAILED]
    made = create(client, n=3)
    work_off()
    sent = len(provider.requests)

    found = data_of(estimate(client, made))
    work_off()

    assert (found["n"], found["dry_run"], found["width"]) == (2, True, 1328)
    assert found["cost"]["fen_of_all"] == 2 * found["cost"]["fen"] > 0
    assert (Task.objects.count(), len(provider.requests)) == (1, sent)
    again = data_of(client.post(f"{API}/tasks/{made}/retry"), 202)["task_id"]
    assert Task.objects.get(id=again).n == found["n"]


@pytest.mark.parametrize(
    ("failure", "body", "status", "code"),
    [
        (LOST, {}, 409, "may_be_charged_twice"),
        (LOST, {"accept_double_charge": True}, 200, None),
        (None, {}, 409, "task_not_retryable"),
    ],
)
def test_it_is_refused_as_the_retry_would_be(
    client, provider, work_off, failure, body, status, code
):
    """What may have been charged needs consent here, too."""
    provider.submits = [failure] if failure else []
    made = create(client)
    work_off()

    answer = estimate(client, made, **body)

    if code is None:
        assert data_of(answer, status)["n"] == 1
    else:
        refused(answer, status, code)
    assert Task.objects.count() == 1


def test_others_tasks_are_not_there(client):
    refused(estimate(client, "nope"), 404, "task_not_found")
