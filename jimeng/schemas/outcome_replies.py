"""What the REST API says of what was done to many tasks at once."""

from collections.abc import Callable, Sequence
from typing import Any

from marshmallow import missing

from jimeng.errors import JimengError
from jimeng.i18n import explain
from jimeng.schemas import words
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

    task_id = text(*words.TASK_ID, example=TASK)
    success = flag(*words.SUCCESS, of=lambda outcome: outcome.error is None)
    status = text(
        *words.STATUS,
        of=if_done(lambda _: "cancelled"),
        required=False,
        example="cancelled",
    )
    error = text(*words.ERROR, of=if_refused(lambda error: error.code), required=False)
    message = text(*words.MESSAGE, of=if_refused(explain), required=False)


class RetryOutcome(CancelOutcome):
    status = text(
        *words.STATUS,
        of=if_done(lambda _: "pending"),
        required=False,
        example="pending",
    )
    new_task_id = text(
        "新任务的 id",
        "The new task's id",
        of=if_done(lambda outcome: outcome.task.id),
        required=False,
        example=OTHER,
    )
    replayed = flag(
        "新任务是否由同一 Idempotency-Key 的先前请求创建",
        "Whether an earlier request with the same Idempotency-Key created it",
        of=if_done(lambda outcome: outcome.replayed),
        required=False,
        example=False,
    )
    links = a(
        *words.LINKS,
        Links,
        of=if_done(lambda outcome: outcome.task),
        required=False,
        example=...,
    )


def done(outcomes: Sequence[Outcome]) -> int:
    return sum(each.error is None for each in outcomes)


class CancelOutcomes(Reply):
    """One for each task, and how many went which way."""

    results = some(*words.RESULTS, CancelOutcome, of=lambda outcomes: outcomes)
    total = count(
        "一共几个", "How many in all", of=len, maximum=MOST_AT_ONCE, example=1
    )
    succeeded = count("成功几个", "How many succeeded", of=done, example=1)
    failed = count(
        "没有成功的几个",
        "How many failed",
        of=lambda outcomes: len(outcomes) - done(outcomes),
    )


class RetryOutcomes(CancelOutcomes):
    results = some(*words.RESULTS, RetryOutcome, of=lambda outcomes: outcomes)
