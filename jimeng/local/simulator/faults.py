"""Fault injection: requested over HTTP, or by words in a prompt."""

import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from jimeng.local.simulator import ark_responses
from jimeng.local.simulator.ark_responses import ArkCall
from jimeng.local.simulator.visual_models import is_int
from jimeng.local.simulator.visual_responses import (
    BUSINESS,
    ENDING,
    GATEWAY,
    STATES,
    Answer,
    Call,
)

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


WORDS = re.compile(
    r"\[\[\s*(?:(poll|image)\s+)?([\w.]+?)(?:\s+(\d+(?:\.\d+)?))?\s*\]\]",
    re.ASCII,
)
# Kinds whose number in a prompt is seconds and not times.
TIMED = frozenset({"slow", "late", "slow_body"})


@dataclass(frozen=True)
class Fault:
    """
    Attributes:
        kind: A code as text, or a name in `kinds.KINDS`.
        seconds: By which the answer is late, or for ``slow_body`` over which it
            is sent.
        accepted: Whether a submission is carried out all the same.
    """

    action: str
    kind: str
    seconds: float = 0.0
    accepted: bool = False

    @property
    def ends(self) -> bool:
        """Whether it is what a task comes to, and not what becomes of one call."""
        return self.kind in (ark_responses.ENDING if self.action == "ark" else ENDING)

    def spoil(self, call: Call | ArkCall, answer: Answer) -> Answer:
        """Make of a good *answer* what the fault wants sent."""
        known = KINDS.get(self.kind)
        if known is None or self.kind in STATES:
            spoiled = call.refuse(self.kind)
        else:
            spoiled = known.spoil(answer)
        if self.kind == "slow_body":
            return replace(spoiled, spread=self.seconds or 3.0)
        return replace(spoiled, delay=spoiled.delay + self.seconds)


def is_kind(action: str, kind: str) -> bool:
    """Whether *kind* can befall a call of *action*."""
    if kind in KINDS:
        return action in KINDS[kind].actions
    if action == "ark":
        return kind in ark_responses.ERRORS
    known = kind.isdigit() and int(kind) in BUSINESS.keys() | GATEWAY.keys()
    return known and action != "image"


def from_json(entry: object) -> list[Fault]:
    """
    Read one entry of ``POST /_simulator/faults``, repeated as often as it says.

    Raises:
        ValueError: a field is unknown or wrong.
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
    """Those asked for and not yet used up, and how often words had their way."""

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
        Use up the first one waiting for *action*.

        Args:
            done: Whether there is a result; else those that spoil one go on waiting.
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
        The fault that *prompt* asks for, unless its number of times is used up.

        Args:
            subject: Whose times are counted: a task, or the prompt itself.
            done: As for `take`.
        """
        for prefix, kind, number in WORDS.findall(prompt):
            # Words without a prefix are about the call that orders a picture.
            about = {prefix} if prefix else ORDERS
            # [[slow 20]] alone is about the task: see `seconds_in_prompt`.
            if action not in about or (not prefix and kind == "slow"):
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
    """The duration of the task that ``[[slow 20]]`` asks for."""
    for prefix, kind, number in WORDS.findall(prompt):
        if not prefix and kind == "slow" and number:
            return float(number)
    return None


def ending_in_prompt(prompt: str) -> str:
    """``done``, or the code with which ``[[poll 50511]]`` ends a task."""
    for prefix, kind, _ in WORDS.findall(prompt):
        if prefix == "poll" and kind in ENDING:
            return kind
    return "done"
