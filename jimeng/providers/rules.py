"""
Rules: what an answer of a provider, or the lack of one, means for a task.

Each provider's own table stands beside it. Where a service advises to submit again
after an internal error, none of these does: there is no key by which it would
recognise the second submission, so it could be charged twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from jimeng.errors import ProviderError


@dataclass(frozen=True, kw_only=True)
class Rule:
    """
    Attributes:
        code: Ours; it has words in ``i18n``.
        submit: What to do with a submission that was answered so: send it
            ``again``, send it again once with a ``new_seed``, ``never``, or
            ``unknown``: it may have been accepted, so never, and say so.
        poll: Whether the answer to a poll is ``final``, or the poll is to be made
            ``again``, as it says nothing about the picture.
        charged: Whether the picture was paid for: ``no``, ``unknown`` or ``yes``.
        retryable: Whether a user who tries the same again may succeed.
    """

    code: str
    submit: Literal["again", "new_seed", "never", "unknown"] = "never"
    poll: Literal["again", "final"] = "final"
    charged: Literal["no", "unknown", "yes"] = "no"
    retryable: bool = False

    def error(
        self,
        message: str,
        *,
        is_submit: bool = True,
        has_seed: bool = True,
        provider_code: str | None = None,
        request_id: str | None = None,
    ) -> ProviderError:
        """
        What is raised where an answer means this.

        Args:
            is_submit: Whether it answers a submission, or a poll.
            has_seed: A model without seeds would be asked for the very same once more.
        """
        transient = (self.submit if is_submit else self.poll) == "again"
        return ProviderError(
            message,
            code=self.code,
            transient=transient,
            maybe_accepted=is_submit and self.submit == "unknown",
            new_seed=has_seed and self.submit == "new_seed",
            # A poll that is to be made again says nothing about the picture.
            charged="unknown" if transient and not is_submit else self.charged,
            provider_code=provider_code,
            request_id=request_id,
        )


# No answer says these: a service that is not in the tables has only its own words, a
# model is no longer offered here, the time is over, or the bytes cannot be had.
WITHOUT_CODE: list[Rule] = []


def own(code: str, **how: Any) -> Rule:
    """One of `WITHOUT_CODE`."""
    WITHOUT_CODE.append(Rule(code=code, **how))
    return WITHOUT_CODE[-1]


MAYBE: dict[str, Any] = {"charged": "unknown", "retryable": True}
UNREACHABLE = own("provider_unreachable", submit="again", poll="again", retryable=True)
SUBMIT_UNKNOWN = own("submit_unknown", submit="unknown", poll="again", **MAYBE)
RESULT_LOST = own("result_lost", **MAYBE)
RESULT_EMPTY = own("result_empty", **MAYBE)
REFUSED = own("provider_refused")
FAILED = own("provider_failed", retryable=True)
NOT_CONFIGURED = own("provider_not_configured", retryable=True)
TIMED_OUT = own("timed_out", **MAYBE)
ACCOUNT_REMOVED = own("account_removed", **MAYBE)
PICTURE_LOST = own("picture_lost", charged="yes", retryable=True)
INPUT_UNREACHABLE = own("input_unreachable", retryable=True)
INPUT_INVALID = own("input_invalid")
UNREADABLE = own("not_understood", **MAYBE)
RESTORED = own("restored", **MAYBE)
PICTURE_CANCELLED = own("picture_cancelled", retryable=True)
INPUT_REFUSED = Rule(code="input_refused")
RATE_LIMITED = Rule(code="rate_limited", submit="again", poll="again", retryable=True)
# A 429 with a code that no page lists: polls go on, but a submission is sent again
# only after codes that are known to mean "not accepted".
BUSY = Rule(code="rate_limited", poll="again", retryable=True)
INTERNAL = Rule(code="provider_internal", submit="unknown", poll="again", **MAYBE)


@dataclass(frozen=True)
class Judgement:
    """
    What one answer comes to, for the table of errors.

    Attributes:
        call: ``submit`` or ``poll``; empty where no answer is the reason.
        said: The service's code, as the table shows it.
    """

    call: Literal["submit", "poll", ""]
    said: str
    rule: Rule


PLAIN = 400  # the HTTP status of most refusals; the code says which
UNLISTED = "unlisted"
OTHERS, OTHER_LIMITS = "其他 / others", "其他 429 / other 429s"


def by_code(rows: Iterable[tuple[str, Rule]]) -> Mapping[str, Rule]:
    """Code -> rule, of rows that each name several codes, with spaces between."""
    return MappingProxyType(
        {code: rule for codes, rule in rows for code in codes.split()}
    )
