"""Sending: the one call that costs money, made once."""

import logging
import secrets
from datetime import timedelta

from pymongo.errors import PyMongoError

from jimeng import lanes, logs
from jimeng.documents import Generation, State, Task, utcnow
from jimeng.errors import ProviderError
from jimeng.jobs import outcomes
from jimeng.jobs.queue import enqueue_dispatch, runtime
from jimeng.jobs.save import keep_images, keep_urls
from jimeng.providers import ImageRequest, Model, Progress

log = logging.getLogger(__name__)

# Longer than the client's own limits (3 s to connect, 10 s to read), so that
# nobody decides over a call that may still be answered.
SUBMITTING_LEASE = timedelta(seconds=25)
# What these say is "later", however often: waiting is no failure.
PATIENT = frozenset({"rate_limited", "concurrency_limited"})
STORE_TRIES = 3  # of some 30 s each: the name of what was paid for is precious


def send_next(lane: str) -> None:
    """Send the picture that is next in *lane*, if a slot is free."""
    model = runtime().registry.by_lane(lane)
    if model is None:
        return
    generation = lanes.claim(lane, runtime().registry.lanes[lane])
    if generation is None:
        return
    with logs.bound(task=generation.task_id, user=generation.user_id):
        send(generation, model)


def send(generation: Generation, model: Model) -> None:
    """Submit a claimed generation, unless its task is no longer wanted."""
    if not Task.start(generation.task_id):
        outcomes.drop(generation)
        return
    sent = mark_submitting(generation, model)
    if sent is None:
        log.info("submission given up id=%s: the lease has passed", generation.id)
        return
    provider = runtime().registry.provider(sent.provider)
    try:
        progress = provider.submit(request_of(sent))
    except ProviderError as error:
        refused(sent, error)
        return
    accepted(sent, progress)


def mark_submitting(generation: Generation, model: Model) -> Generation | None:
    """The last write before the first byte: from here on a kill means *unknown*."""
    now = utcnow()
    return generation.settle(
        {
            "$set": {
                "state": State.SUBMITTING.value,
                "due_at": now + SUBMITTING_LEASE,
                "expected": lanes.expected_duration(generation.lane, model.typical),
                "first_sent_at": generation.first_sent_at or now,
            },
            "$inc": {"attempts": 1},
        }
    )


def request_of(generation: Generation) -> ImageRequest:
    return ImageRequest(
        req_key=generation.req_key,
        prompt=generation.prompt,
        width=generation.width,
        height=generation.height,
        seed=generation.seed,
    )


def accepted(generation: Generation, progress: Progress) -> None:
    """
    Store the provider's name for the picture, and plan the first look.

    Under the token of the submission and not of the lease: whoever stalled past
    its lease holds the only name of something that is paid for.
    """
    found = None
    for tries in range(STORE_TRIES, 0, -1):
        try:
            found = store_name(generation, progress.remote_id)
            break
        except PyMongoError as error:
            name = progress.remote_id
            log.error("name not stored id=%s remote=%s: %s", generation.id, name, error)
            if tries == 1:
                raise
    if found is None:
        log.error("accepted but not expected id=%s", generation.id)
        return
    log.info(
        "picture submitted id=%s remote=%s provider_request=%s late=%s",
        found.id,
        progress.remote_id,
        progress.request_id,
        found.late,
    )
    note_submitted(found)
    lanes.accepted(found.lane)
    if progress.urls:
        keep_urls(found, progress.urls)
    elif progress.images:
        keep_images(found, progress.images)


def store_name(generation: Generation, remote_id: str) -> Generation | None:
    """``submitting`` or ``unknown`` → ``generating``; None if it is neither."""
    now = utcnow()
    first_look = now + timedelta(seconds=first_poll_after(generation))
    return Generation.swap(
        {
            "_id": generation.id,
            "submit_token": generation.submit_token,
            "state": {"$in": [State.SUBMITTING.value, State.UNKNOWN.value]},
        },
        [
            {
                "$set": {
                    "late": {"$eq": ["$state", State.UNKNOWN.value]},
                    "state": State.GENERATING.value,
                    "due_at": first_look,
                    "planned_at": first_look,
                    "accepted_at": now,
                    "charged": "unknown",
                    "remote_ids": {
                        "$concatArrays": [
                            {"$ifNull": ["$remote_ids", []]},
                            [{"$literal": remote_id}],
                        ]
                    },
                    "polls": 0,
                    "faults": 0,
                }
            },
            {"$unset": ["error", "ended_at"]},
        ],
    )


def note_submitted(generation: Generation) -> None:
    where = {"_id": generation.task_id, "submitted_at": {"$exists": False}}
    Task.collection(durable=False).update_one(
        where, {"$set": {"submitted_at": generation.accepted_at}}
    )


def first_poll_after(generation: Generation) -> float:
    """Seconds from the acceptance to the first look: about when it is ready."""
    least = runtime().config.POLL_INTERVAL
    return max(least, generation.expected or 0)


def refused(generation: Generation, error: ProviderError) -> None:
    """
    Decide over a submission that was not answered with a name.

    Sent again by itself only where it certainly was not accepted; what may have
    been accepted never.
    """
    code = error.provider_code or error.code
    if error.maybe_accepted:
        log.warning("submission unknown id=%s code=%s: %s", generation.id, code, error)
        outcomes.unknown(generation, error)
    elif error.transient and (error.code in PATIENT or not overdue(generation)):
        log.info("submission refused id=%s code=%s: waits", generation.id, code)
        lanes.back_off(generation.lane, full=error.code == "concurrency_limited")
        outcomes.wait_again(generation)
    elif may_draw_anew(generation, error):
        draw_anew(generation)
    else:
        outcomes.fail(generation, error)
        enqueue_dispatch(generation.lane)


def overdue(generation: Generation) -> bool:
    """Whether the provider has been out of reach for as long as a task may take."""
    if generation.first_sent_at is None:
        return False
    age = (utcnow() - generation.first_sent_at).total_seconds()
    return age > runtime().config.TASK_DEADLINE


def may_draw_anew(generation: Generation, error: ProviderError) -> bool:
    """Once, where the provider chose to refuse its own picture and took no money."""
    untried = not (generation.resent or generation.seed_given or generation.late)
    return error.new_seed and untried


def draw_anew(generation: Generation) -> None:
    log.info("picture refused id=%s: once more with a new seed", generation.id)
    outcomes.wait_again(
        generation, resent=True, seed=new_seed(), floor=generation.progress
    )
    enqueue_dispatch(generation.lane)


def new_seed() -> int:
    """0 to 2^31-1."""
    return secrets.randbelow(2**31)
