"""Submission: send the one request that costs money, once, and store its acceptance."""

import hmac
import logging
import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial

from pymongo.errors import PyMongoError

from jimeng import lanes
from jimeng.billing import costs, spending
from jimeng.config import logs
from jimeng.documents import Generation, State, Task, utcnow
from jimeng.documents.task import THERE
from jimeng.errors import BudgetExceeded, ProviderError
from jimeng.jobs import endings, metric_counters, video_disk_space
from jimeng.jobs import inputs as job_inputs
from jimeng.jobs.endings import SlotRelease, slot_release_of
from jimeng.jobs.inputs import InputLost, LoadedInputs
from jimeng.jobs.poll_schedule import first_poll_after
from jimeng.jobs.saving import finished_fields, provider_of, request_of, store_output
from jimeng.process import broker
from jimeng.process.runtime import runtime, try_acquire
from jimeng.providers import Expansion, ImageRequest, Model, Progress
from jimeng.providers.models.model import new_seed

log = logging.getLogger(__name__)

# On top of the answer's timeout: connecting (3 s) and a margin, so that no other worker
# takes over while the call may still be answered.
LEASE_MARGIN_S = 15.0
LOADING_LEASE = timedelta(seconds=30)
# Of the eight workers of a consumer, four stay free for short jobs.
MAX_SYNCHRONOUS_CALLS = 4
_synchronous = threading.BoundedSemaphore(MAX_SYNCHRONOUS_CALLS)
# These mean "later", however often: the picture waits, and its deadline does not apply.
WAIT_CODES = frozenset({"rate_limited", "concurrency_limited"})
# Of a content check that broke before anything was made.
CHECK_BROKE, MAX_BROKEN_CHECKS = "moderation_unavailable", 2


def send_next(lane: str) -> SlotRelease | None:
    """Claim and send the next picture of *lane*, if a slot is free."""
    model = runtime().registry.by_lane(lane)
    if model is None or (model.video and not video_disk_space.has_disk_space(model)):
        return None  # a pump queues another dispatch
    permit = try_acquire(_synchronous) if model.is_synchronous else nullcontext(True)
    with permit as is_free:
        if not is_free:
            return None  # a pump queues another dispatch
        generation = lanes.claim(lane, runtime().registry.limits[lane])
        if generation is None:
            return None
        with logs.bound(task=generation.task_id, user=generation.user_id):
            if not generation.is_readable:
                return endings.quarantine(generation, f"unread {generation.unread}")
            return send(generation, model)


def send(generation: Generation, model: Model) -> SlotRelease | None:
    """Submit a claimed generation, unless it was cancelled or its task has ended."""
    if generation.unwanted:
        endings.cancel(generation)
        return slot_release_of(generation)
    if not Task.start(generation.task_id):
        return drop_unwanted(generation)
    if generation.prompt is None:
        return endings.quarantine(generation, "no prompt")
    try:
        loaded = load(generation)
        if loaded is None:
            return slot_release_of(generation)
        generation, inputs = loaded
        request = with_inputs(generation, inputs)
        submit = provider_of(generation).prepare(request)
    except ProviderError as error:
        return submission_failed(generation, error)
    except endings.UNEXPECTED_ERRORS as error:
        return endings.retry_unexpected(generation, error)
    try:
        price = costs.sending_price(generation, model, request.video)
        more = spending.increase_hold(generation, price)
        sent = mark_submitting(generation, model, request, price, more.micros)
    except BudgetExceeded as error:
        endings.fail_unsent(generation, error.code, f"cannot be sent: {error}")
        return slot_release_of(generation)
    except PyMongoError:
        take_back(generation)
        raise
    if sent is None:
        more.release()
        log.info("submission abandoned id=%s: late, or deleted", generation.id)
        return None
    began = time.monotonic()
    try:
        with metric_counters.measure_call(sent.provider, "submit"):
            progress = submit()
    except ProviderError as error:
        return submission_failed(sent, error)
    seconds = time.monotonic() - began
    freed = record_accepted(sent, progress)
    if progress.done:
        lanes.record_duration(sent.lane, seconds)
    return freed


def load(generation: Generation) -> tuple[Generation, LoadedInputs] | None:
    """
    Read the inputs before anything is sent: if the worker dies here, or MongoDB does
    not answer, nothing is lost, and the picture is queued again.

    Returns:
        The generation with its extended lease, and the inputs; None if the claim or an
        input is lost.
    """
    if not generation.inputs:
        return generation, LoadedInputs()
    claimed = generation.extend_lease(LOADING_LEASE)
    if claimed is None:
        return None
    try:
        return claimed, job_inputs.load_inputs(claimed)
    except InputLost as error:
        log.error("input lost id=%s input=%s", claimed.id, error)
        why = f"cannot be sent: {error}"
        endings.fail_unsent(claimed, "input_unreachable", why)
        return None


def with_inputs(generation: Generation, inputs: LoadedInputs) -> ImageRequest:
    """The request of a submission; that of a poll has no inputs."""
    expand = Expansion(**generation.expand) if generation.expand else None
    return replace(
        request_of(generation),
        inputs=inputs.pictures,
        mask=inputs.mask,
        strength=generation.strength,
        expand=expand,
        tag=new_tag(generation) if generation.is_video else "",
    )


def new_tag(generation: Generation) -> str:
    """
    A tag that identifies this submission in the provider's list of tasks: 63
    characters, of which the first half identifies its user, as providers ask for.
    """
    secret = runtime().config.SECRET_KEY.encode()
    named = (generation.user_id, f"{generation.id}/{generation.attempts}")
    halves = (hmac.digest(secret, each.encode(), "sha256").hex()[:31] for each in named)
    return "-".join(halves)


def drop_unwanted(generation: Generation) -> SlotRelease:
    """Drop a picture whose task has ended; defer one only a later release can read."""
    task = Task.find_one({"_id": generation.task_id, **THERE})
    if task is None or task.is_known:
        endings.drop(generation)
    else:
        endings.defer_to_newer_release(generation)
    return slot_release_of(generation)


def mark_submitting(
    generation: Generation,
    model: Model,
    request: ImageRequest,
    price: costs.Price | None,
    held_micros: int | None = None,
) -> Generation | None:
    """
    The last write before the request is sent: from here on a kill means ``unknown``.

    Args:
        held_micros: What is held for it from now on; None for what is already.

    Returns:
        None if the lease has expired, or the task was deleted, and with it the prompt.
    """
    now, paid = utcnow(), costs.price_update(price)
    held = {} if held_micros is None else {"held_micros": held_micros}
    return generation.extend_lease(
        submitting_lease(model, request.sending),
        {
            **paid,
            "$set": {
                **paid.get("$set", {}),
                **held,
                "state": State.SUBMITTING.value,
                "expected": lanes.expected_duration(generation.lane, model.typical),
                "first_sent_at": generation.first_sent_at or now,
                "sent_at": now,
                "is_synchronous": model.is_synchronous,
                "attempts": generation.attempts + 1,
                **({"tag": request.tag} if request.tag else {}),
            },
        },
        {"prompt": {"$exists": True}},
    )


def take_back(generation: Generation) -> None:
    """Queue it again, whether that last write is stored or not: nothing was sent."""
    for state in (State.STARTING, State.SUBMITTING):
        generation.state = state.value
        endings.requeue(generation)


def submitting_lease(model: Model, sending: float = 0.0) -> timedelta:
    """
    Longer than any submission takes.

    Args:
        sending: Seconds that a slow connection has for uploading the inputs.
    """
    return timedelta(seconds=model.answer_within + sending + LEASE_MARGIN_S)


def submission_failed(
    generation: Generation, error: ProviderError
) -> SlotRelease | None:
    """
    Decide what follows from a failed submission.

    It is retried only if it was certainly not accepted, never if it may have been.
    """
    code = error.provider_code or error.code
    is_answer = not error.transient and generation.state == State.SUBMITTING.value
    if error.maybe_accepted:
        log.warning("submission unknown id=%s code=%s: %s", generation.id, code, error)
        lanes.record_failure(generation, error.code)
        seek_or_mark_unknown(generation, error)
    elif error.transient and may_resend(generation, error):
        log.info("submission refused id=%s code=%s: waits", generation.id, code)
        is_full = error.code == "concurrency_limited"
        lanes.back_off(generation.lane, generation.of_account, full=is_full)
        broken_checks = generation.broken_checks + (error.code == CHECK_BROKE)
        endings.requeue(generation, broken_checks=broken_checks)
    elif error.code in lanes.ACCOUNT_CODES and has_active_account(generation):
        log.warning("account refused id=%s code=%s: %s", generation.id, code, error)
        lanes.record_failure(generation, error.code, may_suspend_at_once=True)
        endings.requeue(generation)
    elif may_retry_with_new_seed(generation, error):
        if is_answer:
            lanes.record_answer(generation)
        return retry_with_new_seed(generation)
    else:
        if error.code in lanes.ACCOUNT_CODES:
            # This picture fails and shows the reason; back-off and suspension keep a
            # whole queue from failing because of a key that is replaced tomorrow.
            lanes.back_off(generation.lane, generation.of_account, full=False)
            lanes.record_failure(generation, error.code)
        elif is_answer:
            lanes.record_answer(generation)
        endings.fail(generation, error)
        return slot_release_of(generation)
    return None


def has_active_account(generation: Generation) -> bool:
    """Whether another account of the lane is not suspended."""
    accounts = runtime().registry.limits_in(generation.lane)
    account_lanes = [
        lanes.AccountLane(generation.lane, each).record for each in accounts
    ]
    mine = lanes.AccountLane(generation.lane, generation.of_account).record
    others = lanes.read_lanes([each for each in account_lanes if each != mine])
    return not all(map(lanes.is_account_suspended, others.values()))


def may_resend(generation: Generation, error: ProviderError) -> bool:
    """Whether to send again what was certainly not accepted."""
    if error.code == CHECK_BROKE:
        return generation.broken_checks < MAX_BROKEN_CHECKS
    return error.code in WAIT_CODES or not is_overdue(generation)


def is_overdue(generation: Generation) -> bool:
    """Whether the provider has been unreachable for longer than ``TASK_DEADLINE``."""
    if generation.first_sent_at is None:
        return False
    age = (utcnow() - generation.first_sent_at).total_seconds()
    return age > runtime().config.TASK_DEADLINE


def may_retry_with_new_seed(generation: Generation, error: ProviderError) -> bool:
    """Once, if the provider rejected its own output and did not charge for it."""
    untried = not (generation.resent or generation.seed_given or generation.late)
    return error.new_seed and untried


def retry_with_new_seed(generation: Generation) -> SlotRelease:
    log.info("picture refused id=%s: once more with a new seed", generation.id)
    endings.requeue(generation, resent=True, seed=new_seed())
    return slot_release_of(generation)


SENT = [State.SUBMITTING.value, State.SEEKING.value, State.UNKNOWN.value]
MAX_STORE_ATTEMPTS = 3  # of some 30 s each: without the id a paid picture is lost


def record_accepted(generation: Generation, progress: Progress) -> SlotRelease | None:
    """
    Store the provider's task id, and schedule the first poll.

    The update is guarded by the submission token, not by the lease: a submitter that
    stalled beyond its lease has the only copy of the id of a paid picture.
    """
    found = None
    for tries in range(MAX_STORE_ATTEMPTS, 0, -1):
        try:
            found = store_acceptance(generation, progress)
            break
        except PyMongoError as error:
            name = progress.remote_id
            log.error("name not stored id=%s remote=%s: %s", generation.id, name, error)
            if tries == 1:
                raise
    if found is None:
        log.error("accepted but not expected id=%s", generation.id)
        return None
    log.info(
        "picture submitted id=%s remote=%s provider_request=%s late=%s",
        found.id,
        progress.remote_id,
        progress.request_id,
        found.late,
    )
    set_submitted_at(found)
    lanes.record_acceptance(found.lane, found.of_account, is_finished=progress.done)
    metric_counters.count_accepted(found)
    if not progress.done:
        return None
    metric_counters.count_generated(found)
    return slot_release_of(generation, partial(store_output, found, progress.images))


def store_acceptance(generation: Generation, progress: Progress) -> Generation | None:
    """
    Move ``submitting``, ``seeking`` or ``unknown`` to ``generating``, or to ``saving``
    if the answer contains the picture. None if the generation is in another state.
    """
    now = utcnow()
    names = [progress.remote_id] if progress.remote_id else []
    after = generating_fields(generation)
    if progress.done:
        urls = {"$literal": list(progress.urls)}
        after = {**finished_fields(generation, progress), "urls": urls}
    return Generation.find_and_modify(
        {
            "_id": generation.id,
            "submit_token": generation.submit_token,
            "state": {"$in": SENT},
        },
        [
            {
                "$set": {
                    "late": {"$eq": ["$state", State.UNKNOWN.value]},
                    "accepted_at": now,
                    "polls": 0,
                    "faults": 0,
                    "remote_ids": {
                        "$concatArrays": [
                            {"$ifNull": ["$remote_ids", []]},
                            {"$literal": names},
                        ]
                    },
                    **after,
                }
            },
            {
                "$unset": [
                    *("error", "ended_at", "looked_at"),
                    *(["slot"] if progress.done else []),
                ]
            },
        ],
    )


def generating_fields(generation: Generation) -> dict:
    """The fields of a picture that is being generated, with its first poll."""
    first_poll = utcnow() + timedelta(seconds=first_poll_after(generation))
    return {
        "state": State.GENERATING.value,
        "due_at": first_poll,
        "planned_at": first_poll,
        "charged": "unknown",
    }


def set_submitted_at(generation: Generation) -> None:
    where = {"_id": generation.task_id, "submitted_at": {"$exists": False}}
    Task.collection(durable=False).update_one(
        where, {"$set": {"submitted_at": generation.accepted_at}}
    )


# A video whose submission got no answer may be in the provider's list of tasks. It
# keeps its slot while that is read, and its task stays open.
SEEK_AFTER_S = (2.0, 15.0, 60.0)  # after the submission
# The list may be read once a second for each account, by all workers together.
READ_EVERY_MS = 1000
RETRY_AFTER_S = 1.5
MAX_FAULTS = 20  # failed reads in a row
MAX_PAGES = 10  # of a busy account's list
MAY_READ = "return redis.call('SET', KEYS[1], 1, 'NX', 'PX', ARGV[1]) and 1 or 0"


def no_answer(why: str) -> ProviderError:
    return ProviderError(why, code="submit_unknown", charged="unknown")


def seek_or_mark_unknown(generation: Generation, error: ProviderError) -> None:
    """Seek what was submitted without an answer, if the provider has a list."""
    if not can_be_found(generation):
        endings.mark_unknown(generation, error)
        return
    log.info("submission sought id=%s", generation.id)
    fields = {"state": State.SEEKING.value, "charged": "unknown"}
    due_at = utcnow() + timedelta(seconds=SEEK_AFTER_S[0])
    generation.release(due_at, {**fields, "polls": 0, "faults": 0})


def can_be_found(generation: Generation) -> bool:
    if not generation.is_video or not generation.tag:
        return False
    try:
        return provider_of(generation).can_find_lost(request_of(generation))
    except ProviderError:  # the account is no longer configured
        return False


def seek(generation: Generation) -> SlotRelease | None:
    """Read a page of the list: accept what is found, or schedule the next read."""
    key = f"jimeng:seek:{generation.provider}:{generation.of_account}"
    if not broker.evaluate(MAY_READ, [key], READ_EVERY_MS):
        seek_later(generation, RETRY_AFTER_S)
        return None
    page = generation.list_page or 1
    sent_at = generation.sent_at or generation.created_at
    try:
        listed = provider_of(generation).find_lost(
            request_of(generation), sent_at, page
        )
    except ProviderError as error:
        log.warning("list not read id=%s: %s", generation.id, error)
        if error.transient and generation.faults < MAX_FAULTS:
            wait_s = RETRY_AFTER_S * 2 ** min(generation.faults, 5)
            seek_later(generation, wait_s, faults=generation.faults + 1)
        else:
            endings.mark_unknown(
                generation, no_answer("the provider's list is unreadable")
            )
        return None
    if listed.found is not None:
        return record_accepted(generation, listed.found)
    if listed.has_older and page < MAX_PAGES:
        seek_later(generation, RETRY_AFTER_S, list_page=page + 1)
        return None
    if listed.has_older:
        log.warning("list too long id=%s pages=%d", generation.id, page)
    polls = generation.polls + 1
    if polls >= len(SEEK_AFTER_S):
        endings.mark_unknown(generation, no_answer("not in the provider's list"))
    else:
        wait_s = SEEK_AFTER_S[polls] - SEEK_AFTER_S[polls - 1]
        seek_later(generation, wait_s, polls=polls, list_page=1)
    return None


def seek_later(generation: Generation, wait_s: float, **changes: object) -> None:
    generation.release(utcnow() + timedelta(seconds=wait_s), changes, durable=False)
