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
