"""What the REST API says of users, keys, models, styles, the queue, and errors."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from marshmallow import fields

from jimeng import jobs
from jimeng.i18n import MESSAGES, language, t
from jimeng.providers import Model
from jimeng.providers.models.takes import PROMPTS, TASKS
from jimeng.schemas.kinds import (
    Reply,
    a,
    count,
    day,
    entries,
    flag,
    instant,
    list_of,
    one_of,
    some,
    text,
    whole,
)
from jimeng.schemas.task_replies import MODEL, PROVIDER
from jimeng.tasks import Estimate
from jimeng.viewers import DOORS, SCOPES

MOST_DAYS = 30  # that are listed one by one
USER, KEY, HOST = "user_4229f23999b954c1e88bba88", "key_5b0c1d6c3a7e9f42", "worker-1"


def said(key: str) -> fields.Field:
    """A sentence for people, always the same."""
    return text(lambda about: t(key), example=MESSAGES[key])


class UserRecord(Reply):
    id = text(example=USER)
    email = text(format="email", example="user@example.com")
    name = text(example="张三")
    role = one_of("user", "admin")
    created_at = instant()
    updated_at = instant()


class UserDeleted(Reply):
    id = text(example=USER)
    message = said("answer.user_deleted")


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
    message = said("answer.key_revoked")


def pixels(name: str, example: dict) -> fields.Field:
    def of(model: Model) -> dict[str, str]:
        named: Mapping[str, tuple[int, int]] = getattr(model, name)
        return {each: f"{width}x{height}" for each, (width, height) in named.items()}

    return entries(of, example=example, additionalProperties={"type": "string"})


def limit(name: str, place: int, example: int | None = None) -> fields.Field:
    """One end of a model's range, null where there is none."""

    def of(model: Model) -> float | None:
        return (getattr(model, name) or (None, None))[place]

    return whole(of, null=True, example=example)


class Sizes(Reply):
    ratios = pixels("sizes", {"1:1": "1328x1328", "16:9": "1664x936"})
    hd_ratios = pixels("hd_sizes", {"1:1": "2048x2048", "16:9": "2048x1152"})
    keywords = pixels("keywords", {"1K": "1328x1328", "2K": "2048x2048"})
    min_side = limit("sides", 0, 512)
    max_side = limit("sides", 1, 2048)
    min_area = limit("area", 0)
    max_area = limit("area", 1)
    max_ratio = fields.Float(required=True, allow_none=True)


class Inputs(Reply):
    """The pictures that a model takes in, of its `takes`."""

    min = whole("least", minimum=0, example=1)
    max = whole("most", minimum=1, example=1)
    min_side = whole(lambda takes: takes.sides[0], minimum=1, example=32)
    max_side = whole(lambda takes: takes.sides[1], minimum=1, example=4096)
    max_ratio = fields.Float(required=True, allow_none=True)
    mask = flag()
    strength = flag(lambda takes: takes.strength is not None)
    expand = fields.Float(required=True, allow_none=True, metadata={"examples": [None]})
    prompt = one_of(*PROMPTS, example="required")


class PriceStep(Reply):
    up_to_pixels = whole("up_to", null=True, minimum=1, example=None)
    fen = whole(minimum=0, example=22)


class PriceRecord(Reply):
    """What one picture costs at the provider."""

    currency = one_of("CNY", of=lambda price: "CNY", example="CNY")
    steps = some(PriceStep)
    as_of = day(null=True, example="2026-09-30")


class CostRecord(Reply):
    """What pictures would cost at the provider, by the list of prices."""

    currency = one_of("CNY", of=lambda estimate: "CNY", example="CNY")
    fen = whole(minimum=0, example=22)
    fen_of_all = whole(minimum=0, example=44)
    as_of = day(
        lambda estimate: estimate.model.dearest.as_of, null=True, example="2026-09-30"
    )


class EstimateRecord(Reply):
    """What a request would create, where nothing is created."""

    dry_run = flag(lambda estimate: True, example=True)
    model = text(lambda estimate: estimate.model.id, example=MODEL)
    provider = text(lambda estimate: estimate.model.provider, example=PROVIDER)
    n = whole(minimum=1, example=2)
    width = whole(
        lambda estimate: side(estimate, 0), null=True, minimum=1, example=1328
    )
    height = whole(
        lambda estimate: side(estimate, 1), null=True, minimum=1, example=1328
    )
    cost = a(
        CostRecord,
        lambda estimate: None if estimate.fen is None else estimate,
        null=True,
        example=...,
    )


def side(estimate: Estimate, which: int) -> int | None:
    return estimate.size[which] if estimate.size else None


def why_not(model: Model) -> str | None:
    """Why its pictures cannot be sent from here."""
    return t(f"lacks.{model.lacks}") if model.lacks else None


class ModelRecord(Reply):
    """What can be asked of a model."""

    id = text(example=MODEL)
    provider = text(example=PROVIDER)
    task = one_of(*TASKS, example="text-to-image")
    aliases = list_of(
        text(example="jimeng-3.0"), lambda model: sorted(model.names - {model.id})
    )
    sizes = a(Sizes, lambda model: model)
    max_images = whole(minimum=1, example=4)
    max_prompt = whole(minimum=1, example=800)
    takes_images = flag(example=True)
    inputs = a(Inputs, "takes", null=True)
    inputs_unavailable = text(why_not, null=True, example=None)
    takes_seed = flag()
    price = a(PriceRecord, null=True, example=...)
    default = flag(lambda model: model is jobs.runtime().registry.default())


class StyleRecord(Reply):
    id = text(example="ink")
    name = text(
        lambda style: style.zh if language() == "zh" else style.en,
        example=("水墨", "Ink wash"),
    )
    name_zh = text("zh", example="水墨")
    name_en = text("en", example="Ink wash")
    phrase = text(example="中国水墨画，留白，墨色浓淡相宜，宣纸质感")


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
    message = said("answer.healthy")


class Ready(Health):
    status = one_of("ready")
    message = said("answer.ready")
    paused = list_of(fields.String(), example=[])
    resting = list_of(fields.String(), example=[])


class Reason(Reply):
    """One thing that keeps this server from being ready."""

    code = text()
    names = list_of(fields.String())
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
