"""View models of tasks, and marks by which a page reports what it shows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jimeng import tasks
from jimeng.documents import Image, Task
from jimeng.documents.ids import TASK_ID_PREFIX
from jimeng.documents.principal import Principal
from jimeng.http import auth
from jimeng.i18n import language
from jimeng.tasks import PictureView, TaskView, failure_hints
from jimeng.web.create.form_tokens import new_token
from jimeng.web.tasks.titles import OfTask

# A letter for each state of a picture: marks must fit into a URL.
LETTERS = {
    "preparing": "p",
    "queued": "q",
    "submitting": "u",
    "generating": "g",
    "saving": "s",
    "trouble": "t",
    "done": "d",
    "failed": "f",
    "cancelled": "c",
    "deleted": "x",
}
# A page polls quickly while a picture is due: between these multiples of the time that
# it is expected to take.
DUE_POLL_S, DUE_FROM, DUE_UNTIL = 0.4, 0.7, 1.5
HOLD_REASONS = {
    **{"paused": "-1", "no_worker": "-2", "no_room": "-3"},
    "provider_refuses": "-4",
}
ENDED, WAITING = frozenset("dfcx"), frozenset("pq")
SINGLE = frozenset(("preparing", "queued"))
MARK = re.compile(r"([0-9a-z]{30})\.([pqugstdfcx]{1,8})\.([0-9-]{1,40})", re.ASCII)
SUMMARISE_FROM = 3  # pictures that wait; from then on those of other pages count, too
MAX_MARKS = 200  # more than a request line of 8,190 bytes can hold


@dataclass(frozen=True)
class Mark:
    """A fingerprint of a task as shown: a letter for each picture, and the numbers."""

    task_id: str
    letters: str
    numbers: str

    def __str__(self) -> str:
        # The ids of all tasks have the same prefix, and a mark must be short.
        return (
            f"{self.task_id.removeprefix(TASK_ID_PREFIX)}.{self.letters}.{self.numbers}"
        )


@dataclass(frozen=True)
class Progress:
    """
    What the header says of the tasks of a page.

    Attributes:
        drawing: Pictures that are being generated.
        waiting: Pictures that wait, or more tasks than the page shows.
        more: Whether more may wait.
        seconds: Until those are there that are being generated, else until the first
            one starts; None if unknown.
        hold_reason: Why nothing is sent, if so.
    """

    drawing: int
    waiting: int
    more: bool = False
    seconds: float | None = None
    hold_reason: str | None = None


@dataclass(frozen=True)
class Failure:
    """The numbers, from 1, of the pictures that failed for one reason."""

    code: str
    pictures: list[int]
    request_id: str | None

    @property
    def numbers(self) -> str:
        """The numbers as text, with ranges: ``1–4``, or ``1, 3``."""
        first, last = self.pictures[0], self.pictures[-1]
        if len(self.pictures) > 1 and last - first == len(self.pictures) - 1:
            return f"{first}–{last}"
        return ("、" if language() == "zh" else ", ").join(map(str, self.pictures))


@dataclass(frozen=True)
class Card(OfTask):
    """
    Attributes:
        view: The task.
        is_page: Whether it is shown large, on its own page.
    """

    view: TaskView
    is_page: bool = False

    @property
    def task(self) -> Task:
        return self.view.task

    @property
    def is_open(self) -> bool:
        return self.task.is_open

    @property
    def waits(self) -> bool:
        """Whether it is queued, and none of its pictures has been started."""
        return self.is_open and self.view.phase == "queued"

    @property
    def is_empty(self) -> bool:
        """Whether it has ended without a picture."""
        return not self.is_open and not self.view.images

    @property
    def pictures(self) -> list[PictureView]:
        return self.view.pictures

    @property
    def mark(self) -> Mark:
        letters = "".join(map(letter_of, self.pictures))
        elapsed = sum(seconds_since(picture) for picture in self.pictures)
        held = HOLD_REASONS.get(self.view.hold_reason or "", "")
        numbers = f"{self.view.position or 0}-{self.eta}-{elapsed}{held}"
        return Mark(self.task.id, letters, numbers)

    def elapsed(self, picture: PictureView) -> int:
        """Seconds since it was sent to the provider."""
        return seconds_since(picture)

    @property
    def eta(self) -> int:
        """The estimated remaining seconds, in steps of five."""
        return -(-(self.view.eta_seconds or 0) // 5) * 5

    @property
    def seconds(self) -> int | None:
        """From its creation to its end."""
        if self.task.completed_at is None:
            return None
        return round((self.task.completed_at - self.task.created_at).total_seconds())

    @property
    def failures(self) -> list[Failure]:
        found: dict[str, Failure] = {}
        for picture in self.pictures:
            if picture.error:
                code = picture.error["code"]
                request_id = picture.error["provider_request_id"]
                found.setdefault(code, Failure(code, [], request_id))
                found[code].pictures.append(picture.index + 1)
        return list(found.values())

    @property
    def failure_hint(self) -> str | None:
        """
        The failure hint of a task that ended without a picture: ``retry``, or one of
        `failure_hints`.
        """
        if self.task.status == "cancelled":
            return "retry"
        if self.task.status != "failed":
            return None
        return failure_hints.hint_for(e["code"] for e in self.view.errors)

    @property
    def may_edit(self) -> bool:
        """Whether the hint is to change the form."""
        return self.failure_hint in failure_hints.FORM_HINTS

    @property
    def report(self) -> str:
        """Ids and codes of the failure, to be copied for the operator."""
        said = [f"{f.code} {f.request_id or ''}".strip() for f in self.failures]
        return "\n".join([self.task.id, *said])

    @property
    def may_retry(self) -> bool:
        """Whether the hint is to retry."""
        return self.failure_hint == "retry"

    @property
    def images(self) -> list[Image]:
        return self.view.images

    @property
    def lacking(self) -> int:
        """How many pictures failed while others succeeded, and may succeed on retry."""
        codes = [e["code"] for e in self.view.errors]
        if self.task.status != "completed" or failure_hints.hint_for(codes) != "retry":
            return 0
        return sum(picture.error is not None for picture in self.pictures)

    def may_cancel(self, picture: PictureView) -> bool:
        """
        Whether a picture can be cancelled alone: it waits, and the task has others.
        """
        return self.task.n > 1 and self.is_open and picture.state in SINGLE

    @property
    def seeds(self) -> list[tuple[int, int]]:
        """Number, from 1, and seed of each picture that has one."""
        images = self.view.images
        return [(i.index + 1, i.seed) for i in images if i.seed is not None]

    @property
    def token(self) -> str:
        return new_token()


@dataclass(frozen=True)
class Change:
    """A card that differs from what the page shows."""

    card: Card
    before: Mark

    @property
    def changed(self) -> list[PictureView]:
        """Pictures whose state has changed."""
        pairs = zip(self.card.pictures, self.before.letters, strict=False)
        return [p for p, letter in pairs if letter_of(p) != letter]

    @property
    def counting(self) -> list[PictureView]:
        """
        Unfinished pictures in the same state: only position or seconds have changed.
        """
        changed = self.changed
        live = [p for p in self.card.pictures if LETTERS[p.state] not in ENDED]
        return [p for p in live if p not in changed]

    @property
    def ended(self) -> list[PictureView]:
        """Pictures that have ended since, to be announced once."""
        return [p for p in self.changed if LETTERS[p.state] in ENDED]


def letter_of(picture: PictureView) -> str:
    return LETTERS["trouble" if picture.trouble else picture.state]


def seconds_since(picture: PictureView) -> int:
    if picture.since is None:
        return 0
    return max(int((datetime.now(UTC) - picture.since).total_seconds()), 0)


def cards_of(found: Iterable[Task], *, is_page: bool = False) -> list[Card]:
    views = tasks.view_all(auth.principal_of_page(), found, whole=is_page)
    return [Card(view, is_page) for view in views]


def read_marks(texts: Iterable[str]) -> list[Mark]:
    """Parse marks; malformed ones are ignored."""
    matches = [MARK.fullmatch(text) for text in list(texts)[:MAX_MARKS]]
    return [Mark(TASK_ID_PREFIX + m[1], m[2], m[3]) for m in matches if m]


def find_changes(
    marks: list[Mark], *, is_page: bool = False
) -> tuple[list[Card], list[Change], list[Mark]]:
    """
    Compare the tasks that a page shows as unfinished with their current state.

    Returns:
        The cards of those that still exist, the changes among them, and the marks of
        those that are gone.
    """
    before = {mark.task_id: mark for mark in marks}
    found = {task.id: task for task in tasks.find_all(auth.principal_of_page(), before)}
    gone = [mark for mark in marks if mark.task_id not in found]
    existing = [found[task_id] for task_id in before if task_id in found]
    cards = cards_of(existing, is_page=is_page)
    changes = [Change(card, before[card.task.id]) for card in cards]
    return cards, [each for each in changes if each.card.mark != each.before], gone


def progress_of(
    principal: Principal, cards: list[Card], others: Iterable[Mark] = ()
) -> Progress | None:
    """
    The progress of the unfinished tasks among *cards* and *others*; None if there are
    none.
    """
    live = [card for card in cards if card.is_open]
    letters = "".join(mark.letters for mark in (*(c.mark for c in live), *others))
    drawing = sum(letter not in ENDED | WAITING for letter in letters)
    waiting = sum(letter in WAITING for letter in letters)
    if not drawing + waiting:
        return None
    found = Progress(drawing, waiting, seconds=remaining_s(live))
    if waiting < SUMMARISE_FROM:
        return found
    rest = tasks.waiting_summary(principal)
    return replace(
        found,
        waiting=max(waiting, rest.n),
        more=rest.more,
        seconds=found.seconds or rest.seconds,
        hold_reason=rest.hold_reason,
    )


def remaining_s(cards: Iterable[Card]) -> float | None:
    """Seconds until the pictures that are being generated are expected to be there."""
    rest = [
        picture.expected - seconds_since(picture)
        for card in cards
        for picture in card.pictures
        if picture.expected
    ]
    return max(rest, default=0) if max(rest, default=0) > 0 else None


def poll_interval_s(cards: Iterable[Card]) -> float | None:
    """Seconds until the page's next poll; None if all tasks have ended."""
    live = [card for card in cards if card.is_open]
    if not live:
        return None
    youngest = max(card.task.created_at for card in live)
    age = (datetime.now(UTC) - youngest).total_seconds()
    if any(map(is_due, (picture for card in live for picture in card.pictures))):
        return DUE_POLL_S
    return 1 if age < 60 else 2 if age < 300 else 5


def is_due(picture: PictureView) -> bool:
    """Whether the picture is expected to finish at any moment."""
    if picture.trouble or LETTERS[picture.state] in ENDED or picture.since is None:
        return False
    taken = (datetime.now(UTC) - picture.since).total_seconds()
    expected = picture.expected or 0
    return DUE_FROM * expected <= taken <= DUE_UNTIL * expected + 2
