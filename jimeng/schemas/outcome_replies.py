"""What the REST API says of what was done to many tasks at once."""

from collections.abc import Callable, Sequence
from typing import Any

from marshmallow import missing

from jimeng.errors import JimengError
from jimeng.i18n import explain
from jimeng.schemas.kinds import (
    Reply,
    a,
    count,
    flag,
    some,
    text,
)
from jimeng.schemas.task_replies import OTHER, TASK, Links
from jimeng.tasks import Outcome
from jimeng.tasks.retrying import MOST_AT_ONCE


def if_done(of: Callable[[Any], object]):
    return lambda outcome: missing if outcome.error else of(outcome)


def if_refused(of: Callable[[JimengError], object]):
    return lambda outcome: of(outcome.error) if outcome.error else missing


class CancelOutcome(Reply):
    """What became of one of many tasks."""

    task_id = text(example=TASK)
    success = flag(lambda outcome: outcome.error is None)
    status = text(if_done(lambda _: "cancelled"), required=False, example="cancelled")
    error = text(if_refused(lambda error: error.code), required=False)
    message = text(if_refused(explain), required=False)


class RetryOutcome(CancelOutcome):
    status = text(if_done(lambda _: "pending"), required=False, example="pending")
    new_task_id = text(
        if_done(lambda outcome: outcome.task.id), required=False, example=OTHER
    )
    replayed = flag(
        if_done(lambda outcome: outcome.replayed), required=False, example=False
    )
    links = a(Links, if_done(lambda outcome: outcome.task), required=False, example=...)


def done(outcomes: Sequence[Outcome]) -> int:
    return sum(each.error is None for each in outcomes)


class CancelOutcomes(Reply):
    """One for each task, and how many went which way."""

    results = some(CancelOutcome, lambda outcomes: outcomes)
    total = count(len, maximum=MOST_AT_ONCE, example=1)
    succeeded = count(done, example=1)
    failed = count(lambda outcomes: len(outcomes) - done(outcomes))


class RetryOutcomes(CancelOutcomes):
    results = some(RetryOutcome, lambda outcomes: outcomes)
