"""The task list: what failed is run again, one or all of them."""

import re

from tests.each import for_each
from tests.page import marks, send
from tests.web.task_list import BUSY, ENGLISH, REFUSED, UNKNOWN, counts, fail, rows


def bulk_ids(page) -> list[str]:
    """The tasks that the question about all failures names."""
    form = page.text.split('<div id="bulk"')[1].split("<ol")[0]
    return re.findall(r'name="id" value="([^"]+)"', form)


def test_all_that_can_be_are_run_again(client, provider, work_off):
    """Those that may have been charged, or would fail the same, are left out."""
    made = fail(client, provider, work_off, BUSY, UNKNOWN, BUSY, REFUSED)
    page = client.get("/tasks", headers=ENGLISH)
    assert bulk_ids(page) == [made[1], made[3]]
    assert "Retry all possible (2)" in page.text
    assert "already or possibly charged: 1" in page.text
    assert "1 more would fail the same way" in page.text

    answer = client.post(
        "/tasks/retry",
        data={"id": bulk_ids(page), "token": "form-one"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    after = client.get(answer.location, headers=ENGLISH)
    assert "Submitted again: 2" in after.text
    assert counts(after)["pending"] == 2
    assert bulk_ids(after) == []
    assert after.text.count("Retried; see the new task") == 2


def test_what_was_run_again_is_not_run_a_third_time(client, provider, work_off):
    """A form that another window has sent already does nothing."""
    (task_id,) = fail(client, provider, work_off, BUSY)
    send(client, "/tasks/retry", id=task_id, token="form-one")
    client.set_cookie("lang", "en")

    answer = send(client, "/tasks/retry", id=task_id, token="form-two")

    page = client.get(answer.location)
    assert "Retried before: 1" in page.text
    assert counts(page)[""] == 2


def test_double_charge_needs_a_word(client, provider, work_off):
    """Without it nothing is sent; with it one task is, and only one at a time."""
    one, two = fail(client, provider, work_off, UNKNOWN, UNKNOWN)
    client.set_cookie("lang", "en")

    plain = send(client, "/tasks/retry", id=one)
    both = client.post(
        "/tasks/retry",
        data={"id": [one, two], "accept_double_charge": "yes"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert "may_be_charged_twice.1" in plain.location
    assert "may_be_charged_twice.2" in both.location
    assert (
        "Already or possibly charged, so not retried: 2"
        in client.get(both.location).text
    )
    agreed = send(client, "/tasks/retry", id=one, accept_double_charge="yes")
    assert "retried.1" in agreed.location


def test_one_is_run_again_with_htmx(client, provider, work_off):
    """The new row comes for the top, and the old one says where it went."""
    (task_id,) = fail(client, provider, work_off, BUSY)

    answer = send(client, "/tasks/retry", htmx=True, id=task_id, only="row")

    new, old = rows(answer)
    assert old == task_id != new
    assert f'href="/tasks/{new}"' in answer.text.split(f'id="row-{old}"')[1]
    assert len(marks(answer)) == 1
    assert 'hx-get="/tasks/changes"' in answer.text


def test_new_row_stays_out_of_a_list_of_failures(client, provider, work_off):
    """What waits does not stand among what failed."""
    (task_id,) = fail(client, provider, work_off, BUSY)

    answer = send(
        client, "/tasks/retry", htmx=True, id=task_id, only="row", status="failed"
    )

    assert rows(answer) == [task_id]


@for_each("said", ["rich.5", "cancelled.-1", "cancelled.<b>", "x" * 999])
def test_notes_are_not_written_by_others(client, said):
    """A link can make the page say only what it says anyway, with a number."""
    page = client.get("/tasks", query_string={"said": said})

    assert page.status_code == 200
    assert 'data-kind="good"' not in page.text
