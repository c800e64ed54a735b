"""What the REST API says of users, keys, uploads, the queue, and errors."""

from itertools import groupby
from typing import Any

from marshmallow import fields

from jimeng.documents import Input
from jimeng.schemas.kinds import (
    Reply,
    count,
    day,
    fixed,
    flag,
    instant,
    list_of,
    one_of,
    some,
    text,
    whole,
)
from jimeng.schemas.task_replies import MODEL, PROVIDER
from jimeng.viewers import DOORS, SCOPES

MOST_DAYS = 30  # that are listed one by one
USER, KEY, HOST = "user_4229f23999b954c1e88bba88", "key_5b0c1d6c3a7e9f42", "worker-1"
UPLOAD = "upload_q2xVn0bXyG7tD5m4JcLr9A"


class UserRecord(Reply):
    id = text(example=USER)
    email = text(format="email", example="user@example.com")
    name = text(example="张三")
    role = one_of("user", "admin")
    created_at = instant()
    updated_at = instant()


class UserDeleted(Reply):
    id = text(example=USER)
    message = fixed("answer.user_deleted")


class KeyRecord(Reply):
    """An API key without what it proves."""

    id = text(example=KEY)
    name = text(example="部署脚本")
    prefix = text(example="jm_3fQx0aB")
    scopes = list_of(one_of(*SCOPES), example=["read", "write"])
    doors = list_of(one_of(*DOORS), example=["openai"])
    models = list_of(text(), example=["doubao-seedream-3.0-t2i"])
    tasks_per_minute = whole("per_minute", null=True, example=10)
    pictures_per_day = whole("per_day", null=True, example=50)
    created_at = instant()
    expires_at = instant(null=True)
    last_used_at = instant(null=True)


class NewKeyRecord(KeyRecord):
    """The record, and the key itself."""

    key = text(example="jm_3fQx0aBExampleOfAKeyThatOpensNothingAtAll00")

    def get_attribute(self, obj: Any, attr: Any, default: Any) -> Any:
        record, key = obj
        return key if attr == "key" else super().get_attribute(record, attr, default)


class KeyRevoked(Reply):
    id = text(example=KEY)
    message = fixed("answer.key_revoked")


class Day(Reply):
    date = day()
    processed = count(example=1)
    failed = count()
    completed = count(example=1)
    cancelled = count()


class ServerRecord(Reply):
    """A machine that workers run on."""

    host = text(lambda there: there[0].host, example=HOST)
    workers = count(lambda there: sum(each.alive for each in there), example=1)
    last_heartbeat = instant(lambda there: max(each.seen_at for each in there))
    alive = flag(lambda there: any(each.alive for each in there))


class WorkerRecord(Reply):
    id = text(example="worker-1:7160:B3zu8D_v-xGvHMDC")
    host = text(example=HOST)
    pid = whole(example=7160)
    started_at = instant()
    last_heartbeat = instant("seen_at")
    alive = flag()


class AccountRecord(Reply):
    account = text(example="main")
    slots_in_use = count(example=2)
    limit = whole(null=True, example=2)
    configured_limit = whole("configured", null=True, example=2)
    back_off_until = instant(null=True)
    refused = text(null=True, example=None)


class LaneRecord(Reply):
    id = text(example="volcengine_jimeng:jimeng_t2i_v30")
    provider = text(example=PROVIDER)
    model = text(null=True, example=MODEL)
    slots_in_use = count(example=2)
    limit = whole(null=True, example=2)
    configured_limit = whole("configured", null=True, example=2)
    pending = count(example=1)
    retry = count()
    back_off_until = instant(null=True)
    accounts = some(AccountRecord)


def servers(found: Any) -> list[list]:
    """The workers, by the machine they run on."""
    ordered = sorted(found.workers, key=lambda each: each.host)
    return [list(there) for _, there in groupby(ordered, lambda each: each.host)]


def summed(name: str, **more: Any) -> fields.Field:
    return count(lambda found: sum(getattr(each, name) for each in found.days), **more)


class QueueRecord(Reply):
    measured_at = instant()
    pending = count(example=1)
    active = count(example=2)
    retry = count()
    archived = summed("failed")
    completed = summed("completed", example=1)
    cancelled = summed("cancelled")
    processed = summed("processed", example=1)
    failed = summed("failed")
    by_date = some(Day, lambda found: found.days[:MOST_DAYS])
    jobs = whole(null=True, example=0)
    servers = some(ServerRecord, servers)
    workers = some(WorkerRecord)
    lanes = some(LaneRecord)


class Health(Reply):
    status = one_of("ok")
    message = fixed("answer.healthy")
    version = text(example="0.1.0")
    commit = text(example="2a74f792b22e0d06bfef8859310aaa499e9bd947")


class Ready(Reply):
    status = one_of("ready")
    message = fixed("answer.ready")
    paused = list_of(fields.String(), example=[])
    resting = list_of(fields.String(), example=[])
    lowered = list_of(fields.String(), example=[])


class Reason(Reply):
    """One thing that keeps this server from being ready."""

    code = text()
    names = list_of(fields.String())
    since = instant()
    message = text()


class Refusal(Reply):
    """Every error, whatever its status."""

    success = fields.Boolean(required=True, metadata={"enum": [False]})
    error = text()
    message = text()
    request_id = text()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    status = text(required=False)
    missing = list_of(fields.String(), required=False)
    reasons = some(Reason, required=False)
    paused = list_of(fields.String(), required=False)
    resting = list_of(fields.String(), required=False)
    lowered = list_of(fields.String(), required=False)


def expiry(found: Input):
    """Until when it is there though no task names it; None where one does."""
    return found.keep_until if found.unnamed else None


class UploadRecord(Reply):
    """A picture that was given."""

    id = text(example=UPLOAD)
    width = whole(minimum=1, example=1536)
    height = whole(minimum=1, example=2048)
    bytes = whole(minimum=1, example=412871)
    content_type = text(example="image/jpeg")
    has_alpha = flag("alpha", example=False)
    created_at = instant()
    expires_at = instant(expiry, null=True, example=...)


class UploadDeleted(Reply):
    id = text(example=UPLOAD)
    message = fixed("answer.upload_deleted")
