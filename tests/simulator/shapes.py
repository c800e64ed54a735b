"""The answers of Volcengine that are known, as a table: how each is asked for, and
its HTTP status, its codes and the types of all that is in it."""

import json
from dataclasses import dataclass, field

from tests.simulator.caller import V40

TEXT, NUMBER = "text", "number"
VISUAL_TYPE = "application/json; charset=utf-8"
ARK_TYPE = "application/json"
DONE = "[[slow 0]] 猫"


def skeleton(value: object) -> object:
    """The same with each text and each number replaced by its type."""
    if isinstance(value, dict):
        return {name: skeleton(each) for name, each in value.items()}
    if isinstance(value, list):
        return [skeleton(each) for each in value]
    if isinstance(value, str):
        return TEXT
    return value if value is None or isinstance(value, bool) else NUMBER


@dataclass(frozen=True, kw_only=True)
class Shape:
    """
    Attributes:
        call: Which call gets the answer.
        code: What is in ``code`` or ``CodeN``.
        keys: Skeleton of the body.
        words: A prompt that asks for it.
        fault: The kind that asks for it at the control endpoint; empty: none does.
        fields: Of the call, besides.
    """

    call: str
    keys: object
    status: int = 200
    code: object = 10000
    content_type: str = VISUAL_TYPE
    words: str = DONE
    fault: str = ""
    fields: dict = field(default_factory=dict)


def flat(data: object, **more: object) -> dict:
    head = {"code": NUMBER, "data": data, "message": TEXT, "request_id": TEXT}
    return {**head, "status": NUMBER, "time_elapsed": TEXT, **more}


def refused(call: str, status: int, code: int, data: object = None, **more) -> Shape:
    """A refusal of the service, asked for by its code unless *more* says how."""
    prefix = "poll " if call == "poll" else ""
    asked = {"words": f"[[slow 0]] [[{prefix}{code}]]", "fault": str(code), **more}
    return Shape(call=call, status=status, code=code, keys=flat(data), **asked)


def state(urls=None, raw=None, *, kind: str = "", words: str = DONE, **more) -> Shape:
    """The answer to a poll; *kind* is asked for on the poll."""
    data = {"binary_data_base64": raw, "image_urls": urls, **more, "status": TEXT}
    words = f"{DONE} [[poll {kind}]]" if kind else words
    return Shape(call="poll", keys=flat(data), words=words, fault=kind)


def gateway(status: int, code: int) -> Shape:
    error = {"CodeN": NUMBER, "Code": TEXT, "Message": TEXT}
    head = dict.fromkeys(("RequestId", "Action", "Version", "Service", "Region"), TEXT)
    return Shape(
        call="submit",
        status=status,
        code=code,
        keys={"ResponseMetadata": {**head, "Error": error}},
        words=f"[[{code}]]",
        fault=str(code),
    )


def ark_refused(status: int, code: str) -> Shape:
    return Shape(
        call="ark",
        status=status,
        code=code,
        content_type=ARK_TYPE,
        keys={"error": dict.fromkeys(("code", "message", "param", "type"), TEXT)},
        words=f"[[slow 0]] [[{code}]]",
        fault=code,
    )


USAGE = dict.fromkeys(("generated_images", "output_tokens", "total_tokens"), NUMBER)
LINK = {"url": TEXT, "size": TEXT}
REFUSED = {"error": {"code": TEXT, "message": TEXT}}


def ark(data: list, **more: object) -> Shape:
    keys = {"model": TEXT, "created": NUMBER, "data": data, "usage": USAGE}
    return Shape(call="ark", code=None, keys=keys, content_type=ARK_TYPE, **more)


def group(number: int) -> dict:
    options = {"max_images": number}
    auto = {"sequential_image_generation": "auto"}
    return {**auto, "sequential_image_generation_options": options}


PROCESSED = {
    "algorithm_base_resp": {"status_code": NUMBER, "status_message": TEXT},
    "binary_data_base64": [],
    "image_urls": [TEXT],
    "infer_ctx": {},
    **dict.fromkeys(("llm_result", "pe_result", "predict_tags_result"), TEXT),
    **dict.fromkeys(("rephraser_result", "request_id", "vlm_result"), TEXT),
}

SHAPES = {
    # A submission.
    "accepted": Shape(call="submit", keys=flat({"task_id": TEXT})),
    "input picture": refused("submit", 400, 50411),
    "prompt": refused("submit", 400, 50412),
    "sensitive words": refused("submit", 400, 50413),
    "input copyright": refused("submit", 400, 50518),
    "too many calls": refused("submit", 429, 50429),
    "too many tasks": refused("submit", 429, 50430),
    "internal": refused("submit", 500, 50500),
    "internal call": refused("submit", 500, 50501),
    "risk check down": refused("submit", 400, 50520),
    "word check down": refused("submit", 400, 50521),
    "copyright check down": refused("submit", 400, 50522),
    "invalid input": refused("submit", 400, 50215, {"resp_data": TEXT}),
    "prompt too long": refused("submit", 400, 50200, words="猫" * 801),
    "area": refused(
        "submit",
        400,
        50200,
        words="海边",
        fields={"req_key": V40, "width": 1280, "height": 720},
    ),
    "access denied": refused("submit", 401, 50400),
    # A poll.
    "in queue": state(words="[[slow 9]]"),
    "generating": state(words="[[slow 9]]"),
    "link": state([TEXT]),
    "link and empty list": state([TEXT], [], kind="resp_data", resp_data=TEXT),
    "base64": state(None, [TEXT], kind="base64"),
    "two in base64": state(None, [TEXT] * 2),
    "several links": state([TEXT] * 4, kind="several"),
    "done but empty": state(kind="done_but_empty"),
    "not found": state(kind="not_found"),
    "expired": state(kind="expired"),
    "unknown status": state(kind="unknown_status"),
    "invalid task": refused("poll", 400, 50215),
    "picture": refused("poll", 400, 50511),
    "picture copyright": refused("poll", 400, 50519),
    "words after all": refused("poll", 400, 50413),
    "text in the picture": refused("poll", 400, 50512),
    "too many polls": refused("poll", 429, 50429),
    "poll internal": refused("poll", 500, 50500),
    # The others of Visual.
    "processed": Shape(call="process", keys=flat(PROCESSED)),
    # The gateway.
    "no action": gateway(400, 100004),
    "no token": gateway(401, 100003),
    "no signature": gateway(401, 100005),
    "timestamp": gateway(400, 100006),
    "unknown action": gateway(404, 100008),
    "unknown key": gateway(401, 100009),
    "wrong signature": gateway(401, 100010),
    "not allowed": gateway(403, 100013),
    "gateway internal": gateway(500, 100014),
    "page of a proxy": Shape(
        call="submit",
        status=502,
        code=None,
        keys=None,
        content_type="text/html",
        words="[[html_502]]",
        fault="html_502",
    ),
    # Ark.
    "ark link": ark([LINK]),
    "ark base64": ark(
        [{"b64_json": TEXT, "size": TEXT}], fields={"response_format": "b64_json"}
    ),
    "ark group, one refused": ark(
        [LINK, REFUSED, LINK],
        words=f"{DONE} [[partial]]",
        fault="partial",
        fields=group(3),
    ),
    "ark size": ark_refused(400, "InvalidParameter"),
    "ark no prompt": ark_refused(400, "MissingParameter"),
    "ark words": ark_refused(400, "InputTextSensitiveContentDetected"),
    "ark input picture": ark_refused(400, "InputImageSensitiveContentDetected"),
    "ark picture": ark_refused(400, "OutputImageSensitiveContentDetected"),
    "ark key": ark_refused(401, "AuthenticationError"),
    "ark overdue": ark_refused(403, "AccountOverdueError"),
    "ark no such model": ark_refused(404, "InvalidEndpointOrModel.NotFound"),
    "ark model not open": ark_refused(404, "ModelNotOpen"),
    "ark pictures a minute": ark_refused(429, "ModelAccountIpmRateLimitExceeded"),
    "ark overloaded": ark_refused(429, "ServerOverloaded"),
    "ark limit set": ark_refused(429, "SetLimitExceeded"),
    "ark quota": ark_refused(429, "QuotaExceeded"),
    "ark internal": ark_refused(500, "InternalServiceError"),
}


def contents(body: bytes, content_type: str) -> tuple[object, object]:
    """The code and the skeleton of an answer of whatever kind."""
    if content_type == "text/html":
        return None, None
    found = json.loads(body)
    if "ResponseMetadata" in found:
        return found["ResponseMetadata"]["Error"]["CodeN"], skeleton(found)
    if "error" in found:
        return found["error"]["code"], skeleton(found)
    return found.get("code"), skeleton(found)
