"""What the REST API says of batches."""

from functools import partial

from jimeng.batches import Progress
from jimeng.batches.acting import CANCELLED, lacking
from jimeng.batches.judging import BatchEstimate as Estimated
from jimeng.batches.progress import status_of
from jimeng.documents import Batch, Status
from jimeng.i18n import MESSAGES, t
from jimeng.schemas.fields import AS_USER_ID
from jimeng.schemas.kinds import (
    Reply,
    Within,
    a,
    count,
    entries,
    flag,
    instant,
    link,
    list_of,
    one_of,
    some,
    text,
    whole,
)
from jimeng.schemas.model_replies import CostRecord, side
from jimeng.schemas.task_replies import MODEL, PROVIDER, TASK

BATCH = "batch_3b9d0c5e7a1f42d68c0e9b7a5d3f1e24"
PROMPTS = ["红色的猫", "蓝色的猫", "一只狗"]
REMEDIES = ("retry", "prompt", "picture", "settings", "model", "operator", "none")


class Stand:
    """A batch, and how it stands."""

    def __init__(self, batch: Batch, progress: Progress) -> None:
        self.batch = batch
        self.progress = progress


link_to = partial(link, name="batch_id", example=BATCH)


class BatchLinks(Reply):
    self = link_to("api.get_batch", "/api/v1/batches/{}")
    tasks = link_to("api.list_batch_tasks", "/api/v1/batches/{}/tasks")
    cancel = link_to("api.cancel_batch", "/api/v1/batches/{}/cancel")
    retry = link_to("api.retry_batch", "/api/v1/batches/{}/retry")
    html = link_to("web.batch", "/batches/{}")


class BatchPictures(Reply):
    total = count(example=6)
    unmade = count()
    waiting = count(example=2)
    drawing = count(example=2)
    done = count(example=2)
    failed = count()
    cancelled = count()


class Lacking(Reply):
    ready = count()
    rest = count()
    paid = count()
    hopeless = count()


class BatchFailure(Reply):
    """Pictures that failed for one reason, in words."""

    code = text(example="provider_internal")
    message = text(
        lambda reason: t(f"error.{reason.code}"),
        example=MESSAGES["error.provider_internal"],
    )
    pictures = whole(minimum=1, example=1)
    retryable = flag(lambda reason: reason.may_retry)
    remedy = one_of(*REMEDIES)
    task_ids = list_of(text(example=TASK))


class BatchWaits(Reply):
    code = text(example="quota_exceeded")
    message = text(
        lambda waits: waiting_words(waits.get("code", "")),
        example=MESSAGES["waits.quota_exceeded"],
    )
    until = instant()


def waiting_words(code: str) -> str:
    """What a batch waits for."""
    key = f"waits.{code}"
    return t(key if key in MESSAGES else "waits.later")


def reason_of(batch: Batch) -> str | None:
    return None if batch.stopped == CANCELLED else batch.stopped


class BatchRecord(Within):
    """What was asked for at once, and how far it is."""

    inner = "batch"

    batch_id = text("id", example=BATCH)
    name = text(example="猫和狗")
    user_id = text(example="user_123", pattern=AS_USER_ID["pattern"])
    status = one_of(
        *Status,
        of=lambda stand: status_of(stand.batch, stand.progress),
        example="processing",
    )
    reason = text(lambda stand: reason_of(stand.batch), null=True)
    input = entries("given", example={"size": "1:1"})
    provider = text(lambda stand: stand.batch.asked.get("provider"), example=PROVIDER)
    model = text(lambda stand: stand.batch.asked.get("model"), example=MODEL)
    n = whole(minimum=1, maximum=4, example=2)
    count_of_prompts = whole("total", minimum=1, example=3)
    made = count(example=3)
    pictures = a(BatchPictures, "progress")
    eta_seconds = count(lambda stand: stand.progress.eta_seconds, null=True)
    waits = a(BatchWaits, null=True)
    lacking = a(Lacking, lambda stand: lacking(stand.batch, stand.progress))
    failures = some(BatchFailure, lambda stand: stand.progress.reasons, example=[])
    created_at = instant()
    updated_at = instant()
    ended_at = instant(null=True)
    links = a(BatchLinks, "batch")


class BatchWithPrompts(BatchRecord):
    prompts = list_of(text(example=PROMPTS[0]), example=PROMPTS)


class BatchEstimate(Reply):
    """What a request would create, where nothing is created."""

    dry_run = flag(lambda found: True, example=True)
    model = text(lambda found: found.each.model.id, example=MODEL)
    provider = text(lambda found: found.each.model.provider, example=PROVIDER)
    n = whole(lambda found: found.each.n, minimum=1, example=2)
    count_of_prompts = whole(lambda found: len(found.prompts), minimum=1, example=3)
    repeated = count()
    pictures = whole(minimum=1, example=6)
    width = whole(lambda found: side(found.each, 0), null=True, minimum=1, example=1328)
    height = whole(
        lambda found: side(found.each, 1), null=True, minimum=1, example=1328
    )
    cost = a(CostRecord, lambda found: priced(found), null=True, example=...)
    prompts = list_of(text(example=PROMPTS[0]), example=PROMPTS)


class Priced:
    """A batch's price, as `CostRecord` reads one."""

    def __init__(self, found: Estimated) -> None:
        self.model = found.each.model
        self.fen = found.each.fen
        self.fen_of_all = found.fen_of_all


def priced(found: Estimated) -> Priced | None:
    return None if found.fen_of_all is None else Priced(found)


class BatchDeleted(Reply):
    batch_id = text(example=BATCH)
