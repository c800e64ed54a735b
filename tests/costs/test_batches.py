"""What a batch has cost, and what is reserved for it."""

from jimeng.documents import Batch
from jimeng.documents.principal import Principal
from jimeng.operations import costs
from tests.batches.conftest import ask, fill, lines, look, tasks_of
from tests.commands import counted
from tests.conftest import come_due
from tests.costs.conftest import PRICE, settle
from tests.costs.test_settlement import UNKNOWN
from tests.test_core import refusal


def money(client, batch_id: str) -> tuple:
    found = look(client, batch_id)
    names = ("cost", "cost_micros", "held_micros")
    return tuple(found[name] for name in names)


def test_batch_says_what_it_costs(client, provider, work_off):
    """What is settled and what is held of all its tasks, while it goes on and after."""
    batch_id = ask(client, "a\nb\nc", n=2)["batch_id"]
    fill()
    assert money(client, batch_id) == (None, None, 6 * PRICE)
    page = client.get(f"/batches/{batch_id}", headers={"Accept-Language": "en"})
    assert "¥0.00, ¥1.20 reserved" in page.text
    provider.submits = [refusal(), UNKNOWN]

    work_off()
    come_due(state="unknown")
    work_off()
    fill()

    (batch,) = Batch.find_all({"_id": batch_id})
    assert not batch.is_open and batch.counts is not None
    assert money(client, batch_id) == ("0.80", 4 * PRICE, PRICE)
    page = client.get(f"/batches/{batch_id}", headers={"Accept-Language": "en"})
    assert "¥0.80, ¥0.20 reserved" in page.text


def test_decision_later_changes_the_cost_of_an_ended_batch(client, provider, work_off):
    """The counts that were stored at its end say it too."""
    batch_id = ask(client, "a")["batch_id"]
    provider.submits = [UNKNOWN]
    fill()
    work_off()
    come_due(state="unknown")
    work_off()
    fill()
    settle()
    look(client, batch_id)
    assert money(client, batch_id) == (None, None, PRICE)
    (task_id,) = [task["task_id"] for task in tasks_of(client, batch_id)]

    costs.decide(Principal("root", is_operator=True), f"{task_id}_0", True)
    settle()

    assert money(client, batch_id) == ("0.20", PRICE, 0)


def test_costs_of_a_batch_take_no_command_for_each_task(client, config):
    """Its tasks are read anyway, all at once."""
    short, long = (ask(client, lines(n))["batch_id"] for n in (1, 9))
    fill()

    for batch_id in (short, long):
        with counted(config) as commands:
            look(client, batch_id)
        reads = [each for each in commands if each.get("find") == "tasks"]
        assert len(reads) == 1
