"""Properties: true of whatever text comes in a cursor or an address."""

import string
from datetime import UTC, datetime

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jimeng.documents.cursors import after, cursor_of
from tests.rest import API, USERS, data_of, errors_of

QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
moments = st.datetimes(
    min_value=datetime(1970, 1, 1),
    max_value=datetime(9999, 12, 31),
    timezones=st.just(UTC),
).map(lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000))
task_ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=250)


@QUICK
@given(moment=moments, task_id=task_ids)
def test_cursor_leads_back_to_its_place(moment, task_id):
    cursor = cursor_of({"_id": task_id, "created_at": moment}, "created_at")

    where = after(cursor, "created_at")

    assert where["created_at"] == {"$lte": moment}
    assert where["$or"][1] == {"_id": {"$lt": task_id}}
    assert set(cursor) <= set(string.ascii_letters + string.digits + "-_")


@QUICK
@given(cursor=texts)
@example(cursor="MTo")
@example(cursor="OTk5OTk5OTk5OTk5OTk5OmE")
def test_any_other_cursor_is_refused_or_read(client, cursor):
    """Nobody can break a list with what they make up."""
    answer = client.get(f"{API}/tasks/user/a", query_string={"cursor": cursor})

    if answer.status_code != 200:
        assert list(errors_of(answer)) == ["cursor"]


@QUICK
@given(email=texts)
@example(email="ß@ẞ.de")
@example(email="ﬀ@ｅxample.com")
@example(email="a@b.c\u0345")
def test_any_address_is_taken_or_refused(client, email):
    answer = client.post(USERS, json={"email": email, "name": "a"})

    assert answer.status_code in {201, 409, 422}
    if answer.status_code == 201:
        kept = data_of(answer, 201)["email"]
        found = client.get(USERS, query_string={"email": kept})
        assert data_of(found)["email"] == kept
