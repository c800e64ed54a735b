"""Fault injection, requested over HTTP or by directives in a prompt."""

import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from simulator import ark_responses
from simulator.ark_responses import ArkCall
from simulator.visual_models import is_int
from simulator.visual_responses import (
    BUSINESS,
    ENDING,
    GATEWAY,
    STATES,
    Answer,
    Call,
)

# Of Ark: pictures, and the calls of video tasks.
ARK_ACTIONS = ("ark", "create", "get", "list", "delete")
ACTIONS = ("submit", "poll", "image", "video", "process", *ARK_ACTIONS)
CALLS = frozenset(ACTIONS)
ORDERS = frozenset({"submit", "process", "ark", "create"})
POLL = frozenset({"poll"})
STATUS = frozenset({"poll", "get"})
IMAGE = frozenset({"image"})
VIDEO = frozenset({"video"})
FILES = IMAGE | VIDEO
RESULT = frozenset({"poll", "process", "ark"})
# Prefix of a directive in a prompt -> the calls that it is about.
ABOUT = {"": ORDERS, "poll": STATUS, "image": IMAGE, "video": VIDEO}

HTML = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415478da63606060000000040001f61738550000000049454e44ae426082"
)


@dataclass(frozen=True)
class Kind:
    """
    Attributes:
        actions: The calls that it can be injected into.
        fields: The fields of `Answer` that it replaces.
        body: The function that it applies to the body.
        accepted: Whether a submission is performed first, unless the fault overrides
            it.
        of_result: On a poll: whether it applies only once the task is done.
    """

    actions: frozenset[str] = CALLS
    fields: Mapping[str, Any] = field(default_factory=dict)
    body: Callable[[bytes], bytes] = bytes
    accepted: bool = True
    of_result: bool = False

    def apply(self, answer: Answer) -> Answer:
        return replace(answer, **{"body": self.body(answer.body), **self.fields})


def instead(status: int, body: bytes, content_type: str = "text/plain") -> Kind:
    """A response of an intermediary instead of the service."""
    whole = vars(Answer(status, body, content_type, code=status))
    return Kind(fields=whole, accepted=False)


def halved(data: bytes) -> bytes:
    """Scale a picture to half its width and height."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        size = max(1, picture.width // 2), max(1, picture.height // 2)
        picture.resize(size).save(out, picture.format)
    return out.getvalue()


# Kinds that the call's ``refuse`` or the service implements.
state = Kind(STATUS)
result = Kind(POLL, of_result=True)
# The file behind the link is another one, of which a range may be requested.
content = Kind(VIDEO)

KINDS: dict[str, Kind] = {
    # Faults of the connection.
    "drop_before": Kind(fields={"ending": "reset"}, accepted=False),
    "drop": Kind(fields={"ending": "reset"}),
    "drop_after": Kind(fields={"ending": "reset"}),
    "slow": Kind(),
    "late": Kind(ORDERS),
    "slow_body": Kind(),
    "truncated": Kind(fields={"ending": "cut"}),
    "unended": Kind(fields={"ending": "unended"}),
    "endless": Kind(fields={"ending": "endless"}),
    # Responses of intermediaries.
    "html_502": instead(502, HTML, "text/html"),
    "403": instead(403, b"forbidden"),
    "404": instead(404, b"not found"),
    "503": instead(503, b"unavailable"),
    "504": instead(504, b"timed out"),
    # Malformed bodies.
    "not_json": Kind(fields={"body": b"upstream said: maybe", "zeros": 0}),
    "wrong_content_type": Kind(fields={"content_type": "text/plain"}),
    "zero_bytes": Kind(fields={"body": b"", "zeros": 0}),
    "escaped": Kind(
        RESULT, body=lambda data: data.replace(b"&", b"\\u0026"), of_result=True
    ),
    # Task states.
    "unknown_status": state,
    "done_but_empty": state,
    "expired": state,
    "not_found": state,
    # Faults in the result of a finished task.
    "several": replace(result, actions=RESULT),
    "base64": result,
    "expired_link": replace(result, actions=RESULT | STATUS),
    "wrong_echo": replace(result, actions=frozenset({"get"})),
    "resp_data": result,
    "partial": Kind(frozenset({"ark"})),
    # Faults in the picture, downloaded or contained in the response.
    "not_an_image": Kind(IMAGE, {"body": HTML}),
    "truncated_image": Kind(IMAGE, body=lambda data: data[: len(data) // 2]),
    "1x1": Kind(IMAGE, {"body": PIXEL, "content_type": "image/png"}),
    "wrong_size": Kind(IMAGE, body=halved),
    # Faults in the download of a video.
    "stalled": Kind(FILES, {"ending": "stalled"}),
    "no_range": content,
    "no_etag": content,
    "changed": content,
    "huge": content,
    "truncated_video": content,
    "not_a_video": content,
    "audio_only": content,
    "silent": content,
    "bomb": content,
    "wrong_resolution": content,
    "wrong_length": content,
}


FAULT_MARKS = re.compile(
    r"\[\[\s*(?:(poll|image|video)\s+)?([\w.]+?)(?:\s+(\d+(?:\.\d+)?))?\s*\]\]",
    re.ASCII,
)
# Kinds whose number in a prompt is in seconds, not a repeat count.
TIMED = frozenset({"slow", "late", "slow_body"})


@dataclass(frozen=True)
class Fault:
    """
    Attributes:
        kind: A code as text, or a name in `KINDS`.
        seconds: The delay of the response; for ``slow_body``, the time over which it
            is sent.
        accepted: Whether a submission is performed anyway.
    """

    action: str
    kind: str
    seconds: float = 0.0
    accepted: bool = False

    @property
    def ends(self) -> bool:
        """Whether it ends the task, instead of failing a single call."""
        codes = ark_responses.ENDING if self.action in ARK_ACTIONS else ENDING
        return self.kind in codes and self.action not in ("list", "delete")

    def apply(self, call: Call | ArkCall, answer: Answer) -> Answer:
        """Inject the fault into a successful response."""
        known = KINDS.get(self.kind)
        if known is None or self.kind in STATES:
            faulty = call.refuse(self.kind)
        else:
            faulty = known.apply(answer)
        if self.kind == "slow_body":
            return replace(faulty, spread=self.seconds or 3.0)
        return replace(faulty, delay=faulty.delay + self.seconds)


def is_kind(action: str, kind: str) -> bool:
    """Whether *kind* can be injected into a call of *action*."""
    if kind in KINDS:
        return action in KINDS[kind].actions
    if action in ARK_ACTIONS:
        return kind in ark_responses.ERRORS
    known = kind.isdigit() and int(kind) in BUSINESS.keys() | GATEWAY.keys()
    return known and action not in FILES


def from_json(entry: object) -> list[Fault]:
    """
    Parse an entry of ``POST /_simulator/faults`` into ``times`` equal faults.

    Raises:
        ValueError: a field is unknown or invalid.
    """
    if not isinstance(entry, Mapping):
        raise ValueError("a fault is an object")
    unknown = set(entry) - {"action", "kind", "times", "seconds", "accepted"}
    action, kind = entry.get("action"), str(entry.get("kind"))
    times, seconds = entry.get("times", 1), entry.get("seconds", 0)
    accepted = entry.get("accepted", kind in KINDS and KINDS[kind].accepted)
    if unknown or action not in ACTIONS:
        raise ValueError(f"action is one of {ACTIONS}; unknown: {sorted(unknown)}")
    if not is_kind(action, kind):
        known = [name for name in KINDS if is_kind(action, name)]
        raise ValueError(f"no kind {kind!r} of {action}; codes and {', '.join(known)}")
    if not (is_int(times) and 0 < times <= 100_000 and isinstance(accepted, bool)):
        raise ValueError("times is a positive integer, accepted a boolean")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 3600:
        raise ValueError("seconds is a number from 0 to 3600")
    return [Fault(action, kind, float(seconds), accepted)] * times


class Faults:
    """Pending faults, and how often each directive of a prompt was applied."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._uses: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, faults: list[Fault]) -> None:
        with self._lock:
            self._waiting += faults

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._uses.clear()

    def take(self, action: str, *, done: bool = True) -> Fault | None:
        """
        Remove and return the first pending fault for *action*.

        Args:
            done: Whether there is a result; if not, faults in results stay pending.
        """
        with self._lock:
            for i, fault in enumerate(self._waiting):
                if fault.action == action and (done or not is_of_result(fault.kind)):
                    return self._waiting.pop(i)
        return None

    def in_prompt(
        self, action: str, prompt: str, subject: str, *, done: bool = True
    ) -> Fault | None:
        """
        The fault that *prompt* requests, unless its repeat count is used up.

        Args:
            subject: The key of the repeat count: a task's id, or the prompt itself.
            done: As in `take`.
        """
        for prefix, kind, number in FAULT_MARKS.findall(prompt):
            # [[slow 20]] without a prefix applies to the task; see `seconds_in_prompt`.
            if action not in ABOUT[prefix] or (not prefix and kind == "slow"):
                continue
            if not is_kind(action, kind) or (is_of_result(kind) and not done):
                continue
            timed = kind in TIMED
            if number and not timed and not self._again(prefix, kind, subject, number):
                continue
            seconds = float(number) if number and timed else 0.0
            accepted = kind in KINDS and KINDS[kind].accepted
            return Fault(action, kind, seconds, accepted)
        return None

    def _again(self, prefix: str, kind: str, subject: str, times: str) -> bool:
        with self._lock:
            self._uses[f"{prefix} {kind}", subject] += 1
            return self._uses[f"{prefix} {kind}", subject] <= float(times)


def is_of_result(kind: str) -> bool:
    return kind in KINDS and KINDS[kind].of_result


def seconds_in_prompt(prompt: str) -> float | None:
    """The task's duration by ``[[slow 20]]``, in seconds; None if not set."""
    for prefix, kind, number in FAULT_MARKS.findall(prompt):
        if not prefix and kind == "slow" and number:
            return float(number)
    return None


def ending_in_prompt(prompt: str, codes: Container[str] = ENDING) -> str:
    """
    The task's outcome: ``done``, or the code of a ``[[poll 50511]]``.

    Args:
        codes: Those that end a task.
    """
    for prefix, kind, _ in FAULT_MARKS.findall(prompt):
        if prefix == "poll" and kind in codes:
            return kind
    return "done"
