"""
Refusals: an account that the provider refuses, or does not answer, is suspended.

A submission fails for its account's sake if the provider refuses the account, whatever
the picture, or does not answer. Such failures in a row are counted on the record of the
account lane; an acceptance ends them. `FAILURES_TO_SUSPEND` of them suspend the
account: nothing is sent but one trial per pause, and the pauses double. So a queue is
not used up by an account that is repaired tomorrow.

A worker of the release before knows the suspension, but counts no failures.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jimeng.documents import Generation, Lane, State, utcnow
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.lanes.limits import (
    PROVIDER_REFUSES,
    AccountLane,
    AccountLaneState,
    end_failures,
    forget_lane,
    hold_reason,
    is_account_suspended,
    jittered,
    modify_lane,
    read_account_lanes,
    read_lane,
)

log = logging.getLogger(__name__)

# These concern the account, not the picture: another account may generate it.
ACCOUNT_CODES = frozenset(
    ("credentials_invalid", "permission_missing", "access_denied", "model_not_found")
    + ("account_overdue", "quota_exhausted", "clock_wrong", "request_refused")
)
FAILURES_TO_SUSPEND = 5
SUSPENSION_S, MAX_SUSPENSION_S = 60.0, 600.0
TOLD_FOR = timedelta(minutes=15)


@dataclass(frozen=True)
class Failures:
    """
    The submissions of an account that have failed in a row for its sake.

    Attributes:
        count: How many; none was accepted since the first.
        code: The error code of the latest.
        since: When the first failed.
        latest_at: When the latest failed.
        suspended_until: When the next is tried; None while the account is not
            suspended.
    """

    account_lane: AccountLane
    count: int
    code: str
    since: datetime
    latest_at: datetime
    suspended_until: datetime | None


def failures_of(state: AccountLaneState) -> Failures | None:
    """The failures as an operator is told of them; None if the latest is long ago."""
    record, is_suspended = state.record, is_account_suspended(state.record)
    latest_at, code = record.failed_at, record.refused or record.failed_code
    if code is None or latest_at is None or record.failing_since is None:
        return None
    if not is_suspended and latest_at < utcnow() - TOLD_FOR:
        return None
    return Failures(
        state.account_lane,
        record.failures,
        code,
        record.failing_since,
        latest_at,
        record.not_before if is_suspended else None,
    )


def read_failures(limits: Mapping[str, Mapping[str, int]]) -> list[Failures]:
    """
    Read the failures of all account lanes, as an operator is told of them.

    Args:
        limits: As in `read_account_lanes`.
    """
    found = map(failures_of, read_account_lanes(limits))
    return [each for each in found if each is not None]


def record_failure(
    generation: Generation, code: str, *, may_suspend_at_once: bool = False
) -> None:
    """
    Record that the submission of a picture has failed for its account's sake, and
    suspend the account if this is the last of too many in a row, or if it was a trial.

    Args:
        code: The error code with which the picture failed, or would have.
        may_suspend_at_once: Other accounts go on, so this one need not fail again.
    """
    account_lane = AccountLane(generation.lane, generation.of_account).record
    read_lane(account_lane, fresh=True)  # drops fields that cannot be updated
    now = utcnow()
    users: dict = {"$ifNull": ["$failed_users", []]}
    both = {"$setUnion": [users, [{"$literal": generation.user_id}]]}
    counted = {
        "failures": {"$add": [{"$ifNull": ["$failures", 0]}, 1]},
        "failing_since": {"$ifNull": ["$failing_since", now]},
        "failed_at": now,
        "failed_code": code,
        "failed_users": {"$slice": [both, 2]},
    }
    record = modify_lane(account_lane, [{"$set": counted}])
    forget_lane(account_lane)
    if record.refused is not None:
        # One that was sent before the suspension is no trial.
        sent_at, began_at = generation.sent_at or now, record.suspended_at
        must_suspend = began_at is None or sent_at > began_at
    else:
        must_suspend = may_suspend_at_once or _are_too_many(generation.lane, record)
    if must_suspend:
        _suspend(record, code)


def _are_too_many(lane: str, record: Lane) -> bool:
    """
    Whether the failures in a row suffice to suspend an account. Where several users
    wait, those of one alone do not: they may be the fault of what that user submits.
    """
    if record.failures < FAILURES_TO_SUSPEND:
        return False
    users = record.failed_users
    if len(users) > 1:
        return True
    others = {"lane": lane, "user_id": {"$nin": users}, "waiting": True}
    others |= {"state": State.QUEUED.value, **KNOWN_KIND}
    rows = Generation.collection()
    return rows.find_one(others, {"_id": 1}, hint="user_waiting") is None


def _suspend(record: Lane, code: str) -> None:
    """Suspend an account, unless another process was first or it was accepted since."""
    now, rests = utcnow(), record.rests + 1
    since = record.suspended_since if record.refused is not None else None
    suspended = {
        **{"refused": code, "rests": rests},
        **{"suspended_at": now, "suspended_since": since or now},
    }
    until = now + jittered(_pause_s(rests))
    changed = Lane.collection(durable=False).update_one(
        # None where it is absent.
        {
            **{"_id": record.id, "refused": record.refused},
            **{"suspended_at": record.suspended_at, "failed_at": {"$ne": None}},
        },
        {"$set": suspended, "$max": {"not_before": until}},
    )
    forget_lane(record.id)
    if changed.modified_count:
        log.error(
            "account suspended lane=%s code=%s failures=%d until=%s",
            *(record.id, code, record.failures, until.isoformat(timespec="seconds")),
        )


def _pause_s(rests: int) -> float:
    return min(SUSPENSION_S * 2.0 ** min(max(rests - 1, 0), 16), MAX_SUSPENSION_S)


def take_trial(account_lane: AccountLane) -> bool:
    """
    Take the one trial that a suspended account is allowed per pause; the next pause
    begins.

    Returns:
        Whether a picture may be sent: also if the account is not suspended.
    """
    record = read_lane(account_lane.record)
    if record.refused is None:
        return True
    until = utcnow() + jittered(_pause_s(record.rests))
    taken = Lane.collection(durable=False).update_one(
        {
            **{"_id": record.id, "refused": record.refused},
            "not_before": record.not_before,
        },
        {"$set": {"not_before": until}},
    )
    forget_lane(record.id)
    return bool(taken.modified_count)


def record_answer(generation: Generation) -> None:
    """
    Record that the provider refused a picture for its own sake: that ends a series of
    failures. It does not end a suspension, but the next picture may be tried at once.
    """
    account_lane = AccountLane(generation.lane, generation.of_account)
    record = read_lane(account_lane.record)
    if record.refused is None:
        if record.failures:
            end_failures(account_lane.lane, account_lane.account)
        return
    tried = {"_id": record.id, "suspended_at": {"$lt": generation.sent_at}}
    Lane.collection(durable=False).update_one(tried, {"$set": {"not_before": utcnow()}})
    forget_lane(record.id)


def hold_reason_of(lane: str, limits: Mapping[str, int]) -> str | None:
    """
    Why nothing of a lane is sent: `hold_reason`, or ``provider_refuses`` if all its
    accounts are suspended, or wait for the trial that follows.

    Args:
        limits: Account -> its configured limit in the lane.
    """
    if reason := hold_reason():
        return reason
    records = [read_lane(AccountLane(lane, account).record) for account in limits]
    is_refused = records and all(each.refused is not None for each in records)
    return PROVIDER_REFUSES if is_refused else None


def refused_since(lane: str, limits: Mapping[str, int]) -> tuple[datetime, str] | None:
    """
    Since when all accounts of a lane are suspended, and the error code with which a
    picture that has waited too long for that fails; None if one is not.

    Args:
        limits: As in `hold_reason_of`.
    """
    found = []
    for account in limits:
        record = read_lane(AccountLane(lane, account).record, fresh=True)
        if record.refused is None or record.suspended_since is None:
            return None
        # Of what was not answered that picture was not part: it was never sent.
        is_own = record.refused in ACCOUNT_CODES
        code = record.refused if is_own else "provider_unreachable"
        found.append((record.suspended_since, code))
    return max(found, default=None)
