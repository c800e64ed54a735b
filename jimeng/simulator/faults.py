"""Misbehaviour on demand: asked for over HTTP, or by words in a prompt."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from jimeng.simulator.answers import BUSINESS, GATEWAY, Answer, Call
from jimeng.simulator.req_keys import is_int

HTML = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415478da63606060000000040001f61738550000000049454e44ae426082"
)
WORDS = re.compile(r"\[\[\s*(?:(poll|image)\s+)?(\w+)(?:\s+(\d+(?:\.\d+)?))?\s*\]\]")
ACTIONS = ("submit", "poll", "image")

Spoil = Callable[[Call, Answer], Answer]


def status(name: str) -> Spoil:
    return lambda call, answer: call.progress(name)


# What becomes of an answer. Of submissions, those in ACCEPTED are carried out
# first unless the fault says otherwise, the others are not.
KINDS: dict[str, Spoil] = {
    "html_502": lambda call, answer: Answer(502, HTML, "text/html", code=502),
    "drop_before": lambda call, answer: replace(answer, ending="reset"),
    "drop_after": lambda call, answer: replace(answer, ending="reset"),
    "drop": lambda call, answer: replace(answer, ending="reset"),
    "slow": lambda call, answer: answer,
    "late": lambda call, answer: answer,
    "truncated": lambda call, answer: replace(answer, ending="cut"),
    "not_json": lambda call, answer: replace(answer, body=b"upstream said: maybe"),
    "wrong_content_type": lambda call, answer: replace(
        answer, content_type="text/plain"
    ),
    "unknown_status": status("processing"),
    "done_but_empty": status("done"),
    "expired": status("expired"),
    "not_found": status("not_found"),
    "404": lambda call, answer: Answer(404, b"not found", "text/plain", code=404),
    "403": lambda call, answer: Answer(403, b"forbidden", "text/plain", code=403),
    "zero_bytes": lambda call, answer: replace(answer, body=b""),
    "not_an_image": lambda call, answer: replace(answer, body=HTML),
    "truncated_image": lambda call, answer: replace(
        answer, body=answer.body[: len(answer.body) // 2]
    ),
    "1x1": lambda call, answer: replace(answer, body=PIXEL, content_type="image/png"),
}
ACCEPTED = frozenset(
    {
        "drop_after",
        "drop",
        "slow",
        "late",
        "truncated",
        "not_json",
        "wrong_content_type",
    }
)


@dataclass(frozen=True)
class Fault:
    """
    Attributes:
        kind: A business or gateway code as text, or a name in `KINDS`.
        seconds: By which the answer is late.
        accepted: Whether a submission is carried out all the same.
    """

    action: str
    kind: str
    seconds: float = 0.0
    accepted: bool = False

    @property
    def code(self) -> int:
        """The code that it answers with; 0 for all else."""
        return int(self.kind) if is_code(self.kind) else 0

    def spoil(self, call: Call, answer: Answer) -> Answer:
        """Make of a good *answer* what the fault wants sent."""
        code = self.code
        spoiled = call.refuse(code) if code else KINDS[self.kind](call, answer)
        return replace(spoiled, delay=self.seconds)


def is_code(kind: str) -> bool:
    return kind.isdigit() and int(kind) in BUSINESS.keys() | GATEWAY.keys()


def from_json(entry: object) -> list[Fault]:
    """
    Read one entry of ``POST /_simulator/faults``, repeated as often as it says.

    Raises:
        ValueError: a field is unknown or wrong.
    """
    if not isinstance(entry, Mapping):
        raise ValueError("a fault is an object")
    unknown = set(entry) - {"action", "kind", "times", "seconds", "accepted"}
    kind, times = str(entry.get("kind")), entry.get("times", 1)
    seconds = entry.get("seconds", 0)
    accepted = entry.get("accepted", kind in ACCEPTED)
    if unknown or entry.get("action") not in ACTIONS:
        raise ValueError(f"action is one of {ACTIONS}; unknown: {sorted(unknown)}")
    if kind not in KINDS and not is_code(kind):
        raise ValueError(f"no kind {kind!r}; codes and {', '.join(KINDS)}")
    if not (is_int(times) and 0 < times <= 100_000 and isinstance(accepted, bool)):
        raise ValueError("times is a positive integer, accepted a boolean")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 3600:
        raise ValueError("seconds is a number from 0 to 3600")
    return [Fault(entry["action"], kind, float(seconds), accepted)] * times


class Faults:
    """Those asked for and not yet used up, and how often words had their way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._uses: Counter[tuple[str, str]] = Counter()

    def add(self, faults: list[Fault]) -> None:
        with self._lock:
            self._waiting += faults

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._uses.clear()

    def take(self, action: str) -> Fault | None:
        """Use up the first one waiting for *action*."""
        with self._lock:
            for i, fault in enumerate(self._waiting):
                if fault.action == action:
                    return self._waiting.pop(i)
        return None

    def in_prompt(self, action: str, prompt: str, subject: str) -> Fault | None:
        """
        The fault that *prompt* asks for, unless its number of times is used up.

        Args:
            subject: Whose times are counted: a task, or the prompt itself.
        """
        for where, kind, number in WORDS.findall(prompt):
            known = kind in KINDS or is_code(kind)
            # [[slow 20]] alone is about the task: see `seconds_in_prompt`.
            if (
                (where or "submit") != action
                or not known
                or (not where and kind == "slow")
            ):
                continue
            late = kind in {"slow", "late"}
            if (
                number
                and not late
                and not self._again(f"{where} {kind}", subject, number)
            ):
                continue
            seconds = float(number) if number and late else 0.0
            return Fault(action, kind, seconds, kind in ACCEPTED)
        return None

    def _again(self, word: str, subject: str, times: str) -> bool:
        with self._lock:
            self._uses[word, subject] += 1
            return self._uses[word, subject] <= float(times)


def seconds_in_prompt(prompt: str) -> float | None:
    """The duration of the task that ``[[slow 20]]`` asks for."""
    for where, kind, number in WORDS.findall(prompt):
        if not where and kind == "slow" and number:
            return float(number)
    return None


def ending_in_prompt(prompt: str, codes: frozenset[int]) -> str:
    """``done``, or the one of *codes* with which ``[[poll 50511]]`` ends a task."""
    for where, kind, _ in WORDS.findall(prompt):
        if where == "poll" and kind.isdigit() and int(kind) in codes:
            return kind
    return "done"
