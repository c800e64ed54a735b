"""Webhooks that fail, as the operator sees them: who, where, since when, and why."""

from datetime import timedelta

import pytest

from jimeng.cli.checks import server
from jimeng.documents import WebhookDelivery, WebhookEndpoint, utcnow
from tests.admin.pages import ENGLISH, text_of
from tests.rest import create
from tests.webhooks.conftest import later


@pytest.fixture
def failing(client, endpoint, receiver, work_off, deliver) -> dict:
    """An endpoint that has answered two events with 500."""
    made = endpoint(receiver.url)
    for _ in range(2):
        receiver.answer(500, b"no")
        create(client)
    work_off()
    assert deliver() == 2
    return made


def doctor(config) -> tuple[str, str]:
    (finding,) = server.webhook_attempts(config)
    return finding.status.value, finding.found


def printed(app) -> str:
    ended = app.test_cli_runner().invoke(args=["webhooks", "failing"])
    assert ended.exit_code == 0, ended.output
    return ended.output


def queue_page(client) -> str:
    return text_of(client.get("/admin/queue", headers=ENGLISH))


def test_failing_endpoint_is_named(app, client, failing, signing):
    """With its user, host, since when, and the last outcome: by command and page."""
    stored = WebhookEndpoint.find_one({"_id": failing["id"]})
    since = f"{stored.failing_since:%Y-%m-%d %H:%M:%S}Z"

    line = printed(app)

    assert line.startswith(f"{failing['id']}  user_123  127.0.0.1")
    assert f"  since {since}  2 failures in a row  " in line
    assert "500" in line
    page = queue_page(client)
    assert "Failing webhooks" in page
    assert f"{failing['id']} user_123 127.0.0.1" in page and "500" in page
    assert "/hook" not in line + page  # an address may hold a secret
    assert doctor(signing) == ("warning", "2 of 2 attempts failed within 10 minutes")


def test_beginning_and_end_are_logged(failing, client, receiver, deliver, caplog):
    """Once when it begins, not for each attempt; and when it is disabled."""
    told = [each.getMessage() for each in caplog.get_records("setup")]
    begin = [each for each in told if each.startswith("webhook failing")]
    where = f"endpoint={failing['id']} user=user_123 host=127.0.0.1"
    assert len(begin) == 1 and where in begin[0]
    assert begin[0].endswith("outcome=refused status=500")

    receiver.answer(410)
    later(60)
    deliver()

    end = [each for each in caplog.messages if each.startswith("webhook disabled")]
    assert len(end) == 1 and "host=127.0.0.1" in end[0] and "why=gone" in end[0]


def test_each_attempt_is_logged_with_its_place(
    client, endpoint, receiver, work_off, deliver, caplog
):
    caplog.set_level("INFO", "jimeng.webhooks.deliveries")
    made = endpoint(receiver.url)
    create(client)
    work_off()
    deliver()

    (line,) = [each for each in caplog.messages if "attempted" in each]
    assert f"endpoint={made['id']} user=user_123 host=127.0.0.1" in line
    assert line.endswith("status=204")


def test_address_of_a_task_is_named_by_its_host(
    app, client, receiver, work_off, deliver
):
    """It belongs to no endpoint of its own."""
    receiver.answer(503)
    create(client, webhook_url=receiver.url)
    work_off()
    deliver()

    assert "  user_123  127.0.0.1" in printed(app)
    assert "503" in printed(app)


def test_delivery_ends_it(app, client, failing, deliver, signing):
    later(60)
    assert deliver() == 2

    assert printed(app) == ""
    assert "Failing webhooks" not in queue_page(client)
    assert doctor(signing) == ("ok", "2 of 4 attempts failed within 10 minutes")


def test_attempts_of_long_ago_do_not_count(failing, signing):
    before = utcnow() - timedelta(minutes=11)
    WebhookDelivery.collection().update_many({}, {"$set": {"attempts.$[].at": before}})

    assert doctor(signing) == ("ok", "0 of 0 attempts failed within 10 minutes")
