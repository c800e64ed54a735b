"""
The shapes that the REST API gives, for its description.

Nothing is made from these; tests hold the answers to them.
"""

from marshmallow import EXCLUDE, Schema, fields

from jimeng.documents import Status
from jimeng.schemas.kinds import (
    a,
    address,
    flag,
    moment,
    named_texts,
    one_of,
    some,
    text,
    whole,
)
from jimeng.tasks.views import PHASES

STATUS = tuple(Status)


class Reply(Schema):
    class Meta:
        unknown = EXCLUDE  # clients must bear what later versions add


class Links(Reply):
    self = address()
    result = address()
    cancel = address()
    html = address()


class Created(Reply):
    task_id = text()
    status = one_of("pending")
    message = text()
    provider = text()
    model = text()
    created_at = moment()
    position = whole(minimum=0)
    eta_seconds = whole(minimum=0)
    retried_from = text(required=False)
    links = a(Links)


class Picture(Reply):
    url = address()
    thumbnail_url = address()
    width = whole(minimum=1)
    height = whole(minimum=1)
    bytes = whole(minimum=1)
    content_type = text()
    seed = whole(null=True)


class Failure(Reply):
    code = text()
    message = text()
    provider_code = text(null=True)
    provider_request_id = text(null=True)
    retryable = flag()
    charged = one_of("no", "unknown", "yes")


class Pictures(Reply):
    image_url = address(null=True)
    image_urls = fields.List(address(), required=True)
    images = some(Picture)
    failed = some(Failure)


class Progressing(Reply):
    """What a task that has not ended says of its way."""

    phase = one_of(*PHASES, required=False)
    progress = whole(required=False, minimum=0, maximum=100)
    position = whole(required=False, minimum=0)
    eta_seconds = whole(required=False, minimum=0)
    image_url = address(required=False, null=True)


class TaskResult(Progressing):
    task_id = text()
    status = one_of(*STATUS)
    message = text()
    created_at = moment()
    result = a(Pictures, required=False)
    error = a(Failure, required=False)


class TaskRecord(Progressing):
    id = text()
    task_id = text()
    type = one_of("image")
    status = one_of(*STATUS)
    message = text()
    user_id = text()
    input = fields.Dict(required=True)
    prompt = text()
    provider = text()
    model = text()
    width = whole(minimum=1)
    height = whole(minimum=1)
    n = whole(minimum=1, maximum=4)
    seed = whole(null=True)
    provider_task_ids = fields.List(fields.String(), required=True)
    attempts = whole(minimum=0)
    retried_from = text(null=True)
    created_at = moment()
    updated_at = moment()
    not_before = moment(null=True)
    started_at = moment(null=True)
    submitted_at = moment(null=True)
    completed_at = moment(null=True)
    progress = whole(minimum=0, maximum=100)
    result = a(Pictures, null=True)
    error = a(Failure, null=True)
    links = a(Links)


class TaskPage(Reply):
    tasks = some(TaskResult)
    limit = whole()
    offset = whole()
    count = whole()


class TaskDeleted(Reply):
    task_id = text()
    message = text()


class CancelOutcome(Reply):
    task_id = text()
    success = flag()
    status = text(required=False)
    error = text(required=False)
    message = text(required=False)


class RetryOutcome(CancelOutcome):
    new_task_id = text(required=False)
    replayed = flag(required=False)
    links = a(Links, required=False)


class Counted(Reply):
    total = whole(minimum=0, maximum=100)
    succeeded = whole(minimum=0)
    failed = whole(minimum=0)


class CancelOutcomes(Counted):
    results = some(CancelOutcome)


class RetryOutcomes(Counted):
    results = some(RetryOutcome)


class UserRecord(Reply):
    id = text()
    email = text()
    name = text()
    role = one_of("user", "admin")
    created_at = moment()
    updated_at = moment()


class KeyRecord(Reply):
    id = text()
    name = text()
    prefix = text()
    scopes = fields.List(one_of("read", "write", "admin"), required=True)
    created_at = moment()
    expires_at = moment(null=True)
    last_used_at = moment(null=True)


class NewKeyRecord(KeyRecord):
    key = text()


class KeyRevoked(Reply):
    id = text()
    message = text()


class UserDeleted(Reply):
    id = text()
    message = text()


class Sizes(Reply):
    ratios = named_texts()
    hd_ratios = named_texts()
    keywords = named_texts()
    min_side = whole(null=True)
    max_side = whole(null=True)
    min_area = whole(null=True)
    max_area = whole(null=True)
    max_ratio = fields.Float(required=True, allow_none=True)


class ModelRecord(Reply):
    id = text()
    provider = text()
    aliases = fields.List(fields.String(), required=True)
    sizes = a(Sizes)
    max_images = whole(minimum=1)
    max_prompt = whole(minimum=1)
    takes_images = flag()
    takes_seed = flag()
    default = flag()


class StyleRecord(Reply):
    id = text()
    name = text()
    name_zh = text()
    name_en = text()
    phrase = text()


class Day(Reply):
    date = text(format="date")
    processed = whole(minimum=0)
    failed = whole(minimum=0)
    completed = whole(minimum=0)
    cancelled = whole(minimum=0)


class ServerRecord(Reply):
    host = text()
    workers = whole(minimum=0)
    last_heartbeat = moment()
    alive = flag()


class WorkerRecord(Reply):
    id = text()
    host = text()
    pid = whole()
    started_at = moment()
    last_heartbeat = moment()
    alive = flag()


class LaneRecord(Reply):
    id = text()
    provider = text()
    model = text(null=True)
    slots_in_use = whole(minimum=0)
    limit = whole(null=True)
    configured_limit = whole(null=True)
    pending = whole(minimum=0)
    retry = whole(minimum=0)
    back_off_until = moment(null=True)


class QueueRecord(Reply):
    measured_at = moment()
    pending = whole(minimum=0)
    active = whole(minimum=0)
    retry = whole(minimum=0)
    archived = whole(minimum=0)
    completed = whole(minimum=0)
    cancelled = whole(minimum=0)
    processed = whole(minimum=0)
    failed = whole(minimum=0)
    by_date = some(Day)
    jobs = whole(null=True)
    servers = some(ServerRecord)
    workers = some(WorkerRecord)
    lanes = some(LaneRecord)


class Health(Reply):
    status = one_of("ok", "ready")
    message = text()


class Refusal(Reply):
    """Every error, whatever its status."""

    success = fields.Boolean(required=True, metadata={"enum": [False]})
    error = text()
    message = text()
    request_id = text()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    status = text(required=False)
    missing = fields.List(fields.String())
