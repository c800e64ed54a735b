"""
Expansion: the text that somebody writes becomes prompts.

One prompt a line; lines without words are passed over. ``{a|b|c}`` stands for each of
its words in turn: a line with several such groups becomes every combination, and a
group may hold others. A word may be empty, as in ``a {|red} house``. ``\\{``,
``\\}``, ``\\|`` and ``\\\\`` are these characters themselves, and before any other a
backslash is one. The wide characters of Chinese keyboards, ``｛｜｝``, mean the same.

Prompts that are the same are drawn once. How many there would be is known before one
is made: what is too much costs nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from jimeng.errors import Invalid

FIELD = "template"
MAX_PROMPTS = 500  # prompts
MAX_RAW = 4 * MAX_PROMPTS  # before those that are the same are left out
MAX_TEXT_CHARS = 200_000  # characters of a text
DEEPEST = 8  # groups in groups
MAX_TOLD = 10  # lines of which it is said what is wrong
OPEN, BAR, CLOSE = "{", "|", "}"
MARKS = {**dict.fromkeys("{｛", OPEN), **dict.fromkeys("|｜", BAR)}
MARKS |= dict.fromkeys("}｝", CLOSE)
TOKEN = re.compile(
    r"\\[{}|\\｛｝｜]|[{}|｛｝｜]|(?:[^{}|｛｝｜\\]|\\(?![{}|\\｛｝｜]))+"
)
SPECIAL = re.compile(r"[{}|\\｛｝｜]")


@dataclass(frozen=True)
class Group:
    """Words of which one is chosen, each a sequence of texts and other groups."""

    choices: tuple[tuple["str | Group", ...], ...]

    @property
    def count(self) -> int:
        return sum(map(count_of, self.choices))


@dataclass(frozen=True)
class Expanded:
    """
    Attributes:
        prompts: Each once, in the order in which they were written.
        lines: Of each prompt the number of its line, from 1; of those that are meant
            as they stand their number, below zero: -1 is the first.
        repeated: How many more there were that were the same as one of these.
    """

    prompts: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    repeated: int = 0


class Unreadable(Exception):
    """
    A line is no template.

    Attributes:
        key: Of the words that say why.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def expand(text: str, prompts: Sequence[str] = ()) -> Expanded:
    """
    Args:
        prompts: Others, that come before it and are meant as they stand.

    Raises:
        Invalid: the text is too long, a line is no template or has a combination
            without words, or there would be too many. The words name the lines.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise Invalid.field(FIELD, "invalid.template_long", max=MAX_TEXT_CHARS)
    parsed: list[tuple[int, tuple[str | Group, ...]]] = []
    wrong: list[tuple[str, dict]] = []
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        try:
            parsed.append((number, parse(line)))
        except Unreadable as error:
            wrong.append((error.key, {"line": number}))
    refuse(wrong)
    total = sum(count_of(parts) for _, parts in parsed)
    if total > MAX_RAW:
        raise too_many(total)
    found: dict[str, int] = {}
    for number, prompt in enumerate(prompts, 1):
        found.setdefault(prompt, -number)
    for number, parts in parsed:
        for prompt in combinations(parts):
            if not prompt:
                wrong.append(("invalid.template_empty", {"line": number}))
                break
            found.setdefault(prompt, number)
    refuse(wrong)
    if len(found) > MAX_PROMPTS:
        raise too_many(len(found))
    repeated = len(prompts) + total - len(found)
    return Expanded(tuple(found), tuple(found.values()), repeated)


def escape(text: str) -> str:
    """The template that stands for this text and nothing else."""
    return SPECIAL.sub(r"\\\g<0>", text)


def has_choices(line: str) -> bool:
    """Whether it is a template from which more than one prompt is made."""
    try:
        return any(isinstance(part, Group) for part in parse(line))
    except Unreadable:
        return False


def lines_of(text: str) -> list[str]:
    """What a form, a file or JSON calls lines."""
    return (
        text.removeprefix("\ufeff")
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .split("\n")
    )


def refuse(wrong: list[tuple[str, dict]]) -> None:
    if wrong:
        more = [("invalid.template_more", {"n": len(wrong) - MAX_TOLD})]
        raise Invalid({FIELD: wrong[:MAX_TOLD] + more * (len(wrong) > MAX_TOLD)})


def too_many(n: int) -> Invalid:
    # A number of a thousand digits says no more than one of twelve.
    told = f"{n:,}" if n < 10**12 else "10¹²+"
    return Invalid.field(FIELD, "invalid.template_many", n=told, max=MAX_PROMPTS)


def parse(line: str) -> tuple[str | Group, ...]:
    """
    Raises:
        Unreadable: a group is not closed, was not opened, holds nothing to choose
            from, or lies too deep.
    """
    # Of each group that is open: its choices so far, the last of which grows.
    stack: list[list[list[str | Group]]] = [[[]]]
    for token in TOKEN.findall(line):
        mark = MARKS.get(token)
        here = stack[-1]
        if mark == OPEN:
            if len(stack) > DEEPEST:
                raise Unreadable("invalid.template_deep")
            stack.append([[]])
        elif mark == BAR and len(stack) > 1:
            here.append([])
        elif mark == CLOSE:
            if len(stack) == 1:
                raise Unreadable("invalid.template_closed")
            if len(here) == 1:
                raise Unreadable("invalid.template_single")
            stack.pop()
            stack[-1][-1].append(Group(tuple(map(tuple, here))))
        else:
            is_escaped = token[0] == "\\" and SPECIAL.fullmatch(token[1:])
            here[-1].append(token[1:] if is_escaped else token)
    if len(stack) > 1:
        raise Unreadable("invalid.template_open")
    return tuple(stack[0][0])


def count_of(parts: Sequence[str | Group]) -> int:
    """How many combinations there are; none is made."""
    return prod(part.count for part in parts if isinstance(part, Group))


def combinations(parts: Sequence[str | Group]) -> Iterator[str]:
    """Every combination, the last group changing first; without needless spaces."""
    for chosen in texts_of(parts):
        yield re.sub(r"[ \t]{2,}", " ", chosen).strip()


def texts_of(parts: Sequence[str | Group]) -> Iterator[str]:
    each = [
        [part] if isinstance(part, str) else list(choices_of(part)) for part in parts
    ]
    for chosen in product(*each):
        yield "".join(chosen)


def choices_of(group: Group) -> Iterator[str]:
    for choice in group.choices:
        yield from texts_of(choice)
