"""REST responses: users, keys, uploads, the queue, health, and errors."""

from itertools import groupby
from typing import Any

from marshmallow import fields

from jimeng import jobs
from jimeng.billing.budgets import budget_states
from jimeng.documents import Input
from jimeng.documents.principal import KEY_INTERFACES, SCOPES
from jimeng.i18n import t
from jimeng.limits import user_budget_states
from jimeng.schemas import field_descriptions
from jimeng.schemas.costs import BudgetRecord
from jimeng.schemas.fields import (
    Reply,
    boolean,
    count,
    day,
    fixed,
    instant,
    integer,
    list_of,
    nested_list,
    text,
)
from jimeng.schemas.tasks import MODEL, PROVIDER

MAX_DAYS = 30  # days listed individually
USER, KEY, HOST = "user_4229f23999b954c1e88bba88", "key_5b0c1d6c3a7e9f42", "worker-1"
UPLOAD = "upload_q2xVn0bXyG7tD5m4JcLr9A"


class UserRecord(Reply):
    """A user, or a shop's customer, who has no e-mail, no name and no times."""

    id = text(field_descriptions.ID, example=USER)
    email = text(
        field_descriptions.EMAIL, format="email", example="user@example.com", null=True
    )
    name = text(field_descriptions.NAME, example="张三", null=True)
    role = text("Role", choices=("user", "admin", "customer"))
    tasks_per_minute = integer(
        field_descriptions.TASKS_OF_CUSTOMER,
        null=True,
        required=False,
    )
    pictures_per_day = integer(
        field_descriptions.PICTURES_OF_CUSTOMER,
        null=True,
        required=False,
    )
    daily_budget_micros = count(field_descriptions.DAILY_BUDGET_MICROS, null=True)
    monthly_budget_micros = count(field_descriptions.MONTHLY_BUDGET_MICROS, null=True)
    created_at = instant(field_descriptions.CREATED_AT, required=False)
    updated_at = instant(field_descriptions.UPDATED_AT, required=False)


class UserWithBudgets(UserRecord):
    """A user's record, and what remains of the user's budgets."""

    budgets = nested_list(
        "What remains of the budgets that apply to the user; empty for no limit",
        BudgetRecord,
        of=lambda user: user_budget_states(user.id, user.budgets),
    )


class UserDeleted(Reply):
    id = text(field_descriptions.ID, example=USER)
    message = fixed("answer.user_deleted")


class KeyRecord(Reply):
    """An API key's record, without the key itself."""

    id = text(field_descriptions.KEY_ID, example=KEY)
    name = text("The key's name", example="部署脚本")
    prefix = text("The first characters of the key", example="jm_3fQx0aB")
    scopes = list_of("Permissions", text(choices=SCOPES), example=["read", "write"])
    doors = list_of(
        "The interfaces it can be used at; empty for all",
        text(choices=KEY_INTERFACES),
        of="allowed_interfaces",
        example=["openai"],
    )
    models = list_of(
        "Models it may use; empty for all",
        text(),
        example=["doubao-seedream-3.0-t2i"],
    )
    tasks_per_minute = integer(
        "Tasks per minute; null for no limit of its own",
        of="per_minute",
        null=True,
        example=10,
    )
    pictures_per_day = integer(
        "Pictures per day; null for no limit of its own",
        of="per_day",
        null=True,
        example=50,
    )
    requests_per_minute = integer(
        "Requests per minute; null for the server's limit", null=True, example=None
    )
    daily_budget_micros = count(field_descriptions.DAILY_BUDGET_MICROS, null=True)
    monthly_budget_micros = count(field_descriptions.MONTHLY_BUDGET_MICROS, null=True)
    budgets = nested_list(
        "What remains of its budgets; empty for no limit of its own",
        BudgetRecord,
        of=lambda key: budget_states(key, key.budgets),
    )
    user_prefix = text(
        "With the scope act_for: the prefix of the user ids that it acts for",
        null=True,
    )
    created_at = instant(field_descriptions.CREATED_AT)
    expires_at = instant("When it expires; null for never", null=True)
    last_used_at = instant(
        "Last use, to the minute; null for never",
        null=True,
    )


class NewKeyRecord(KeyRecord):
    """The record, and the key itself."""

    key = text(
        "The key itself, shown only this once",
        example="jm_3fQx0aBExampleOfAKeyThatOpensNothingAtAll00",
    )

    def get_attribute(self, obj: Any, attr: Any, default: Any) -> Any:
        record, key = obj
        return key if attr == "key" else super().get_attribute(record, attr, default)


class KeyRevoked(Reply):
    id = text(field_descriptions.KEY_ID, example=KEY)
    message = fixed("answer.key_revoked")


class Day(Reply):
    date = day(field_descriptions.DATE)
    processed = count(field_descriptions.PROCESSED, example=1)
    failed = count(field_descriptions.FAILED)
    completed = count(field_descriptions.COMPLETED, example=1)
    cancelled = count(field_descriptions.CANCELLED)


class ServerRecord(Reply):
    """A machine that workers run on."""

    host = text(field_descriptions.HOST, of=lambda there: there[0].host, example=HOST)
    workers = count(
        "Workers alive",
        of=lambda there: sum(each.is_alive for each in there),
        example=1,
    )
    last_heartbeat = instant(
        field_descriptions.LAST_HEARTBEAT,
        of=lambda there: max(each.seen_at for each in there),
    )
    alive = boolean(
        field_descriptions.ALIVE, of=lambda there: any(each.is_alive for each in there)
    )


class WorkerRecord(Reply):
    id = text(field_descriptions.ID, example="worker-1:7160:B3zu8D_v-xGvHMDC")
    host = text(field_descriptions.HOST, example=HOST)
    pid = integer("Process id", example=7160)
    started_at = instant(field_descriptions.STARTED_AT)
    last_heartbeat = instant(field_descriptions.LAST_HEARTBEAT, of="seen_at")
    alive = boolean(field_descriptions.ALIVE, of="is_alive")


class AccountRecord(Reply):
    account = text(
        "The account's name in the settings; main is the one without a name",
        example="main",
    )
    slots_in_use = count(field_descriptions.SLOTS_IN_USE, example=2)
    limit = integer(
        "Current concurrency limit; null if the account is no longer in the settings "
        "and has no pictures in progress",
        null=True,
        example=2,
    )
    configured_limit = integer(
        field_descriptions.CONFIGURED_LIMIT, of="configured", null=True, example=2
    )
    back_off_until = instant(field_descriptions.BACK_OFF_UNTIL, null=True)
    refused = text(
        "The provider's error code if the account is suspended; else null",
        null=True,
        example=None,
    )


class LaneRecord(Reply):
    id = text(field_descriptions.ID, example="volcengine_jimeng:jimeng_t2i_v30")
    provider = text(field_descriptions.PROVIDER, example=PROVIDER)
    model = text(field_descriptions.MODEL_NAME, null=True, example=MODEL)
    slots_in_use = count(field_descriptions.SLOTS_IN_USE, example=2)
    limit = integer(
        "Current concurrency limit; null if the model is no longer offered",
        null=True,
        example=2,
    )
    configured_limit = integer(
        field_descriptions.CONFIGURED_LIMIT, of="configured", null=True, example=2
    )
    pending = count(field_descriptions.PENDING, example=1)
    retry = count(field_descriptions.RETRY)
    back_off_until = instant(field_descriptions.BACK_OFF_UNTIL, null=True)
    accounts = nested_list(
        "Each account's part of the lane; also those that are no longer in the "
        "settings and still hold slots",
        AccountRecord,
    )


def servers(found: Any) -> list[list]:
    """The workers, by the machine they run on."""
    ordered = sorted(found.workers, key=lambda each: each.host)
    return [list(there) for _, there in groupby(ordered, lambda each: each.host)]


def summed(description: str, name: str, **more: Any) -> fields.Field:
    def of(found: Any) -> int:
        return sum(getattr(each, name) for each in found.days)

    return count(description, of=of, **more)


class QueueRecord(Reply):
    measured_at = instant("When this was measured")
    pending = count(field_descriptions.PENDING, example=1)
    active = count(
        "Pictures being submitted, generated or saved",
        example=2,
    )
    retry = count(field_descriptions.RETRY)
    archived = summed("Pictures that failed for good", "failed")
    completed = summed(field_descriptions.COMPLETED, "completed", example=1)
    cancelled = summed(field_descriptions.CANCELLED, "cancelled")
    processed = summed(field_descriptions.PROCESSED, "processed", example=1)
    failed = summed(field_descriptions.FAILED, "failed")
    by_date = nested_list(
        "By day of the request, in the billing time zone, newest first, at most 30; "
        "days without ended pictures are omitted",
        Day,
        of=lambda found: found.days[:MAX_DAYS],
    )
    jobs = integer(
        "Jobs in Redis not yet taken by a worker; null if Redis is unavailable",
        null=True,
        example=0,
    )
    servers = nested_list("Machines that run workers", ServerRecord, of=servers)
    workers = nested_list(
        "Workers with a heartbeat within the last hour",
        WorkerRecord,
    )
    lanes = nested_list(
        "Model queues: one per provider and model, each with its own limit",
        LaneRecord,
    )


class Health(Reply):
    status = text("Always ok", choices=("ok",))
    message = fixed("answer.healthy")
    version = text("The release that runs", example="0.1.0")
    commit = text(
        "The Git commit it was built from, or unknown",
        example="2a74f792b22e0d06bfef8859310aaa499e9bd947",
    )


def model_of(found: Any) -> str | None:
    model = jobs.runtime().registry.by_lane(found.account_lane.lane)
    return model.id if model else None


class RefusedRecord(Reply):
    """Submissions of one model that have failed in a row."""

    lane = text(
        "The model queue; with several accounts account@lane",
        of=lambda found: found.account_lane.record,
        example="volcengine_jimeng:jimeng_t2i_v30",
    )
    model = text(field_descriptions.MODEL_NAME, of=model_of, null=True, example=MODEL)
    code = text("The error code of the latest", example="access_denied")
    failed = count("How many failed, of as many", of="count", example=6)
    since = instant("When the first of these failed")
    latest_at = instant("When the latest of these failed")
    suspended_until = instant(
        "Nothing else is sent before the attempt at this time; null while all are sent",
        null=True,
    )


class Ready(Reply):
    status = text("Always ready", choices=("ready",), of=lambda found: "ready")
    message = fixed("answer.ready")
    paused = list_of(field_descriptions.PAUSED, fields.String(), example=[])
    resting = list_of(field_descriptions.SUSPENDED, fields.String(), example=[])
    lowered = list_of(field_descriptions.LOWERED, fields.String(), example=[])
    spent = list_of(field_descriptions.SPENT, fields.String(), example=[])
    provider_refuses = nested_list(
        field_descriptions.PROVIDER_REFUSES, RefusedRecord, example=[]
    )


class Reason(Reply):
    """One reason why this server is not ready."""

    code = text(
        "Stable: mongodb, mongodb_clock, mongodb_refuses, redis, redis_full, "
        "redis_read_only, redis_refuses, disk, storage, release_too_old, "
        "index_missing, worker, jobs_untaken, overdue, lane_stalled, no_provider",
    )
    names = list_of("Which indexes or model queues", fields.String())
    since = instant(
        "Since when the responding process has seen this in every check",
    )
    message = text("What to do", of=lambda why: t(f"ready.{why.code}"))


class Refusal(Reply):
    """Every error, whatever its status."""

    success = boolean(field_descriptions.SUCCESS, enum=[False])
    error = text(field_descriptions.ERROR)
    message = text(field_descriptions.MESSAGE)
    request_id = text(field_descriptions.REQUEST_ID)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Field → reasons"},
    )
    status = text(
        "/health/ready only: unavailable",
        required=False,
    )
    missing = list_of(
        "/health/ready only: codes of what is missing, as in reasons",
        fields.String(),
        required=False,
    )
    reasons = nested_list(
        "/health/ready only: each missing thing, and what to do",
        Reason,
        required=False,
    )
    paused = list_of(field_descriptions.PAUSED, fields.String(), required=False)
    resting = list_of(field_descriptions.SUSPENDED, fields.String(), required=False)
    lowered = list_of(field_descriptions.LOWERED, fields.String(), required=False)
    spent = list_of(field_descriptions.SPENT, fields.String(), required=False)
    provider_refuses = nested_list(
        field_descriptions.PROVIDER_REFUSES, RefusedRecord, required=False
    )


def expiry(found: Input):
    """When an unused upload expires; None if a task uses it."""
    return found.keep_until if found.unnamed else None


class UploadRecord(Reply):
    """An uploaded picture."""

    id = text(field_descriptions.ID, example=UPLOAD)
    user_id = text("The user whose it is", example="user_123")
    width = integer(field_descriptions.WIDTH, minimum=1, example=1536)
    height = integer(field_descriptions.HEIGHT, minimum=1, example=2048)
    bytes = integer(field_descriptions.BYTES, minimum=1, example=412871)
    content_type = text(field_descriptions.CONTENT_TYPE, example="image/jpeg")
    has_alpha = boolean(
        "Whether it has transparent pixels, as a mask must",
        of="alpha",
        example=False,
    )
    created_at = instant(field_descriptions.CREATED_AT)
    expires_at = instant(
        "Until when it is stored unless a task uses it; null once one does",
        of=expiry,
        null=True,
        example=...,
    )


class UploadDeleted(Reply):
    id = text(field_descriptions.ID, example=UPLOAD)
    message = fixed("answer.upload_deleted")
