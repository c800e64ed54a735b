"""
What bad answers become, when submitting and when polling.

Those that the provider's pages show: `tests.samples.test_samples`.
"""

import json

from replies import (
    FOX,
    UNREADABLE,
    assert_error,
    assert_unknown,
    error_of,
    flat,
    gateway,
)

from jimeng.providers.registry import CODES, retryable
from jimeng.providers.visual_rules import RULES, judge_poll, judge_submit
from jimeng.tasks import failure_hints
from tests.each import for_each


@for_each(
    ("status", "body", "code", "expected"),
    [
        (200, flat(50412), "content_refused_prompt", {}),
        (400, flat(50511), "content_refused_picture", {"new_seed": True}),
        (400, flat(59999), "provider_refused", {"provider_code": "59999"}),
        (429, flat(59999), "rate_limited", {}),
        (401, gateway(None, "InvalidAccessKey"), "credentials_invalid", {}),
    ],
)
def test_refused_submission(submit, status, body, code, expected):
    """Each code becomes one of ours; only the two limits are worth another call."""
    assert_error(lambda: submit(body, status), code, **expected)


@for_each(
    ("status", "body"),
    [
        (500, flat(50500)),
        (500, flat(50501)),
        (400, flat(50500)),
        (500, flat(50429)),
        (503, flat(50412)),
        (500, gateway(100014)),
        (200, gateway(100016)),
        (502, b"<html>Bad Gateway</html>"),
        (403, b"blocked"),
        *((200, each) for each in UNREADABLE),
        (200, b'{"code": 1' + b"0" * 5000 + b"}"),
        (200, json.dumps({"ResponseMetadata": {"RequestId": "R"}}).encode()),
        (200, flat(10000)),
        (200, flat(10000, {"task_id": ""})),
        (200, flat(10000, {"task_id": None})),
        (200, flat(59999)),
    ],
)
def test_submission_that_may_have_been_accepted(submit, status, body):
    """From 500 on, and after what cannot be read, nobody knows: never again."""
    assert_unknown(lambda: submit(body, status))


def test_call_without_an_answer(provider, serve):
    """
    What was lost may have been accepted; what was not sent can be sent again. A poll
    can be made any number of times, whether it has arrived or not.
    """
    server = serve(lambda connection: server.read_request(connection))
    away, there = provider(), provider(server)

    assert_unknown(lambda: there.submit(FOX))
    assert len(server.requests) == 1
    assert_error(lambda: away.submit(FOX), "provider_unreachable", transient=True)
    for service in (away, there):
        assert_error(
            lambda service=service: service.poll("12", FOX),
            "provider_unreachable",
            transient=True,
            charged="unknown",
        )


@for_each(
    ("number", "code", "expected"),
    [
        (50411, "content_refused_input_image", {}),
        (50413, "content_refused_prompt", {}),
        (50512, "content_refused_picture_text", {}),
        (50521, "moderation_unavailable", {}),
        # That no page lists: whether it is free is not known.
        (59999, "provider_refused", {"charged": "unknown", "provider_code": "59999"}),
    ],
)
def test_failed_task_is_not_charged(poll, number, code, expected):
    """The answer to the poll is the end of the task, and it costs nothing."""
    assert_error(lambda: poll(flat(number), 400), code, **expected)


@for_each(
    ("status", "body"),
    [
        (429, flat(50429)),
        (429, flat(50430)),
        (429, flat(59999)),
        (500, flat(50500)),
        (500, flat(50501)),
        (500, flat(59999)),
        (401, flat(50400)),
        (401, gateway(100010)),
        (400, gateway(100006)),
        (403, gateway(100012)),
        (500, gateway(100014)),
        (502, b"<html>Bad Gateway</html>"),
        (200, b""),
    ],
)
def test_failed_poll_says_nothing_about_the_task(poll, status, body):
    """Limits, internal errors and refused keys: ask again, the picture goes on."""
    error = error_of(lambda: poll(body, status))

    assert (error.transient, error.maybe_accepted) == (True, False)


def test_rules_of_submissions():
    """
    From 500 on nobody knows. Only what was refused after drawing is drawn anew.
    """
    for code in (*RULES, "59999", None):
        rule = judge_submit(500, code)
        assert (rule.code, rule.charged) == ("submit_unknown", "unknown"), code
    anew = {code for code, rule in RULES.items() if rule.submit == "new_seed"}

    assert anew == {"50511", "50516", "50517", "50519"}


def test_the_gateway_ends_no_task():
    """
    It stands before the service and knows nothing about pictures; what cannot be read
    says nothing of them either.
    """
    gateways = [code for code in RULES if code.startswith("10") or not code.isdigit()]

    assert len(gateways) > 9
    assert [code for code in gateways if judge_poll(400, code).poll != "again"] == []
    assert judge_poll(200, None).poll == judge_poll(400, None).poll == "again"


def test_what_a_user_may_try_again():
    """
    Limits and accidents pass; a refused prompt stays refused. Pages offer the same
    again only where the API does: else something other helps, or an operator does.
    """
    assert retryable("rate_limited")
    assert retryable("submit_unknown")
    assert not retryable("content_refused_prompt")
    assert not retryable("credentials_invalid")
    assert not retryable("no_such_code")

    again = {code for code in CODES if failure_hints.hint_for([code]) == "retry"}

    assert {code for code in again if not retryable(code)} == set()
