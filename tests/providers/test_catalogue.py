"""The table of the provider's codes, held against the promises."""

import pytest

from jimeng.providers.registry import CODES, retryable
from jimeng.providers.visual_rules import RULES, judge_poll, judge_submit
from jimeng.tasks import failure_hints


def test_only_the_two_limits_are_sent_again():
    """No other answer proves that a submission was not accepted."""
    again = {code for code in RULES if judge_submit(429, code).submit == "again"}

    assert again == {"50429", "50430"}


def test_from_500_on_nobody_knows():
    """The HTTP status beats every code."""
    for code in (*RULES, "59999", None):
        rule = judge_submit(500, code)
        assert (rule.code, rule.charged) == ("submit_unknown", "unknown"), code


def test_a_new_seed_is_for_refused_pictures():
    """Only what was refused after drawing is drawn anew."""
    anew = {code for code, rule in RULES.items() if rule.submit == "new_seed"}

    assert anew == {"50511", "50516", "50517", "50519"}


def test_the_gateway_ends_no_task():
    """It stands before the service and knows nothing about pictures."""
    gateways = [code for code in RULES if code.startswith("10") or not code.isdigit()]

    assert len(gateways) > 9
    assert [code for code in gateways if judge_poll(400, code).poll != "again"] == []


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


def test_pages_offer_the_same_again_only_where_the_api_does():
    """Else something other helps, or an operator does."""
    again = {code for code in CODES if failure_hints.hint_for([code]) == "retry"}

    assert {code for code in again if not retryable(code)} == set()


def test_codes_are_all_of_ours():
    """Every rule's code is among those that need words."""
    assert {rule.code for rule in RULES.values()} <= CODES
    assert {"provider_unreachable", "result_lost", "provider_refused"} <= CODES
