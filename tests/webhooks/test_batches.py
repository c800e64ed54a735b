"""The end of a batch is told, and each of its ends by an event of its own."""

from jimeng import batches
from jimeng.documents import Batch
from jimeng.errors import ProviderError
from tests.batches.conftest import act, ask, fill, look
from tests.rest import data_of


def test_ends_of_a_batch_are_told(
    client, provider, endpoint, receiver, work_off, deliver
):
    """Once each, also where the process dies before it clears the mark."""
    made = endpoint(receiver.url, events=["batch.completed"])
    provider.submits = [ProviderError("no", code="provider_failed")]
    batch = ask(client, "猫\n狗")
    work_off()
    fill()
    batches.announce_ended()
    Batch.collection().update_many({}, {"$set": {"announce": True}})  # it died
    batches.announce_ended()
    deliver()

    (first,) = receiver.received
    body = first.verified(made["secret"])
    assert body["type"] == "batch.completed"
    data = body["data"]
    assert (data["batch_id"], data["status"]) == (batch["batch_id"], "completed")
    assert data["pictures"] == {"total": 2, "done": 1, "failed": 1, "cancelled": 0}
    record = look(client, batch["batch_id"])
    links = {name: record["links"][name] for name in ("self", "tasks", "html")}
    assert data["links"] == links

    data_of(act(client, batch["batch_id"], "retry"), 202)
    work_off()
    fill()
    fill()
    batches.announce_ended()
    deliver()
    second = receiver.received[1]
    assert second.id != first.id
    assert second.json["data"]["pictures"]["done"] == 2


def test_nobody_is_told_of_a_batch_without_an_endpoint(client, work_off, deliver):
    """Its mark is cleared all the same."""
    ask(client, "猫")
    work_off()
    fill()
    batches.announce_ended()

    assert Batch.collection().count_documents({"announce": {"$exists": True}}) == 0
    assert deliver() == 0
