"""The kinds of misbehaviour that have no code, as data."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from jimeng.local.simulator.answers import Answer

ACTIONS = ("submit", "poll", "image", "process", "ark")
CALLS = frozenset(ACTIONS)
ORDERS = frozenset({"submit", "process", "ark"})
POLL = frozenset({"poll"})
IMAGE = frozenset({"image"})
RESULT = frozenset({"poll", "process", "ark"})

HTML = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415478da63606060000000040001f61738550000000049454e44ae426082"
)


@dataclass(frozen=True)
class Kind:
    """
    Attributes:
        actions: Calls that it can befall.
        fields: Those of an answer that become others.
        body: What becomes of its body.
        accepted: Whether a submission is carried out first, unless the fault says
            otherwise.
        of_result: On a poll: whether it waits until the task is done.
    """

    actions: frozenset[str] = CALLS
    fields: Mapping[str, Any] = field(default_factory=dict)
    body: Callable[[bytes], bytes] = bytes
    accepted: bool = True
    of_result: bool = False

    def spoil(self, answer: Answer) -> Answer:
        return replace(answer, **{"body": self.body(answer.body), **self.fields})


def instead(status: int, body: bytes, content_type: str = "text/plain") -> Kind:
    """An answer of something on the way that is not the service."""
    whole = vars(Answer(status, body, content_type, code=status))
    return Kind(fields=whole, accepted=False)


def halved(data: bytes) -> bytes:
    """The same picture with half the width and half the height."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        size = max(1, picture.width // 2), max(1, picture.height // 2)
        picture.resize(size).save(out, picture.format)
    return out.getvalue()


# What the call's own ``refuse`` or the service itself makes of an answer.
state = Kind(POLL)
result = Kind(POLL, of_result=True)

KINDS: dict[str, Kind] = {
    # The connection.
    "drop_before": Kind(fields={"ending": "reset"}, accepted=False),
    "drop": Kind(fields={"ending": "reset"}),
    "drop_after": Kind(fields={"ending": "reset"}),
    "slow": Kind(),
    "late": Kind(ORDERS),
    "slow_body": Kind(),
    "truncated": Kind(fields={"ending": "cut"}),
    "unended": Kind(fields={"ending": "unended"}),
    "endless": Kind(fields={"ending": "endless"}),
    # Something on the way.
    "html_502": instead(502, HTML, "text/html"),
    "403": instead(403, b"forbidden"),
    "404": instead(404, b"not found"),
    "503": instead(503, b"unavailable"),
    "504": instead(504, b"timed out"),
    # The body.
    "not_json": Kind(fields={"body": b"upstream said: maybe"}),
    "wrong_content_type": Kind(fields={"content_type": "text/plain"}),
    "zero_bytes": Kind(fields={"body": b""}),
    "escaped": Kind(
        RESULT, body=lambda data: data.replace(b"&", b"\\u0026"), of_result=True
    ),
    # States of a task.
    "unknown_status": state,
    "done_but_empty": state,
    "expired": state,
    "not_found": state,
    # What a finished task shows.
    "several": replace(result, actions=RESULT),
    "base64": result,
    "expired_link": replace(result, actions=RESULT),
    "resp_data": result,
    "partial": Kind(frozenset({"ark"})),
    # The picture behind a link, or the one inside an answer.
    "not_an_image": Kind(IMAGE, {"body": HTML}),
    "truncated_image": Kind(IMAGE, body=lambda data: data[: len(data) // 2]),
    "1x1": Kind(IMAGE, {"body": PIXEL, "content_type": "image/png"}),
    "wrong_size": Kind(IMAGE, body=halved),
}
