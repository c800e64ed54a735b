"""How much a user may ask for, what counts for it, and what is given back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect
from redis.connection import Connection
from redis.exceptions import TimeoutError

from jimeng import jobs, lanes, limits
from jimeng.billing.costs import day_begin, today
from jimeng.documents import Generation, QuotaUsage, Task, User, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.errors.access import UserNotFound
from jimeng.jobs import pump
from jimeng.limits import reservations
from jimeng.operations.users import set_quota
from jimeng.upkeep import janitor
from tests.at_once import at_once
from tests.conftest import come_due, run_queue
from tests.limits.conftest import USER, ask, left, put_on
from tests.rest import (
    API,
    CAT,
    CREATE,
    GENERAL,
    client_with,
    create,
    data_of,
    new_user,
    refused,
    result,
)

DAY = 86_400  # seconds
ROOT = Principal("root", is_operator=True)


def test_tasks_beyond_the_minute_s_are_refused(limited):
    """Till sixty seconds after the first; others' are not counted with it."""
    for _ in range(5):
        create(limited)

    answer = ask(limited)

    assert "5" in refused(answer, 429, "too_many_submissions")["message"]
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit"].startswith('"submissions";r=0;t=')
    assert '"daily-pictures";r=5;t=' in answer.headers["RateLimit"]
    assert "q=5;w=60" in answer.headers["RateLimit-Policy"]
    assert Task.collection().count_documents({}) == 5
    create(limited, user_id="somebody.else")
    conn = jobs.huey.storage.conn
    assert 0 < conn.pttl(f"jimeng:submissions:{USER}") <= 60_000
    conn.delete(f"jimeng:submissions:{USER}")
    create(limited)


def test_pictures_beyond_the_day_s_are_refused(quota):
    """As many as are left are taken; the words say how many that is. MongoDB removes
    what is known of who has not asked for more than a month."""
    create(quota, n=4)
    create(quota, n=4)

    answer = ask(quota, n=4)

    message = refused(answer, 429, "quota_exceeded")["message"]
    assert ("10" in message, "2" in message) == (True, True)
    tomorrow = today() + timedelta(days=1)
    told = utcnow() + timedelta(seconds=int(answer.headers["Retry-After"]))
    assert abs(told - day_begin(tomorrow)) < timedelta(minutes=1)
    create(quota, n=2)
    assert left() == {"daily-pictures": 0}
    assert QuotaUsage.collection().count_documents({"taken_at": {"$type": "date"}}) == 1
    expiry = QuotaUsage.collection().index_information()["forgotten"]
    assert expiry["expireAfterSeconds"] == 40 * DAY


def test_yesterday_s_pictures_do_not_count(quota):
    """A day is one of the billing zone. Two servers meet midnight one after the other:
    the day of a clock that is behind does not begin anew, the later one counts on."""
    create(quota)
    put_on(today() - timedelta(days=1), 10)

    create(quota)

    assert left() == {"daily-pictures": 9}
    put_on(today() + timedelta(days=1), 10)
    refused(ask(quota), 429, "quota_exceeded")


def test_user_s_own_quota_comes_first(quota):
    """At once, in the process where the operator has set it."""
    user_id = new_user(quota)["id"]
    own = {}
    for allowed in (0, 3, 12):
        set_quota(ROOT, user_id, allowed)
        own[allowed] = [ask(quota, n=4, user_id=user_id).status_code for _ in range(4)]

    assert own[0] == own[3] == [429] * 4
    assert own[12] == [202, 202, 202, 429]


def test_quota_of_one_user_is_read_once_a_second(client, monkeypatch):
    """Also on a server without one; what was asked for earlier in the day counts."""
    now = reservations.monotonic()
    monkeypatch.setattr(reservations, "monotonic", lambda: now)
    user_id = new_user(client)["id"]
    where = {"_id": user_id}
    create(client, n=3, user_id=user_id)
    User.collection().update_one(where, {"$set": {"daily_quota": 0}})
    create(client, user_id=user_id)
    User.collection().update_one(where, {"$set": {"daily_quota": 5}})
    later = now + reservations.QUOTA_CACHE_S
    monkeypatch.setattr(reservations, "monotonic", lambda: later)

    answer = ask(client, n=2, user_id=user_id)

    refused(answer, 429, "quota_exceeded")
    create(client, user_id=user_id)
    create(client, n=4)


def test_without_limits_nothing_is_said_of_any(app, config, registry):
    """0 is no limit, and then there are no headers."""
    changes = {"USER_SUBMISSIONS_PER_MINUTE": 0, "USER_DAILY_QUOTA": 0}
    with client_with(config, registry, **changes) as other:
        answer = ask(other)

    assert answer.status_code == 202
    assert not {"RateLimit", "RateLimit-Policy"} & set(answer.headers.keys())


def test_headers_say_what_is_left(limited):
    """In the form of the draft, on every answer of a creating route."""
    general = {**CAT, "type": "image"}
    first, second = ask(limited, n=4), limited.post(GENERAL, json=general)

    assert first.headers["RateLimit-Policy"] == (
        '"submissions";q=5;w=60, "daily-pictures";q=10;w=86400'
    )
    form = r'"submissions";r=(\d+);t=(\d+), "daily-pictures";r=(\d+);t=(\d+)'
    found = [
        re.fullmatch(form, each.headers["RateLimit"]).groups()
        for each in (first, second)
    ]
    assert [(int(r), int(d)) for r, _, d, _ in found] == [(4, 6), (3, 5)]
    assert all(0 < int(t) <= 60 and 0 < int(u) <= DAY for _, t, _, u in found)


def test_others_standing_is_not_there_to_see(database):
    assert limits.rate_limits(Principal("ada"), "ada")
    with pytest.raises(UserNotFound):
        limits.rate_limits(Principal("ada"), "bob")


@pytest.mark.parametrize(
    ("limit", "least"), [("USER_MAX_PENDING", 1), ("USER_SUBMISSIONS_PER_MINUTE", 5)]
)
def test_limit_holds_for_requests_at_once(app, config, registry, limit, least):
    """However many come together, no more are taken than may wait, or in a minute."""
    with client_with(config, registry, **{limit: 5}) as other:

        def send(_: int) -> int:
            return ask(other.application.test_client()).status_code

        statuses = at_once(20, send)
        taken = Task.collection().count_documents({})
        assert least <= taken == statuses.count(202) <= 5
        assert set(statuses) == {202, 429}


def test_refused_request_is_not_counted(limited):
    create(limited)
    ask(limited, "k")
    before = left()

    refused(ask(limited, prompt="x" * 5000), 422, "validation_failed")
    refused(ask(limited, "k", prompt="another"), 422, "idempotency_key_reused")
    refused(ask(limited, n=4, size="7x70"), 422, "validation_failed")

    assert left() == before == {"submissions": 3, "daily-pictures": 8}


def test_repetition_is_not_counted(limited):
    """It is answered also when nothing is left."""
    first = ask(limited, "k-1", n=4)
    again = ask(limited, "k-1", n=4)
    for _ in range(4):
        create(limited)
    last = ask(limited, "k-1", n=4)

    assert data_of(first, 202) == data_of(again, 202) == data_of(last, 202)
    assert again.headers["RateLimit"].startswith('"submissions";r=4;')
    assert left() == {"submissions": 0, "daily-pictures": 2}


def test_parallel_repetitions_count_once(limited):
    """Each that loses gives back what it took, and has the first answer."""
    answers = at_once(5, lambda _: ask(limited.application.test_client(), "same", n=2))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.data for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert replayed.count(None) == 1
    assert left() == {"submissions": 4, "daily-pictures": 8}
    assert Generation.collection().count_documents({}) == 2


def test_running_again_counts(limited):
    """A retry is a task like any other, one by one or many at once."""
    ids = [create(limited) for _ in range(3)]
    data_of(limited.post(f"{API}/tasks/cancel", json={"ids": ids}))
    data_of(limited.post(f"{API}/tasks/{ids[0]}/retry"), 202)

    answer = limited.post(f"{API}/tasks/retry", json={"ids": ids[1:]})

    rows = data_of(answer)["results"]
    assert [row.get("error") for row in rows] == [None, "too_many_submissions"]
    assert answer.headers["RateLimit"].startswith('"submissions";r=0;')


def test_cancelled_pictures_are_given_back(quota):
    """Those that waited, by whatever way they are cancelled; the begun one counts."""
    kept = create(quota, n=3)
    one, two, deleted = (create(quota, n=2) for _ in range(3))
    run_queue()  # two of the first are being drawn

    quota.post(f"{API}/tasks/{one}/cancel")
    quota.post(f"{API}/tasks/cancel", json={"ids": [two, kept]})
    quota.delete(f"{CREATE}/{deleted}")
    quota.delete(f"{CREATE}/{deleted}")

    assert result(quota, kept)["status"] == "cancelled"
    assert left() == {"daily-pictures": 8}
    jobs.huey.storage.conn.flushdb()
    assert left() == {"daily-pictures": 8}, "what costs money is counted in MongoDB"


def test_picture_that_is_cancelled_in_its_last_moment_is_given_back(quota, lane):
    """It had a slot already, and nothing had been sent."""
    task_id = create(quota)
    lanes.claim(lane, {"main": 1})

    quota.post(f"{API}/tasks/{task_id}/cancel")
    assert left() == {"daily-pictures": 9}
    for _ in range(2):  # its claim lapses, and the next one finds it unwanted
        come_due()
        pump.tick()
        run_queue()

    assert left() == {"daily-pictures": 10}


def test_refused_prompt_counts(quota, provider, work_off):
    """What was sent was sent, even where nothing came of it. What is given back late is
    not today's: its day is over, and today's count had nothing to do with it."""
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    create(quota)
    work_off()
    assert left() == {"daily-pictures": 9}
    task_id = create(quota)
    yesterday = (today() - timedelta(days=1)).isoformat()
    Generation.collection().update_many({}, {"$set": {"budget_day": yesterday}})

    quota.post(f"{API}/tasks/{task_id}/cancel")

    assert left() == {"daily-pictures": 8}


def test_picture_of_a_model_that_is_gone_is_given_back(quota):
    """It was never sent, on whatever day that is found; the day is that by which it was
    counted, not one of UTC."""
    create(quota)
    day = today() - timedelta(days=2)
    gone = {
        **{"lane": "x:y", "budget_day": day.isoformat()},
        "created_at": utcnow() - timedelta(days=1),
    }
    Generation.collection().update_many({}, {"$set": gone})
    put_on(day, 3)

    janitor.fail_unserved()

    assert QuotaUsage.used_on(USER, day.isoformat()) == 2


@contextmanager
def one_answer_lost() -> Iterator[list[object]]:
    """Redis does what it is asked, but its next answer to a script does not come."""
    lost: list[object] = []
    read = Connection.read_response

    def read_or_lose(self: Connection, *args: object, **how: object) -> object:
        answer = read(self, *args, **how)
        if isinstance(answer, list) and not lost:
            lost.append(answer)
            raise TimeoutError("Timeout reading from socket")
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "read_response", read_or_lose)
        yield lost


def test_count_whose_answer_is_lost_is_not_taken_twice(limited, monkeypatch):
    """The client asks Redis again; the last place, too, is taken once."""
    monkeypatch.setattr(reservations, "RESEND_WINDOW_S", 60)  # however slow it is
    for used in range(1, 6):
        with one_answer_lost() as lost:
            answer = ask(limited)

        data_of(answer, 202)
        assert lost
        assert answer.headers["RateLimit"].startswith(f'"submissions";r={5 - used};')
    refused(ask(limited), 429, "too_many_submissions")


def failing(*args: object, **kwargs: object) -> None:
    raise AutoReconnect("connection closed")


def test_reservation_of_a_task_that_was_written_stays(limited, monkeypatch):
    """MongoDB did not say so, but its pictures will be drawn."""
    insert = Task.insert
    with monkeypatch.context() as broken:
        broken.setattr(Task, "insert", lambda row: failing(insert(row)))
        refused(ask(limited, n=4), 503, "database_unavailable")

    assert left() == {"submissions": 4, "daily-pictures": 6}
