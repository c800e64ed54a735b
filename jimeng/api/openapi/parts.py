"""
Components of the document that operations share, and the descriptions of fields.

Texts are (Chinese, English) pairs, as in ``i18n``.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from marshmallow import fields, missing

from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import AS_TEXT, AS_USER_ID, OneOf, Text

Bilingual = tuple[str, str]
TEXT = {"type": "string"}
SECONDS = {"type": "integer", "minimum": 0}
AS_REQUEST_ID = {"pattern": r"^[A-Za-z0-9._:\-]{1,128}$"}
REQUEST_ID = (
    "请求的 id；1 到 128 个字母、数字或 . _ : - 的会被采用，否则由服务器生成",
    "The request's id. One of 1 to 128 letters, digits and . _ : - is used, otherwise "
    "the server generates one",
)
# Header -> its description in Chinese and in English, and its schema.
HEADERS: dict[str, tuple[str, str, dict]] = {
    "X-Request-ID": (*REQUEST_ID, TEXT | AS_REQUEST_ID),
    "Location": (
        "新资源的地址",
        "The URL of the new resource",
        {"type": "string", "format": "uri-reference"},
    ),
    "Retry-After": ("多少秒后再问", "Seconds to wait before trying again", SECONDS),
    "Idempotent-Replayed": (
        "true：任务由先前同键的请求创建",
        "true: an earlier request with this key created the task",
        {"type": "string", "enum": ["true"]},
    ),
    "Preference-Applied": (
        "wait=秒数：按这个等过；没有等时不出现",
        "wait=SECONDS: the wait that was applied. Absent without a wait",
        {"type": "string", "pattern": "^wait=[0-9]+$"},
    ),
    "Cache-Control": (
        "不要保存，也不要改动",
        "Must not be stored or transformed",
        TEXT,
    ),
    "Link": (
        '下一页，rel="next"；没有下一页时不出现',
        'The next page, rel="next", if any',
        TEXT,
    ),
    "ETag": ("应答的标签", "The response's entity tag", TEXT),
    "RateLimit-Policy": (
        "有哪些限制：requests 是请求数，submissions 是任务数，"
        "daily-pictures 是图片数（按 UTC 日）；"
        "q 是上限，w 是窗口的秒数。没有限制时不出现",
        "The limits: requests counts requests, submissions tasks, daily-pictures "
        "pictures per UTC day; q is the limit, w the window in seconds. Absent if "
        "there are none",
        TEXT,
    ),
    "RateLimit": (
        "各项限制还剩多少（r），多少秒后重置（t）",
        "What remains of each limit (r), and seconds until it resets (t)",
        TEXT,
    ),
}
HEADER_PARAMETERS: dict[str, tuple[str, str, dict]] = {
    "X-Request-ID": (*REQUEST_ID, TEXT),  # any other value is replaced
    "Accept-Language": (
        "说明文字的语言：zh 或 en",
        "Language of messages: zh or en",
        {"type": "string", "examples": ["zh", "en"]},
    ),
    "If-None-Match": (
        "上次的 ETag；没有变化时为 304",
        "The ETag of an earlier response: 304 if nothing has changed",
        TEXT,
    ),
    "Idempotency-Key": (
        "1 到 255 个可见 ASCII 字符。24 小时内，同一用户、同一键、同样的请求"
        "只创建一次，重复时得到第一次的应答",
        "1 to 255 visible ASCII characters. Within 24 hours the same key with the same "
        "request of the same user creates once; repetitions get the first response",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[!-~]+$",
        },
    ),
    "Prefer": (
        "wait=秒数：等到任务结束再回答，最多 60 秒；没有空位等，或任务在那之后才开始"
        "（delay）时，和平常一样立即回答",
        "wait=SECONDS: respond once the task has ended, or after that many, at most "
        "60. If too many clients are waiting, or the task starts later (delay), the "
        "response is sent at once, as usual",
        {"type": "string", "examples": ["wait=30"]},
    ),
}
# Values that do not match the pattern do not exist.
PATH_PARAMETERS: dict[str, tuple[str, str, dict]] = {
    "name": ("模型的名称", "The model's name", {}),
    "task_id": ("任务 id", "The task's id", {"pattern": "^[A-Za-z0-9_-]{1,100}$"}),
    "batch_id": (*field_descriptions.BATCH_ID, {"pattern": "^batch_[0-9a-f]{32}$"}),
    "index": (
        "任务的第几张，从 0 数起",
        "Which picture of the task, from 0",
        {"type": "integer", "minimum": 0},
    ),
    "user_id": ("用户 id", "The user's id", AS_USER_ID),
    "upload_id": (
        "上传的图片的 id",
        "The upload's id",
        {"pattern": "^upload_[A-Za-z0-9_-]{22}$"},
    ),
    "collection_id": (
        "相册的 id",
        "The collection's id",
        {"pattern": "^collection_[0-9a-f]{24}$"},
    ),
    "prompt_id": (
        "存下的提示词的 id",
        "The saved prompt's id",
        {"pattern": "^prompt_[0-9a-f]{24}$"},
    ),
    "webhook_id": (
        "回调地址的 id",
        "The webhook's id",
        {"pattern": "^webhook_[0-9a-f]{24}$"},
    ),
    "delivery_id": (
        "投递的 id（webhook-id）",
        "The delivery's id (webhook-id)",
        {"pattern": "^msg_[0-9a-f]{32}$"},
    ),
    "share_id": (
        "所分享的相册或图片的 id",
        "The id of the collection or of the picture that is shared",
        {"pattern": "^[A-Za-z0-9_-]{1,100}$"},
    ),
    "key_id": ("密钥的 id", "The key's id", {"pattern": "^key_[0-9a-f]{16}$"}),
}


def in_both_languages(say: Callable[[int], str]) -> Bilingual:
    return say(0), say(1)


def translated(node: Any, spoken: int) -> Any:
    """Pick one language of each pair of texts: no other tuples occur in a document."""
    if isinstance(node, tuple):
        return node[spoken]
    if isinstance(node, dict):
        return {name: translated(inner, spoken) for name, inner in node.items()}
    if isinstance(node, list):
        return [translated(inner, spoken) for inner in node]
    return node


def reference(kind: str, name: str) -> str:
    return f"#/components/{kind}/{name}"


def path_parameter(name: str) -> dict:
    """A parameter in the path."""
    chinese, english, schema = PATH_PARAMETERS.get(name, ("", "", {}))
    if "type" not in schema:
        schema = {"type": "string", "minLength": 1, **schema}
    taken = {"name": name, "in": "path", "required": True, "schema": schema}
    return {**taken, "description": (chinese, english)}


def headers(names: Iterable[str], always: Iterable[str]) -> dict:
    """The headers of a response: *names* are optional, *always* are required."""
    always = [*always, "X-Request-ID"]
    known = {name: name for name in always}
    known |= {name: f"{name}-if-any" for name in names if name not in known}
    return {name: {"$ref": reference("headers", part)} for name, part in known.items()}


def shared_components() -> dict[str, dict]:
    """Shared headers and parameters, by their names in ``components``."""
    found: dict[str, dict] = {"headers": {}, "parameters": {}}
    for name, (chinese, english, schema) in HEADERS.items():
        header = {"description": (chinese, english), "schema": schema}
        found["headers"][name] = {**header, "required": True}
        found["headers"][f"{name}-if-any"] = header
    for name, (chinese, english, schema) in HEADER_PARAMETERS.items():
        taken = {"name": name, "in": "header", "schema": schema}
        found["parameters"][name] = {**taken, "description": (chinese, english)}
    return found


def as_text(converter: object, field: fields.Field, **kwargs: object) -> dict:
    """The default pattern of text fields, for apispec."""
    stricter = {"pattern", "enum"} & {*field.metadata} or isinstance(
        field.validate, OneOf
    )
    return AS_TEXT if isinstance(field, Text) and not stricter else {}


def shaped(converter: object, field: fields.Field, **kwargs: object) -> dict:
    """The schema of metadata fields, which apispec cannot derive completely."""
    return getattr(field, "shape", {})


def described(converter: object, field: fields.Field, **kwargs: object) -> dict:
    """
    The description of a field for apispec, including its default.

    As JSON Schema's ``default``, generated clients would send it each time.
    """
    if not field.metadata.get("texts"):
        return {}
    chinese, english = field.metadata["texts"]
    if field.load_default not in (missing, ""):
        usual = json.dumps(field.load_default).strip('"')
        chinese, english = f"{chinese}；默认 {usual}", f"{english}; {usual} by default"
    return {"description": (chinese, english)}
