"""The result of a check, and the advice."""

from dataclasses import dataclass
from enum import StrEnum

# Advice -> the section of `docs/operations.md`, where that is not the code of a reason
# of `/health/ready`, or what a provider says of the account.
SECTIONS = {
    **dict.fromkeys(
        [f"doctor.mongodb_{why}" for why in ("auth", "dns", "refused", "replica_set")],
        "mongodb",
    ),
    **dict.fromkeys(["doctor.provider_away", "doctor.provider_fails"], "provider_away"),
    **dict.fromkeys(
        ["doctor.budget_spent", "doctor.budget_nearly_spent"], "budget_spent"
    ),
    **dict.fromkeys(
        ["doctor.disk_of_mongodb", "doctor.paused_by_disk", "doctor.videos_space"],
        "disk",
    ),
    "error.price_unknown": "price_unknown",
    **dict.fromkeys(["doctor.clock", "error.clock_wrong"], "clock"),
    "doctor.backup_old": "backup_old",
    "doctor.limit_lowered": "limit_lowered",
    "doctor.paused": "paused",
    "doctor.provider_silent": "provider_refuses",
    "doctor.storage": "storage",
    "doctor.watcher_stuck": "watcher_stuck",
    "doctor.webhooks_fail": "webhooks_fail",
    "error.no_provider": "no_provider",
}


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

    @property
    def section(self) -> str:
        """The section of `docs/operations.md` with what to do; empty for none."""
        kind, _, code = self.advice.partition(".")
        otherwise = {"ready": code, "error": "provider_refuses"}.get(kind, "")
        return SECTIONS.get(self.advice, otherwise)


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
