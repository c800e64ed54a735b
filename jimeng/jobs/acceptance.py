"""Store the provider's task id of an accepted submission, which is paid for."""

import logging
from datetime import timedelta
from functools import partial

from pymongo.errors import PyMongoError

from jimeng import lanes
from jimeng.documents import Generation, State, Task, utcnow
from jimeng.jobs import metric_counters, tallies
from jimeng.jobs.endings import SlotRelease, slot_release_of
from jimeng.jobs.poll_schedule import first_poll_after
from jimeng.jobs.saving import saving_lease, store_output
from jimeng.providers import Progress

log = logging.getLogger(__name__)

MAX_STORE_ATTEMPTS = 3  # of some 30 s each: without the id a paid picture is lost


def record_accepted(generation: Generation, progress: Progress) -> SlotRelease | None:
    """
    Store the provider's task id, and schedule the first poll.

    The update is guarded by the submission token, not by the lease: a submitter that
    stalled beyond its lease holds the only copy of the id of a paid picture.
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
    lanes.record_acceptance(found.lane, found.of_account, drawn=progress.done)
    metric_counters.count_accepted(found)
    if not progress.done:
        return None
    metric_counters.count_generated(found)
    return slot_release_of(generation, partial(store_output, found, progress.images))


def store_acceptance(generation: Generation, progress: Progress) -> Generation | None:
    """
    Move ``submitting`` or ``unknown`` to ``generating``, or to ``saving`` if the answer
    contains the picture. None if the generation is in another state.
    """
    now = utcnow()
    if generation.due_at and generation.due_at < now:  # it may be `unknown` by now
        tallies.announce_change(generation, now)
    names = [progress.remote_id] if progress.remote_id else []
    after = (
        finished_fields(progress) if progress.done else generating_fields(generation)
    )
    return Generation.find_and_modify(
        {
            "_id": generation.id,
            "submit_token": generation.submit_token,
            "state": {"$in": [State.SUBMITTING.value, State.UNKNOWN.value]},
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


def finished_fields(progress: Progress) -> dict:
    """The fields of a picture that came with the answer; it is not polled."""
    return {
        "state": State.SAVING.value,
        "due_at": utcnow() + saving_lease(progress),
        "drawn_at": utcnow(),
        "charged": "yes",
        "urls": {"$literal": list(progress.urls)},
    }


def set_submitted_at(generation: Generation) -> None:
    where = {"_id": generation.task_id, "submitted_at": {"$exists": False}}
    Task.collection(durable=False).update_one(
        where, {"$set": {"submitted_at": generation.accepted_at}}
    )
