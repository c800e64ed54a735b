"""What periodic tasks ask of MongoDB while there is nothing to do."""

from dataclasses import replace

from jimeng import jobs
from jimeng.jobs import repair, webhook_deliveries
from jimeng.providers import Registry
from tests.commands import counted, own


def test_webhooks_ask_once_each_for_what_is_due_and_ready(client, config):
    """However many groups of threads there are; and whether they are paused."""
    jobs.configure(replace(config, SECRET_KEY="k" * 64), jobs.runtime().registry)

    with counted(config) as commands:
        assert webhook_deliveries.start_threads() is False

    asked = [each["find"] for each in own(commands)]
    assert sorted(set(asked) - {"switches"}) == ["webhook_deliveries"]
    assert asked.count("webhook_deliveries") == 2


def test_mending_asks_for_all_models_at_once(client, provider, config):
    names = ("volcengine_jimeng", "volcengine_ark")
    registry = Registry(dict.fromkeys(names, provider), dict.fromkeys(names, 2))
    jobs.configure(config, registry)

    with counted(config) as commands:
        repair.repair()

    assert len(registry.lanes) > len(own(commands))
