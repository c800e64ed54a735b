"""The kinds of misbehaviour that have no code, as data."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from jimeng.local.simulator.answers import Answer
from jimeng.local.simulator.pictures import large_png

ACTIONS = ("submit", "poll", "image", "process", "ark", "callback")
CALLS = frozenset(ACTIONS) - {"callback"}
ORDERS = frozenset({"submit", "process", "ark"})
POLL = frozenset({"poll"})
IMAGE = frozenset({"image"})
RESULT = frozenset({"poll", "process", "ark"})

HTML = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415478da63606060000000040001f61738550000000049454e44ae426082"
)


def same(answer: Answer) -> Answer:
    return answer


@dataclass(frozen=True, kw_only=True)
class Kind:
    """
    Attributes:
        actions: Calls that it can befall.
        spoil: What becomes of an answer.
        accepted: Whether a submission is carried out first, unless the fault says
            otherwise.
        refuses: Whether the call's own ``refuse`` knows the answer.
        of_result: On a poll: whether it waits until the task is done. The service
            itself gives such a result.
    """

    actions: frozenset[str] = CALLS
    spoil: Callable[[Answer], Answer] = same
    accepted: bool = False
    refuses: bool = False
    of_result: bool = False


def plain(status: int, text: bytes) -> Kind:
    """An answer of something on the way that is not the service."""
    return Kind(spoil=lambda _: Answer(status, text, "text/plain", code=status))


def body(make: Callable[[bytes], bytes], actions: frozenset[str] = IMAGE) -> Kind:
    return Kind(
        actions=actions, spoil=lambda answer: replace(answer, body=make(answer.body))
    )


def ending(name: str, *, accepted: bool = True) -> Kind:
    return Kind(spoil=lambda answer: replace(answer, ending=name), accepted=accepted)


def png(make: Callable[[], bytes]) -> Kind:
    return Kind(
        actions=IMAGE,
        spoil=lambda answer: replace(answer, body=make(), content_type="image/png"),
    )


def halved(data: bytes) -> bytes:
    """The same picture with half the width and half the height."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        size = max(1, picture.width // 2), max(1, picture.height // 2)
        picture.resize(size).save(out, picture.format)
    return out.getvalue()


def typed(content_type: str) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, content_type=content_type)


state = Kind(actions=POLL, refuses=True)
result = Kind(actions=POLL, of_result=True)

KINDS: dict[str, Kind] = {
    # The connection.
    "drop_before": ending("reset", accepted=False),
    "drop": ending("reset"),
    "drop_after": ending("reset"),
    "slow": Kind(accepted=True),
    "late": Kind(actions=ORDERS, accepted=True),
    "slow_body": Kind(accepted=True),
    "truncated": ending("cut"),
    "unended": ending("unended"),
    "endless": ending("endless"),
    # Something on the way.
    "html_502": Kind(spoil=lambda _: Answer(502, HTML, "text/html", code=502)),
    "403": plain(403, b"forbidden"),
    "404": plain(404, b"not found"),
    "503": plain(503, b"unavailable"),
    "504": plain(504, b"timed out"),
    # The body.
    "not_json": Kind(
        spoil=lambda answer: replace(answer, body=b"upstream said: maybe"),
        accepted=True,
    ),
    "wrong_content_type": Kind(spoil=typed("text/plain"), accepted=True),
    "zero_bytes": replace(body(lambda _: b"", CALLS), accepted=True),
    "escaped": replace(
        body(lambda data: data.replace(b"&", b"\\u0026"), RESULT),
        accepted=True,
        of_result=True,
    ),
    # Refusals in other words than usual.
    "access_denied_internal": Kind(
        actions=frozenset({"submit", "poll", "process"}), refuses=True
    ),
    "rpc_predict": Kind(actions=frozenset({"submit", "poll", "process"}), refuses=True),
    "image_download": Kind(actions=frozenset({"ark"}), refuses=True),
    "stream_error": Kind(actions=frozenset({"ark"}), refuses=True),
    # States of a task.
    "unknown_status": state,
    "done_but_empty": state,
    "expired": state,
    "not_found": state,
    # What a finished task shows.
    "several": replace(result, actions=RESULT, accepted=True),
    "base64": result,
    "large_base64": result,
    "expired_link": replace(result, actions=RESULT, accepted=True),
    "resp_data": result,
    "partial": Kind(actions=frozenset({"ark"}), accepted=True),
    # The picture behind a link, or the one inside an answer.
    "not_an_image": body(lambda _: HTML),
    "truncated_image": body(lambda data: data[: len(data) // 2]),
    "1x1": png(lambda: PIXEL),
    "4096_png": png(large_png),
    "wrong_size": body(halved),
}
