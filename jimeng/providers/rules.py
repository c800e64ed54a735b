"""
Rules: what a response of a provider, or its absence, means for a task.

Each provider has its own table of codes. Some services advise to submit again after an
internal error; no rule here does: without an idempotency key the service could not
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
        code: Our error code; its message is in ``i18n``.
        submit: What to do after this response to a submission: send it ``again``,
            once more with a ``new_seed``, ``never``, or ``unknown``: it may have been
            accepted, so it is never sent again and is reported as such.
        poll: Whether this response to a poll is ``final``, or says nothing about the
            picture, which is then polled ``again``.
        charged: Whether the picture was paid for: ``no``, ``unknown`` or ``yes``.
        retryable: Whether the same request may succeed if the user retries it.
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
        Build the exception for a response with this rule.

        Args:
            is_submit: Whether it is the response to a submission; otherwise to a poll.
            has_seed: Whether the model has a seed; otherwise a new one changes nothing.
        """
        transient = (self.submit if is_submit else self.poll) == "again"
        return ProviderError(
            message,
            code=self.code,
            transient=transient,
            maybe_accepted=is_submit and self.submit == "unknown",
            new_seed=has_seed and self.submit == "new_seed",
            # A poll that will be repeated says nothing about the picture.
            charged="unknown" if transient and not is_submit else self.charged,
            provider_code=provider_code,
            request_id=request_id,
        )


# Rules without a code of the service: the code is in no table, the model is no longer
# offered here, the deadline has passed, or the bytes cannot be fetched.
WITHOUT_CODE: list[Rule] = []


def own(code: str, **how: Any) -> Rule:
    """Add a rule to `WITHOUT_CODE` and return it."""
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
BUDGET_EXCEEDED = own("budget_exceeded", retryable=True)
UNREADABLE = own("not_understood", **MAYBE)
RESTORED = own("restored", **MAYBE)
PICTURE_CANCELLED = own("picture_cancelled", retryable=True)
EXPIRED_AT_PROVIDER = own("expired_at_provider", retryable=True)
CANCELLED_AT_PROVIDER = own("cancelled_at_provider", retryable=True)
INPUT_REFUSED = Rule(code="input_refused")
RATE_LIMITED = Rule(code="rate_limited", submit="again", poll="again", retryable=True)
# A 429 with an undocumented code: polling continues, but a submission is sent again
# only after codes that are known to mean "not accepted".
BUSY = Rule(code="rate_limited", poll="again", retryable=True)
INTERNAL = Rule(code="provider_internal", submit="unknown", poll="again", **MAYBE)


@dataclass(frozen=True)
class Judgement:
    """
    The rule for one response, as a row of the table of errors.

    Attributes:
        call: ``submit`` or ``poll``; empty for rules without a response.
        said: The service's code, as displayed in the table.
    """

    call: Literal["submit", "poll", ""]
    said: str
    rule: Rule


PLAIN = 400  # the HTTP status of most refusals, which differ by code
UNLISTED = "unlisted"
OTHERS, OTHER_LIMITS = "其他 / others", "其他 429 / other 429s"


def by_code(rows: Iterable[tuple[str, Rule]]) -> Mapping[str, Rule]:
    """Return code -> rule, from rows of several codes separated by spaces."""
    return MappingProxyType(
        {code: rule for codes, rule in rows for code in codes.split()}
    )
