"""
Expansion: a text with templates becomes prompts.

One prompt per line; blank lines are ignored. ``{a|b|c}`` stands for each of its
alternatives: a line with several groups becomes every combination, and groups may be
nested. An alternative may be empty, as in ``a {|red} house``. ``\\{``, ``\\}``, ``\\|``
and ``\\\\`` are the characters themselves; before any other character a backslash is
literal. The full-width characters ``｛｜｝`` mean the same.

Duplicate prompts are generated once. Combinations are counted before any is built, so
that an excessive template costs nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from jimeng.errors import Invalid

FIELD = "template"
MAX_PROMPTS = 500
MAX_WITH_DUPLICATES = 4 * MAX_PROMPTS
MAX_TEXT_CHARS = 200_000
MAX_DEPTH = 8  # nested groups
MAX_REPORTED = 10  # lines with errors
OPEN, BAR, CLOSE = "{", "|", "}"
MARKS = {**dict.fromkeys("{｛", OPEN), **dict.fromkeys("|｜", BAR)}
MARKS |= dict.fromkeys("}｝", CLOSE)
TOKEN = re.compile(
    r"\\[{}|\\｛｝｜]|[{}|｛｝｜]|(?:[^{}|｛｝｜\\]|\\(?![{}|\\｛｝｜]))+"
)
SPECIAL = re.compile(r"[{}|\\｛｝｜]")


@dataclass(frozen=True)
class Group:
    """Alternatives, each a sequence of texts and groups."""

    choices: tuple[tuple["str | Group", ...], ...]

    @property
    def count(self) -> int:
        return sum(map(count_of, self.choices))


@dataclass(frozen=True)
class Expanded:
    """
    Attributes:
        prompts: Without duplicates, in order.
        lines: The line number of each prompt, from 1; for literal prompts their
            number as a negative value: -1 is the first.
        repeated: The number of duplicates.
    """

    prompts: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    repeated: int = 0


class TemplateInvalid(Exception):
    """
    A line is not a valid template.

    Attributes:
        key: The message key of the reason.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def expand(text: str, prompts: Sequence[str] = ()) -> Expanded:
    """
    Expand a text into prompts.

    Args:
        prompts: Literal prompts, which precede the expanded ones.

    Raises:
        Invalid: the text is too long, a line is no valid template or has an empty
            combination, or there are too many prompts. The messages name the lines.
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
        except TemplateInvalid as error:
            wrong.append((error.key, {"line": number}))
    raise_if_any(wrong)
    total = sum(count_of(parts) for _, parts in parsed)
    if total > MAX_WITH_DUPLICATES:
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
    raise_if_any(wrong)
    if len(found) > MAX_PROMPTS:
        raise too_many(len(found))
    repeated = len(prompts) + total - len(found)
    return Expanded(tuple(found), tuple(found.values()), repeated)


def escape(text: str) -> str:
    """Escape a text, so that it expands to itself."""
    return SPECIAL.sub(r"\\\g<0>", text)


def has_choices(line: str) -> bool:
    """Whether a line has a group, even if the rest of it is no valid template."""
    bars: list[int] = []  # in each open group
    for token in TOKEN.findall(line):
        mark = MARKS.get(token)
        if mark == OPEN:
            bars.append(0)
        elif mark == BAR and bars:
            bars[-1] += 1
        elif mark == CLOSE and bars and bars.pop():
            return True
    return False


def labels_of(text: str, total: int) -> tuple[list[str], list[str]] | None:
    """
    The words in which the prompts of a template differ, as labels of a grid: those of
    its rows, the combinations of all groups but the last, and those of its columns,
    the last group's alternatives. One group makes one row, without a label.

    Args:
        total: The number of prompts that it expanded to.

    Returns:
        None unless it is one line with groups, and without duplicates.
    """
    lines = [line for line in lines_of(text) if line.strip()]
    if len(lines) != 1 or not has_choices(lines[0]):
        return None
    groups = [part for part in parse(lines[0]) if isinstance(part, Group)]
    *others, columns = ([" ".join(c.split()) for c in choices_of(g)] for g in groups)
    rows = [" · ".join(filter(None, chosen)) for chosen in product(*others)]
    return (rows, columns) if len(rows) * len(columns) == total else None


def lines_of(text: str) -> list[str]:
    """Split into lines, with any line ends, without a byte order mark."""
    return (
        text.removeprefix("\ufeff")
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .split("\n")
    )


def raise_if_any(wrong: list[tuple[str, dict]]) -> None:
    if wrong:
        more = [("invalid.template_more", {"n": len(wrong) - MAX_REPORTED})]
        raise Invalid(
            {FIELD: wrong[:MAX_REPORTED] + more * (len(wrong) > MAX_REPORTED)}
        )


def too_many(n: int) -> Invalid:
    # A number of a thousand digits would only fill the message.
    shown = f"{n:,}" if n < 10**12 else "10¹²+"
    return Invalid.field(FIELD, "invalid.template_many", n=shown, max=MAX_PROMPTS)


def parse(line: str) -> tuple[str | Group, ...]:
    """
    Raises:
        TemplateInvalid: a group is not closed or not opened, has a single
            alternative, or is nested too deep.
    """
    # For each open group: its alternatives so far, the last of which grows.
    stack: list[list[list[str | Group]]] = [[[]]]
    for token in TOKEN.findall(line):
        mark = MARKS.get(token)
        here = stack[-1]
        if mark == OPEN:
            if len(stack) > MAX_DEPTH:
                raise TemplateInvalid("invalid.template_deep")
            stack.append([[]])
        elif mark == BAR and len(stack) > 1:
            here.append([])
        elif mark == CLOSE:
            if len(stack) == 1:
                raise TemplateInvalid("invalid.template_closed")
            if len(here) == 1:
                raise TemplateInvalid("invalid.template_single")
            stack.pop()
            stack[-1][-1].append(Group(tuple(map(tuple, here))))
        else:
            is_escaped = token[0] == "\\" and SPECIAL.fullmatch(token[1:])
            here[-1].append(token[1:] if is_escaped else token)
    if len(stack) > 1:
        raise TemplateInvalid("invalid.template_open")
    return tuple(stack[0][0])


def count_of(parts: Sequence[str | Group]) -> int:
    """Count the combinations without building them."""
    return prod(part.count for part in parts if isinstance(part, Group))


def combinations(parts: Sequence[str | Group]) -> Iterator[str]:
    """All combinations, the last group varying fastest, with spaces collapsed."""
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
