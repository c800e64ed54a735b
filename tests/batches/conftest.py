"""What the tests of batches have in common: asking, and the time that passes."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from jimeng import batches
from jimeng.documents import Batch, Generation, Input, QuotaUsage, utcnow
from tests.conftest import come_due
from tests.rest import API, data_of

BATCHES = f"{API}/batches"


def ask(client, template: str, **fields) -> dict:
    """Ask for a batch; return its record."""
    body = {"template": template, "user_id": "user_123", **fields}
    return data_of(client.post(BATCHES, json=body), 202)


def look(client, batch_id: str) -> dict:
    return data_of(client.get(f"{BATCHES}/{batch_id}"))


def act(client, batch_id: str, what: str, **body):
    return client.post(f"{BATCHES}/{batch_id}/{what}", json=body)


def tasks_of(client, batch_id: str, **query) -> list[dict]:
    return data_of(client.get(f"{BATCHES}/{batch_id}/tasks", query_string=query))


def lines(n: int) -> str:
    return "\n".join(f"猫 {number}" for number in range(n))


def draw_nothing() -> None:
    """As if all that waits had been drawn: there is room again."""
    Generation.collection().update_many({}, {"$unset": {"waiting": ""}})
    QuotaUsage.collection().delete_many({})


def pass_time() -> None:
    """Let somebody have to look at all batches now."""
    now = utcnow() - timedelta(seconds=1)
    Batch.collection().update_many({"open": True}, {"$set": {"due_at": now}})


def fill() -> None:
    """What consumers do for batches at one moment."""
    pass_time()
    batches.fill_due()


@pytest.fixture
def work_all(work_off) -> Callable[[], None]:
    """Do all there is to do, moving the time, until every batch has ended."""

    def run() -> None:
        for _ in range(400):
            Input.collection().update_many({}, {"$unset": {"not_before": ""}})
            come_due(state="preparing")
            fill()
            work_off()
            if not Batch.collection().count_documents({"open": True}):
                return
        raise AssertionError("batches do not end")

    return run
