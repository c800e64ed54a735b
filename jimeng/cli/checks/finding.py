"""The result of a check, and the advice."""

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
        check: The name of the check, as in `docs/operations.md`.
        found: The facts: versions, figures, names.
        advice: The message key of the advice; empty if none is needed.
        values: The values of the message.
    """

    check: str
    status: Verdict
    found: str = ""
    advice: str = ""
    values: tuple[tuple[str, str], ...] = ()


def graded(check: str, found: str, *faults: tuple[bool, Verdict, str]) -> Finding:
    """
    Create a finding from the first fault that is present, else an OK.

    Args:
        faults: Whether it is present, its severity, and the advice.
    """
    for is_there, status, advice in faults:
        if is_there:
            return Finding(check, status, found, advice)
    return Finding(check, Verdict.OK, found)
