"""What the tests of the limits have in common."""

from collections.abc import Iterator
from datetime import date

import pytest
from werkzeug.test import TestResponse

from jimeng import limits
from jimeng.documents import QuotaUsage
from jimeng.documents.principal import Principal
from tests.rest import CAT, CREATE, client_with

EVERYBODY = Principal("root", is_operator=True)
USER = CAT["user_id"]


@pytest.fixture
def limited(app, config, registry) -> Iterator:
    """A server with five tasks a minute and ten pictures a day for each user."""
    changes = {"USER_SUBMISSIONS_PER_MINUTE": 5, "USER_DAILY_QUOTA": 10}
    with client_with(config, registry, **changes) as client:
        yield client


@pytest.fixture
def quota(app, config, registry) -> Iterator:
    """A server with ten pictures a day, and as many tasks a minute as one likes."""
    changes = {"USER_SUBMISSIONS_PER_MINUTE": 0, "USER_DAILY_QUOTA": 10}
    with client_with(config, registry, **changes) as client:
        yield client


def ask(client, key: str | None = None, **fields) -> TestResponse:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(CREATE, json={**CAT, **fields}, headers=headers)


def left(user_id: str = USER) -> dict[str, int]:
    """What is left of each limit."""
    rate_limits = limits.rate_limits(EVERYBODY, user_id)
    return {each.policy: each.remaining for each in rate_limits}


def put_on(day: date, pictures: int) -> None:
    """Let *day* be the latest on which the user has asked for something."""
    QuotaUsage.objects(id=USER).update(set__day=day.isoformat(), set__asked=pictures)
