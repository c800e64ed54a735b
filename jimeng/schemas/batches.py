"""Batches over REST: the requests, and the responses."""

from functools import partial
from typing import ClassVar

from marshmallow import ValidationError, fields, validates_schema
from marshmallow.fields import Number

from jimeng.batches import MAX_PROMPTS, Progress
from jimeng.batches.actions import CANCELLED, missing
from jimeng.batches.creation import MAX_NAME_CHARS
from jimeng.batches.expansion import MAX_TEXT_CHARS
from jimeng.batches.progress import status_of
from jimeng.documents import Batch, Status
from jimeng.documents.webhook import EVENTS
from jimeng.gallery.saved_prompts import MAX_PROMPT_CHARS
from jimeng.i18n import MESSAGES, t
from jimeng.providers.models.model import MAX_OUTPUTS
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    AS_USER_ID,
    Boolean,
    Float,
    Integer,
    Length,
    Nested,
    NestedReply,
    OfUser,
    OneOf,
    Range,
    Reply,
    Strict,
    StringList,
    Text,
    Trimmed,
    boolean,
    count,
    entries,
    instant,
    integer,
    link,
    list_of,
    nested,
    nested_list,
    text,
)
from jimeng.schemas.model_responses import EstimateRecord
from jimeng.schemas.pagination import ByStatus, PageQuery
from jimeng.schemas.tasks import (
    MAX_IMAGES,
    METADATA,
    MODEL,
    PROVIDER,
    REFERENCE,
    TASK,
    PictureSettings,
    WithMetadata,
    WithWebhook,
    cost,
    cost_micros,
    held_micros,
    unless,
)
from jimeng.schemas.videos import VideoSettings


class NewBatch(PictureSettings, WithWebhook, WithMetadata, OfUser):
    """``POST /api/v1/batches``."""

    rules: ClassVar = unless("template", "prompts")
    examples: ClassVar = {
        "template": {
            "template": "{红|蓝|绿}色的猫\n一只狗",
            "name": "猫和狗",
            "user_id": "user_123",
        },
        "prompts": {
            "prompts": ["一只猫", "一只狗"],
            "size": "16:9",
            "n": 2,
            "user_id": "user_123",
        },
        "pictures": {
            "template": "变成{春天|夏天|秋天|冬天}",
            "model": "jimeng-4.0",
            "images": ["https://example.com/house.jpg"],
            "user_id": "user_123",
        },
    }

    images = StringList(
        "Input pictures of every prompt, in order, given as for a single task; each is "
        "stored once",
        each=Text(validate=REFERENCE),
        validate=Length(1, MAX_IMAGES),
    )
    video = Nested(
        "Makes it a batch of videos with these parameters, which may be an empty "
        "object; a picture in images is their first frame",
        nested=VideoSettings,
    )
    strength: Number = Float(field_descriptions.STRENGTH, validate=Range(0, 1))
    n: fields.Integer = Integer(
        "Pictures for each prompt",
        load_default=1,
        validate=Range(1, MAX_OUTPUTS),
    )
    prompts = StringList(
        "Prompts, used verbatim; at most 500",
        each=Trimmed(validate=Length(1, MAX_PROMPT_CHARS)),
        validate=Length(1, MAX_PROMPTS),
    )
    template = Text(
        "One prompt per line; empty lines are skipped. Alternatives in braces, "
        "separated by bars, are expanded; groups may be nested, and an alternative may "
        "be empty. A backslash escapes braces, bars and backslashes",
        validate=Length(1, MAX_TEXT_CHARS),
    )
    webhook_events = StringList(
        "Which of these events to send: batch.completed (all of it has ended), "
        "task.completed, task.failed, task.cancelled; all if omitted",
        each=Text(validate=OneOf(*EVENTS)),
        validate=Length(1, len(EVENTS)),
    )
    name = Trimmed(
        "The batch's name",
        load_default="",
        validate=Length(0, MAX_NAME_CHARS),
    )

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def has_prompts(self, data: dict, original: object, **kwargs) -> None:
        if isinstance(original, dict) and not {"prompts", "template"} & set(original):
            raise ValidationError({"prompts": ["invalid.required"]})


class RetryBatch(Strict):
    """``POST /api/v1/batches/<id>/retry``; the body may be left out."""

    body_is_optional: ClassVar = True
    examples: ClassVar = {"failed": {}, "all": {"rest": True}}

    rest = Boolean(
        "Also retry what was cancelled or never created",
        load_default=False,
    )
    accept_double_charge = Boolean(
        "Also retry what was, or may have been, charged: consents to a second charge",
        load_default=False,
    )


class BatchTasks(PageQuery, ByStatus):
    cursor = Text(
        "The id of the last task of the previous page",
        validate=Length(1, 100),
    )


BATCH = "batch_3b9d0c5e7a1f42d68c0e9b7a5d3f1e24"
PROMPTS = ["红色的猫", "蓝色的猫", "一只狗"]
FAILURE_HINTS = ("retry", "prompt", "picture", "settings", "model", "operator", "none")


class BatchState:
    """A batch and its progress."""

    def __init__(self, batch: Batch, progress: Progress) -> None:
        self.batch = batch
        self.progress = progress


link_to = partial(link, name="batch_id", example=BATCH)


class BatchLinks(Reply):
    self = link_to("The full record", "api.get_batch", "/api/v1/batches/{}")
    tasks = link_to("Its tasks", "api.list_batch_tasks", "/api/v1/batches/{}/tasks")
    cancel = link_to(
        field_descriptions.CANCEL, "api.cancel_batch", "/api/v1/batches/{}/cancel"
    )
    retry = link_to(
        "Retries what is missing (POST)",
        "api.retry_batch",
        "/api/v1/batches/{}/retry",
    )
    html = link_to("Its web page", "web.batch", "/batches/{}")


class BatchPictures(Reply):
    total = count("Total", example=6)
    unmade = count("Without a task yet")
    waiting = count("Queued", example=2)
    drawing = count("Being generated", example=2)
    done = count("Done", example=2)
    failed = count("Failed")
    cancelled = count("Cancelled")


class Lacking(Reply):
    ready = count("Failed; a retry may succeed")
    rest = count("Cancelled or never created")
    paid = count("Charged, or possibly charged")
    hopeless = count("Would fail the same way")


class BatchFailure(Reply):
    """Pictures that failed for the same reason."""

    code = text(field_descriptions.CODE, example="provider_internal")
    message = text(
        field_descriptions.MESSAGE,
        of=lambda reason: t(f"error.{reason.code}"),
        example=MESSAGES["error.provider_internal"],
    )
    pictures = integer("How many pictures", minimum=1, example=1)
    retryable = boolean(
        field_descriptions.RETRYABLE, of=lambda reason: reason.may_retry
    )
    remedy = text(
        "What to do: retry, change the prompt, picture, settings or model, contact the "
        "operator, or none",
        choices=FAILURE_HINTS,
    )
    task_ids = list_of("Some of their tasks", text(example=TASK))


class BatchWaits(Reply):
    code = text(field_descriptions.CODE, example="quota_exceeded")
    message = text(
        field_descriptions.MESSAGE,
        of=lambda waits: waiting_text(waits.get("code", "")),
        example=MESSAGES["waits.quota_exceeded"],
    )
    until = instant("When it will be tried again")
    reopens_at = instant(
        "When the limit that is reached counts anew; null if time does not help",
        of=lambda waits: waits.get("reopens_at"),
        null=True,
    )


def waiting_text(code: str) -> str:
    """The message about what a batch waits for."""
    key = f"waits.{code}"
    return t(key if key in MESSAGES else "waits.later")


def reason_of(batch: Batch) -> str | None:
    return None if batch.stopped == CANCELLED else batch.stopped


class BatchRecord(NestedReply):
    """A batch and its progress."""

    inner = "batch"

    batch_id = text(field_descriptions.BATCH_ID, of="id", example=BATCH)
    name = text(field_descriptions.NAME, example="猫和狗")
    user_id = text(
        field_descriptions.USER_ID, example="user_123", pattern=AS_USER_ID["pattern"]
    )
    status = text(
        field_descriptions.STATUS,
        choices=Status,
        of=lambda stand: status_of(stand.batch, stand.progress),
        example="processing",
    )
    reason = text(
        "Why it stopped, unless its owner cancelled it",
        of=lambda stand: reason_of(stand.batch),
        null=True,
    )
    input = entries(field_descriptions.INPUT, of="given", example={"size": "1:1"})
    metadata = METADATA
    provider = text(
        field_descriptions.PROVIDER,
        of=lambda stand: stand.batch.asked.get("provider"),
        example=PROVIDER,
    )
    model = text(
        field_descriptions.MODEL,
        of=lambda stand: stand.batch.asked.get("model"),
        example=MODEL,
    )
    n = integer(field_descriptions.N, minimum=1, maximum=4, example=2)
    count_of_prompts = integer(
        field_descriptions.COUNT_OF_PROMPTS, of="total", minimum=1, example=3
    )
    made = count(
        "How many of them have a task by now",
        example=3,
    )
    pictures = nested(
        "Pictures by state",
        BatchPictures,
        of="progress",
    )
    cost = cost(of=lambda stand: stand.progress)
    cost_micros = cost_micros(of=lambda stand: stand.progress)
    held_micros = held_micros(of=lambda stand: stand.progress)
    quoted_micros = integer(
        "The price of one picture that was shown with the order, in micro-yuan; null "
        "if it was not known",
        of=lambda stand: stand.batch.quoted_micros,
        null=True,
        example=200000,
    )
    price_micros = integer(
        "The highest price at which a picture of it was reserved, in micro-yuan: above "
        "`quoted_micros` if prices have risen since; null before",
        of=lambda stand: stand.progress.price_micros,
        null=True,
        example=200000,
    )
    eta_seconds = count(
        "Estimated seconds until all pictures are done",
        of=lambda stand: stand.progress.eta_seconds,
        null=True,
    )
    waits = nested(
        "What it waits for, or null",
        BatchWaits,
        null=True,
    )
    lacking = nested(
        "The pictures that a retry would request, by what that requires",
        Lacking,
        of=lambda stand: missing(stand.batch, stand.progress),
    )
    failures = nested_list(
        "Why pictures failed, most frequent first",
        BatchFailure,
        of=lambda stand: stand.progress.reasons,
        example=[],
    )
    created_at = instant(field_descriptions.CREATED_AT)
    updated_at = instant(field_descriptions.UPDATED_AT)
    ended_at = instant("When all of it ended", null=True)
    links = nested(field_descriptions.LINKS, BatchLinks, of="batch")


class BatchWithPrompts(BatchRecord):
    prompts = list_of("All prompts", text(example=PROMPTS[0]), example=PROMPTS)


class BatchEstimate(EstimateRecord):
    count_of_prompts = integer(
        field_descriptions.COUNT_OF_PROMPTS,
        of=lambda found: len(found.prompts),
        minimum=1,
        example=3,
    )
    repeated = count("How many duplicates were removed")
    pictures = integer("Total number of pictures", minimum=1, example=6)
    prompts = list_of(
        "All prompts, expanded",
        text(example=PROMPTS[0]),
        example=PROMPTS,
    )


class BatchDeleted(Reply):
    batch_id = text(field_descriptions.BATCH_ID, example=BATCH)
