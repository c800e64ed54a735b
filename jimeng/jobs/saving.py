"""Download a finished picture and store it, before its task is completed."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from jimeng.billing import costs
from jimeng.config import logs
from jimeng.documents import Generation, Image, State, Task, utcnow
from jimeng.documents.image import FILES, lists_of, search_fields
from jimeng.documents.task import THERE
from jimeng.errors import PictureInvalid, ProviderError, StorageUnavailable
from jimeng.jobs import endings, metric_counters
from jimeng.jobs.endings import SlotRelease, slot_release_of
from jimeng.pictures import Picture, inspect
from jimeng.process.runtime import runtime
from jimeng.providers import ImageRequest, Progress, Provider, VideoParameters
from jimeng.providers.download import FetchFailed, LinkGone, fetch_picture
from jimeng.providers.models.model import ratio_of

log = logging.getLogger(__name__)

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


def start_saving(generation: Generation, progress: Progress) -> SlotRelease | None:
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
        return None
    metric_counters.count_noticed(generation)
    metric_counters.count_generated(saving)
    if generation.is_video:
        return slot_release_of(generation)
    return slot_release_of(generation, partial(store_output, saving, progress.images))


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


def poll_provider(generation: Generation) -> Progress:
    """Poll the provider once."""
    provider = provider_of(generation)
    with metric_counters.measure_call(generation.provider, "poll"):
        return provider.poll(generation.remote_id or "", request_of(generation))


def store_output(generation: Generation, images: tuple[bytes, ...]) -> None:
    """Store a finished picture, from the bytes of the response or from its link."""
    with logs.bound(task=generation.task_id, user=generation.user_id):
        task = find_wanted_task(generation)
        if task is None:
            endings.complete(generation)
        elif images and not generation.urls:
            store_picture(generation, task, images[0])
        else:
            save(generation, task)


def resume_saving(generation: Generation) -> None:
    """Resume saving; only complete it if the picture is stored, or unwanted by now."""
    is_stored = Image.find_one({"_id": generation.id}) is not None
    task = None if is_stored else find_wanted_task(generation)
    if task is None:
        endings.complete(generation)
    else:
        save(generation, task)


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


def find_wanted_task(generation: Generation) -> Task | None:
    """The task, unless it was cancelled or deleted."""
    where = {"_id": generation.task_id, "status": {"$ne": "cancelled"}, **THERE}
    return Task.find_one(where)


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
