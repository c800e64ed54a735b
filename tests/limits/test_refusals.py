"""How much a user may ask for: in a minute, in a day, and waiting at once."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest

from jimeng import jobs, limits
from jimeng.documents import QuotaUsage, Task, User, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors.access import UserNotFound
from jimeng.limits import reservations
from jimeng.operations.users import set_quota
from tests.at_once import at_once
from tests.conftest import run_queue
from tests.limits.conftest import USER, ask, left, put_on
from tests.rest import CAT, GENERAL, client_with, create, new_user, refused

DAY = 86_400  # seconds
ROOT = Principal("root", is_operator=True)


def test_tasks_beyond_the_minute_s_are_refused(limited):
    """The sixth is told when to come back, sixty seconds after the first; others' are
    not counted with it."""
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
    tomorrow = utcnow().date() + timedelta(days=1)
    told = utcnow() + timedelta(seconds=int(answer.headers["Retry-After"]))
    assert abs(told - datetime.combine(tomorrow, time.min, UTC)) < timedelta(minutes=1)
    create(quota, n=2)
    assert left() == {"daily-pictures": 0}
    assert QuotaUsage.collection().count_documents({"taken_at": {"$type": "date"}}) == 1
    expiry = QuotaUsage.collection().index_information()["forgotten"]
    assert expiry["expireAfterSeconds"] == 40 * DAY


def test_yesterday_s_pictures_do_not_count(quota):
    """A day is one in UTC. Two servers meet midnight one after the other: the day of a
    clock that is behind does not begin anew, the later one counts on."""
    create(quota)
    put_on((utcnow() - timedelta(days=1)).date(), 10)

    create(quota)

    assert left() == {"daily-pictures": 9}
    put_on(utcnow().date() + timedelta(days=1), 10)
    refused(ask(quota), 429, "quota_exceeded")


def test_user_s_own_quota_comes_first(quota):
    """None at all, less than the server's, or more; and at once, in the process where
    the operator has set it."""
    user_id = new_user(quota)["id"]
    own = {}
    for allowed in (0, 3, 12):
        set_quota(ROOT, user_id, allowed)
        own[allowed] = [ask(quota, n=4, user_id=user_id).status_code for _ in range(4)]

    assert own[0] == own[3] == [429] * 4
    assert own[12] == [202, 202, 202, 429]


def test_quota_of_one_user_on_a_server_without(client):
    """What was asked for earlier in the day counts, too."""
    user_id = new_user(client)["id"]
    create(client, n=4, user_id=user_id)
    User.collection().update_one({"_id": user_id}, {"$set": {"daily_quota": 5}})
    limits.clear_quota_cache()

    answer = ask(client, n=2, user_id=user_id)

    refused(answer, 429, "quota_exceeded")
    create(client, user_id=user_id)
    create(client, n=4)


def test_quota_is_read_once_a_second(client, monkeypatch):
    """Where the request does not say what the user's record does."""
    now = reservations.monotonic()
    monkeypatch.setattr(reservations, "monotonic", lambda: now)
    user_id = new_user(client)["id"]
    create(client, n=4, user_id=user_id)
    User.collection().update_one({"_id": user_id}, {"$set": {"daily_quota": 0}})

    create(client, user_id=user_id)
    later = now + reservations.QUOTA_CACHE_S
    monkeypatch.setattr(reservations, "monotonic", lambda: later)

    refused(ask(client, user_id=user_id), 429, "quota_exceeded")


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


def test_picture_that_is_sent_waits_no_longer(app, config, registry):
    """As many more may be asked for, at once."""
    with client_with(config, registry, USER_MAX_PENDING=2) as other:
        create(other, n=2)
        run_queue()

        create(other, n=2)
