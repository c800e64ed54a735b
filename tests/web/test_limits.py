"""Limits on the page: the form says in words what is beyond them."""

import pytest

from tests.page import ask
from tests.rest import client_with


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"USER_SUBMISSIONS_PER_MINUTE": 1}, "每分钟最多提交 1 个任务"),
        ({"USER_DAILY_QUOTA": 1}, "今天的 1 张配额还剩 0 张"),
    ],
    ids=["minute", "day"],
)
@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_form_that_is_beyond_a_limit_says_so(
    app, config, registry, changes, words, htmx
):
    """What was written stays in the form, and the answer says when to come back."""
    with client_with(config, registry, **changes) as client:
        ask(client)

        answer = ask(client, htmx=htmx, prompt="红色的灯笼")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert words in answer.text
    assert "红色的灯笼" in answer.text
