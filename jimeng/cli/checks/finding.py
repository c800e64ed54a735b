"""What was found about one thing, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """
    Attributes:
        check: What was looked at, as `docs/operations.md` calls it.
        found: The facts: versions, figures, names.
        advice: The key in ``i18n`` of a sentence on what to do; empty where nothing is.
        values: What that sentence has to be told.
    """

    check: str
    status: Verdict
    found: str = ""
    advice: str = ""
    values: tuple[tuple[str, str], ...] = ()


def graded(check: str, found: str, *faults: tuple[bool, Verdict, str]) -> Finding:
    """
    Args:
        faults: Whether there is one, how grave it is, and the advice; the first that
            there is counts.
    """
    for is_there, status, advice in faults:
        if is_there:
            return Finding(check, status, found, advice)
    return Finding(check, Verdict.OK, found)
