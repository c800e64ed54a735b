"""The table of the provider's codes, held against the promises."""

import pytest

from jimeng.providers.registry import CODES, retryable
from jimeng.providers.visual_rules import RULES, judge_poll, judge_submit

SENT_AGAIN = {"50429", "50430"}


@pytest.mark.parametrize("code", sorted(RULES))
def test_only_the_two_limits_are_sent_again(code):
    """No other answer proves that a submission was not accepted."""
    rule = judge_submit(429, code)

    assert (rule.submit == "again") == (code in SENT_AGAIN)


@pytest.mark.parametrize("code", [*sorted(RULES), "59999", None])
def test_from_500_on_nobody_knows(code):
    """The HTTP status beats every code."""
    assert judge_submit(500, code).code == "submit_unknown"
    assert judge_submit(500, code).charged == "unknown"


@pytest.mark.parametrize("code", sorted(RULES))
def test_a_new_seed_is_for_refused_pictures(code):
    """Only what was refused after drawing is drawn anew."""
    assert (RULES[code].submit == "new_seed") == (code in {"50511", "50519"})


@pytest.mark.parametrize("code", sorted(RULES))
def test_the_gateway_ends_no_task(code):
    """It stands before the service and knows nothing about pictures."""
    is_gateways = code.startswith("10") or not code.isdigit()

    assert not is_gateways or judge_poll(400, code).poll == "again"


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_without_a_code_ends_no_task(status):
    """What cannot be read says nothing about the picture."""
    assert judge_poll(status, None).poll == "again"


def test_what_a_user_may_try_again():
    """Limits and accidents pass; a refused prompt stays refused."""
    assert retryable("rate_limited")
    assert retryable("submit_unknown")
    assert not retryable("content_refused_prompt")
    assert not retryable("credentials_invalid")
    assert not retryable("no_such_code")


def test_codes_are_all_of_ours():
    """Every rule's code is among those that need words."""
    assert {rule.code for rule in RULES.values()} <= CODES
    assert {"provider_unreachable", "result_lost", "provider_refused"} <= CODES
