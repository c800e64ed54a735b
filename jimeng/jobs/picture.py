"""
A picture's life in a worker, from top to bottom: it is sent, accepted, polled and
saved; `jobs.endings` completes it, or gives it up. A video goes the same way until it
is finished, and is stored by `jobs.video_fetching`.

The request that costs money is sent once. A step that ends the use of a slot frees it.
"""

import hmac
import logging
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bson import ObjectId
from pymongo.errors import DuplicateKeyError, PyMongoError

from jimeng import lanes
from jimeng.billing import costs, spending
from jimeng.config import logs
from jimeng.documents import Generation, Image, State, Task, utcnow
from jimeng.documents.image import FILES, lists_of, search_fields
from jimeng.documents.task import THERE
from jimeng.errors import (
    BudgetExceeded,
    PictureInvalid,
    ProviderError,
    StorageUnavailable,
)
from jimeng.jobs import endings, metric_counters, video_disk_space
from jimeng.jobs import inputs as job_inputs
from jimeng.jobs.inputs import InputLost, LoadedInputs
from jimeng.jobs.poll_schedule import (
    age,
    first_poll_after,
    next_poll_after,
    record_poll_duration,
)
from jimeng.pictures import Picture, inspect
from jimeng.process.runtime import runtime, try_acquire
from jimeng.providers import (
    Expansion,
    ImageRequest,
    Model,
    Progress,
    Provider,
    VideoParameters,
)
from jimeng.providers.download import FetchFailed, LinkGone, fetch_picture
from jimeng.providers.models.model import new_seed, ratio_of

log = logging.getLogger(__name__)

Output = tuple[Generation, tuple[bytes, ...]]  # finished, and to be stored


def request_of(generation: Generation) -> ImageRequest:
    return ImageRequest(
        req_key=generation.req_key,
        prompt=generation.prompt,
        width=generation.width,
        height=generation.height,
        seed=generation.seed,
        video=VideoParameters.read(generation.video) if generation.video else None,
        tag=generation.tag or "",
    )


def provider_of(generation: Generation) -> Provider:
    """
    The provider of its account.

    Raises:
        ProviderError: the account has no credentials here, or no longer.
    """
    return runtime().registry.provider(generation.provider, generation.of_account)


# ---- Send ------------------------------------------------------------------------

# On top of the answer's timeout: connecting (3 s) and a margin, so that no other worker
# takes over while the call may still be answered.
LEASE_MARGIN_S = 15.0
LOADING_LEASE = timedelta(seconds=30)
# Of the eight workers of a consumer, four stay free for short jobs.
MAX_SYNCHRONOUS_CALLS = 4
_synchronous = threading.BoundedSemaphore(MAX_SYNCHRONOUS_CALLS)


def send_next(lane: str) -> None:
    """Claim and send the next picture of *lane*, if a slot is free."""
    model = runtime().registry.by_lane(lane)
    if model is None or (model.video and not video_disk_space.has_disk_space(model)):
        return  # a pump queues another dispatch
    permit = try_acquire(_synchronous) if model.is_synchronous else nullcontext(True)
    with permit as is_free:
        if not is_free:
            return  # a pump queues another dispatch
        generation = lanes.claim(lane, runtime().registry.limits[lane])
        if generation is None:
            return
        with logs.bound(task=generation.task_id, user=generation.user_id):
            if generation.is_readable:
                output = send(generation, model)
            else:
                output = None
                endings.quarantine(generation, f"unread {generation.unread}")
    if output is not None:
        store_output(*output)


def send(generation: Generation, model: Model) -> Output | None:
    """
    Submit a claimed generation, unless it was cancelled or its task has ended.

    Returns:
        As `record_accepted`.
    """
    if generation.unwanted:
        endings.cancel(generation)
        endings.free_slot(generation)
        return None
    if not Task.start(generation.task_id):
        drop_unwanted(generation)
        return None
    if generation.prompt is None:
        endings.quarantine(generation, "no prompt")
        return None
    try:
        loaded = load(generation)
        if loaded is None:
            endings.free_slot(generation)
            return None
        generation, inputs = loaded
        request = with_inputs(generation, inputs)
        submit = provider_of(generation).prepare(request)
    except ProviderError as error:
        submission_failed(generation, error)
        return None
    except endings.UNEXPECTED_ERRORS as error:
        endings.retry_unexpected(generation, error)
        return None
    try:
        price = costs.sending_price(generation, model, request.video)
        more = spending.increase_hold(generation, price)
        sent = mark_submitting(generation, model, request, price, more.micros)
    except BudgetExceeded as error:
        endings.fail_unsent(generation, error.code, f"cannot be sent: {error}")
        endings.free_slot(generation)
        return None
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
        submission_failed(sent, error)
        return None
    seconds = time.monotonic() - began
    output = record_accepted(sent, progress)
    if progress.done:
        lanes.record_duration(sent.lane, seconds)
    return output


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


def drop_unwanted(generation: Generation) -> None:
    """Drop a picture whose task has ended; defer one only a later release can read."""
    task = Task.find_one({"_id": generation.task_id, **THERE})
    if task is None or task.is_known:
        endings.drop(generation)
    else:
        endings.defer_to_newer_release(generation)
    endings.free_slot(generation)


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


# These mean "later", however often: the picture waits, and its deadline does not apply.
WAIT_CODES = frozenset({"rate_limited", "concurrency_limited"})
# Of a content check that broke before anything was made.
CHECK_BROKE, MAX_BROKEN_CHECKS = "moderation_unavailable", 2
# A video whose submission got no answer may be in the provider's list of tasks. It
# keeps its slot while that is read by `jobs.videos`, and its task stays open.
SEEK_AFTER_S = (2.0, 15.0, 60.0)  # after the submission


def submission_failed(generation: Generation, error: ProviderError) -> None:
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
        retry_with_new_seed(generation)
    else:
        if error.code in lanes.ACCOUNT_CODES:
            # This picture fails and shows the reason; back-off and suspension keep a
            # whole queue from failing because of a key that is replaced tomorrow.
            lanes.back_off(generation.lane, generation.of_account, full=False)
            lanes.record_failure(generation, error.code)
        elif is_answer:
            lanes.record_answer(generation)
        endings.fail(generation, error)
        endings.free_slot(generation)


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


def retry_with_new_seed(generation: Generation) -> None:
    log.info("picture refused id=%s: once more with a new seed", generation.id)
    endings.requeue(generation, resent=True, seed=new_seed())
    endings.free_slot(generation)


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


# ---- Accept ----------------------------------------------------------------------

SENT = [State.SUBMITTING.value, State.SEEKING.value, State.UNKNOWN.value]
MAX_STORE_ATTEMPTS = 3  # of some 30 s each: without the id a paid picture is lost


def record_accepted(generation: Generation, progress: Progress) -> Output | None:
    """
    Store the provider's task id, and schedule the first poll.

    The update is guarded by the submission token, not by the lease: a submitter that
    stalled beyond its lease has the only copy of the id of a paid picture.

    Returns:
        The output, if the answer is it; it remains to be stored.
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
    endings.free_slot(generation)
    return found, progress.images


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


# ---- Poll ------------------------------------------------------------------------


def poll(generation: Generation) -> None:
    """Poll the provider once; save the output, or schedule the next poll."""
    asked_at = utcnow()
    try:
        progress = poll_provider(generation)
    except ProviderError as error:
        poll_failed(generation, error)
        return
    if not progress.done:
        schedule_poll(generation)
        return
    record_poll_duration(generation, asked_at)
    start_saving(generation, progress)


def poll_provider(generation: Generation) -> Progress:
    """Poll the provider once."""
    provider = provider_of(generation)
    with metric_counters.measure_call(generation.provider, "poll"):
        return provider.poll(generation.remote_id or "", request_of(generation))


def poll_failed(generation: Generation, error: ProviderError) -> None:
    if error.transient:
        log.warning("poll failed id=%s code=%s: %s", generation.id, error.code, error)
        if error.code == "rate_limited":
            lanes.back_off_polling(generation.lane)
        schedule_poll(generation, fault=True)
    elif may_retry_with_new_seed(generation, error):
        retry_with_new_seed(generation)
    else:
        endings.fail(generation, error)
        endings.free_slot(generation)


def schedule_poll(generation: Generation, *, fault: bool = False) -> None:
    """Schedule the next poll, or time out at the deadline."""
    if generation.state == State.FAILED.value:
        endings.schedule_late_poll(generation, generation.late_looks + 1)
        return
    if age(generation) > deadline_s(generation):
        endings.time_out(generation)
        endings.free_slot(generation)
        return
    faults = generation.faults + 1 if fault else 0
    now = utcnow()
    due_at = now + timedelta(seconds=next_poll_after(generation, faults))
    planned = {"planned_at": due_at, "faults": faults}
    seen = {"looked_at": now, "polls": generation.polls + 1}
    generation.release(due_at, {**planned, **seen}, durable=False)


def deadline_s(generation: Generation) -> float:
    """Seconds from the acceptance to the last regular poll."""
    model = runtime().registry.by_lane(generation.lane)
    return model and model.deadline_s or runtime().config.TASK_DEADLINE


# ---- Save ------------------------------------------------------------------------

SAVING_LEASE = timedelta(seconds=30)  # longer than a download may take
# Bytes from the response to the submission exist only in this process: no other worker
# may take over while they wait for the decoder of a busy machine.
ONLY_COPY_LEASE = timedelta(minutes=3)
MIN_LEASE_SHARE = 0.8  # if less remains after a download, the lease is extended
RETRY_AFTER_S = (2, 5, 15, 30, 60, 60, 120, 240)  # after each failure in a row
LINK_LIFETIME = timedelta(hours=24)  # as documented by the provider
# An invalid file rarely becomes valid: retry four times in 50 s.
MAX_INVALID_FILES = 4
# Why saving is retried, as shown to the user meanwhile.
UNREACHABLE, NO_PICTURE = "download_failed", "not_a_picture"
NO_STORE = "storage_unavailable"


def start_saving(generation: Generation, progress: Progress) -> None:
    """
    Store the links of a finished output and release its slot; then download a picture.
    A video is downloaded by `jobs.video_fetching`.
    """
    finished = finished_fields(generation, progress)
    saving = generation.update_owned(
        {
            "$set": {**finished, "urls": list(progress.urls), "faults": 0},
            "$unset": {"slot": "", **({"owner": ""} if generation.is_video else {})},
        }
    )
    if saving is None:
        return
    metric_counters.count_noticed(generation)
    metric_counters.count_generated(saving)
    endings.free_slot(generation)
    if not generation.is_video:
        store_output(saving, progress.images)


def finished_fields(generation: Generation, progress: Progress) -> dict:
    """The fields of an output that the provider has finished, except for its links."""
    now = utcnow()
    ended = {"charged": "yes", "drawn_at": now}
    if not generation.is_video:
        due_at = now + saving_lease(progress)
        return {**ended, "state": State.SAVING.value, "due_at": due_at}
    return {
        **ended,
        **settled_price(generation, progress),
        "state": State.FETCHING.value,
        "due_at": now,
        "links_until": now + timedelta(seconds=progress.links_live_s),
        "last_frame_url": progress.last_frame_url,
        "link_requests": 0,
        "usage_tokens": progress.tokens,
        "echoed": dict(progress.echoed),
    }


def settled_price(generation: Generation, progress: Progress) -> dict:
    """The price of a video by the tokens that the provider reports, if it does."""
    if progress.tokens is None or not generation.video:
        return {}
    video = VideoParameters.read({**generation.video, **progress.echoed})
    size = (generation.width, generation.height)
    return costs.settled_fields(
        generation, costs.usage_of(video, size, tokens=progress.tokens)
    )


def saving_lease(progress: Progress) -> timedelta:
    return SAVING_LEASE if progress.urls else ONLY_COPY_LEASE


def store_output(generation: Generation, images: tuple[bytes, ...]) -> None:
    """Store a finished picture, from the bytes of the response or from its link."""
    with logs.bound(task=generation.task_id, user=generation.user_id):
        try:
            task = find_wanted_task(generation)
            if task is None:
                endings.complete(generation)
            elif images and not generation.urls:
                store_picture(generation, task, images[0])
            else:
                save(generation, task)
        except endings.UNEXPECTED_ERRORS as error:
            endings.retry_unexpected(generation, error)


def resume_saving(generation: Generation) -> None:
    """Resume saving; only complete it if the picture is stored, or unwanted by now."""
    is_stored = Image.find_one({"_id": generation.id}) is not None
    task = None if is_stored else find_wanted_task(generation)
    if task is None:
        endings.complete(generation)
    else:
        save(generation, task)


def find_wanted_task(generation: Generation) -> Task | None:
    """The task, unless it was cancelled or deleted."""
    where = {"_id": generation.task_id, "status": {"$ne": "cancelled"}, **THERE}
    return Task.find_one(where)


def save(generation: Generation, task: Task) -> None:
    """
    Download the picture and store it; poll for new links if these have expired.

    A failure is retried: the picture is paid for, and the provider has it for hours.
    """
    if not generation.urls:
        poll_for_links(generation, task)
        return
    if not runtime().store.seems_to_work():
        retry_later(generation, NO_STORE)  # the download could not be stored
        return
    allowed = runtime().config.ALLOWED_PRIVATE_HOSTS
    try:
        with metric_counters.measure_call(generation.provider, "download"):
            content = fetch_picture(generation.urls[0], allowed_private=allowed)
    except LinkGone as error:
        log.warning("link gone id=%s: %s", generation.id, error)
        poll_for_links(generation, task)
        return
    except FetchFailed as error:
        log.warning("download failed id=%s: %s", generation.id, error)
        retry_later(generation, UNREACHABLE)
        return
    claimed: Generation | None = generation
    if (
        generation.due_at is None
        or generation.due_at < utcnow() + MIN_LEASE_SHARE * SAVING_LEASE
    ):
        claimed = generation.extend_lease(SAVING_LEASE)
    if claimed is not None:
        store_picture(claimed, task, content)


def poll_for_links(generation: Generation, task: Task) -> None:
    """Poll for fresh links: a provider that has the picture still gives them."""
    if generation.remote_id is None:
        _fail_lost(generation, "no links, and no task id to poll")
        return
    try:
        progress = poll_provider(generation)
    except ProviderError as error:
        if error.transient:
            retry_later(generation, UNREACHABLE)
        else:
            # Whatever the provider answers now, it had generated the picture.
            error.code, error.charged = "picture_lost", "yes"
            endings.fail(generation, error)
        return
    if progress.images:
        store_picture(generation, task, progress.images[0])
    elif progress.urls and tuple(generation.urls) != progress.urls:
        retry_later(generation, UNREACHABLE, **link_fields(generation, progress))
    else:
        retry_invalid(generation)


def link_fields(generation: Generation, progress: Progress) -> dict:
    """The links of a finished output, and of a video what is known of them."""
    urls = {"urls": list(progress.urls)}
    if not generation.is_video:
        return urls
    return {
        **urls,
        "links_until": utcnow() + timedelta(seconds=progress.links_live_s),
        "last_frame_url": progress.last_frame_url,
        "link_requests": 0,
    }


def store_picture(generation: Generation, task: Task, content: bytes) -> None:
    """
    Validate the bytes, store them under a new id, and complete the generation.

    If the task has been cancelled or deleted meanwhile, they are deleted again.
    """
    asked = generation.width * generation.height
    try:
        picture = inspect(content, asked, user=generation.user_id)
    except PictureInvalid as error:
        log.warning("not a picture id=%s: %s", generation.id, error)
        retry_invalid(generation)
        return
    try:
        insert_image(generation, picture, task)
    except StorageUnavailable as error:
        log.warning("picture not stored yet id=%s: %s", generation.id, error)
        retry_later(generation, NO_STORE)
        return
    endings.complete(generation)


def insert_image(generation: Generation, picture: Picture, task: Task) -> None:
    """
    Store the files and insert their record; a record of another attempt stays.

    Raises:
        StorageUnavailable: they cannot be stored now; fetch them again later.
    """
    # In any store that works: the bytes of a response cannot be fetched again.
    ids = runtime().store.save_anywhere(generation.id, *picture.files)
    insert_record(generation, task, picture, dict(zip(FILES, ids, strict=False)))


def insert_record(
    generation: Generation,
    task: Task,
    picture: Picture,
    ids: Mapping[str, ObjectId],
    **fields: Any,
) -> None:
    """
    Insert the record of stored files, or delete these if another attempt was first.

    Args:
        picture: The output, or the poster of a video.
        ids: The ids of the files, by the name of their field in `FILES`.
        fields: Fields of `Image` in which a video differs from its poster.
    """
    about: dict[str, Any] = {
        "width": picture.width,
        "height": picture.height,
        "bytes": len(picture.content),
        "content_type": picture.content_type,
        "sha256": picture.sha256,
        **fields,
    }
    image = Image(
        id=generation.id,
        task_id=generation.task_id,
        user_id=generation.user_id,
        index=generation.index,
        **ids,
        thumbnail_bytes=len(picture.thumbnail),
        preview_bytes=len(picture.preview) or None,
        seed=generation.seed,
        **about,
        **search_fields(task, ratio_of(about["width"], about["height"])),
    )
    image.lists = lists_of(image.model, image.ratio)
    row = image.to_mongo()
    for name in ("collections", "tags"):  # absent while empty: so not in their indexes
        del row[name]
    try:
        Image.collection().insert_one(row)
    except DuplicateKeyError:
        for file_id in ids.values():
            runtime().store.delete(file_id)
        return
    log.info("output saved id=%s bytes=%d", generation.id, image.bytes)


def retry_invalid(generation: Generation) -> None:
    """Retry after an invalid file or missing links, up to `MAX_INVALID_FILES` times."""
    rubbish = generation.rubbish + 1
    if rubbish > MAX_INVALID_FILES:
        _fail_lost(generation, "the file is not a picture")
        return
    retry_later(
        generation, NO_PICTURE, wait=RETRY_AFTER_S[rubbish - 1], rubbish=rubbish
    )


def retry_later(
    generation: Generation,
    trouble: str,
    *,
    wait: float | None = None,
    **changes: object,
) -> None:
    """
    Retry saving in a while, for as long as the provider stores the picture.

    Args:
        trouble: Why, as shown to the user meanwhile.
        wait: Seconds; by default growing with each failure.
    """
    since = generation.drawn_at or generation.created_at
    if utcnow() > since + LINK_LIFETIME:
        _fail_lost(generation, "cannot be stored")
        return
    if wait is None:
        wait = RETRY_AFTER_S[min(generation.faults, len(RETRY_AFTER_S) - 1)]
    due_at = utcnow() + timedelta(seconds=wait)
    changes |= {"trouble": trouble, "faults": generation.faults + 1}
    generation.release(due_at, changes)


def _fail_lost(generation: Generation, why: str) -> None:
    lost = ProviderError(why, code="picture_lost", charged="yes")
    endings.fail(generation, lost)
