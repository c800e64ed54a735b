"""What periodic tasks ask of MongoDB while there is nothing to do."""

from dataclasses import replace

from mongoengine import get_db

from jimeng import jobs
from jimeng.documents import WebhookDelivery, utcnow
from jimeng.webhooks import deliveries
from tests.commands import counted, own


def test_webhooks_ask_once_each_for_what_is_due_and_ready(client, config):
    """However many groups of threads there are, and however many were delivered."""
    jobs.configure(replace(config, SECRET_KEY="k" * 64), jobs.runtime().registry)
    done = [{"_id": f"{n}", "user_id": "ada", "lane": "x"} for n in range(50)]
    WebhookDelivery.collection().insert_many(done)

    with counted(config) as commands:
        assert deliveries.start_threads() is False

    asked = [each["find"] for each in own(commands)]
    assert sorted(set(asked) - {"switches"}) == ["webhook_deliveries"]
    assert asked.count("webhook_deliveries") == 2
    assert [
        examined(each)
        for each in own(commands)
        if each.get("find") == "webhook_deliveries"
    ] == [0, 0]


def test_deliveries_that_wait_are_counted_without_the_others(client, config):
    """One of each state among many that were delivered."""
    now, done = utcnow(), {"user_id": "ada", "lane": "x"}
    rows = [{"_id": f"{n}", **done} for n in range(50)]
    rows += [{"_id": "r", "ready_at": now, **done}, {"_id": "d", "due_at": now, **done}]
    WebhookDelivery.collection().insert_many(rows)

    with counted(config) as commands:
        assert deliveries.count_waiting() == 2

    assert [examined(each) for each in own(commands)] == [1, 1]


def examined(command: dict) -> int:
    """How many documents that command has MongoDB look at."""
    names = (
        "find",
        "filter",
        "sort",
        "limit",
        "aggregate",
        "pipeline",
        "cursor",
        "hint",
    )
    asked = {key: command[key] for key in names if key in command}
    found = get_db().command("explain", asked, verbosity="executionStats")
    found = found["stages"][0]["$cursor"] if "stages" in found else found
    return found["executionStats"]["totalDocsExamined"]
