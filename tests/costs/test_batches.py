"""What a batch has cost, and what is reserved for it."""

from jimeng.documents import Batch, Generation
from jimeng.documents.principal import Principal
from jimeng.operations import costs
from tests.batches.conftest import ask, fill, lines, look
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
    """Settled and held of all its tasks; a decision after its end changes it."""
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
    settle()

    (batch,) = Batch.find_all({"_id": batch_id})
    assert not batch.is_open and batch.counts is not None
    assert money(client, batch_id) == ("0.80", 4 * PRICE, PRICE)
    page = client.get(f"/batches/{batch_id}", headers={"Accept-Language": "en"})
    assert "¥0.80, ¥0.20 reserved" in page.text
    (unknown,) = Generation.find_all({"charged": "unknown"})
    costs.decide(Principal("root", is_operator=True), unknown.id, True)
    settle()
    assert money(client, batch_id) == ("1.00", 5 * PRICE, 0)


def test_costs_of_a_batch_take_no_command_for_each_task(client, config):
    """Its tasks are read anyway, all at once."""
    short, long = (ask(client, lines(n))["batch_id"] for n in (1, 9))
    fill()

    for batch_id in (short, long):
        with counted(config) as commands:
            look(client, batch_id)
        reads = [each for each in commands if each.get("find") == "tasks"]
        assert len(reads) == 1
