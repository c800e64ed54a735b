"""Webhook events: the end of a batch."""

from jimeng.batches.progress import Progress, progress, status_of
from jimeng.documents import Batch
from jimeng.documents.batch import WITHOUT_PROMPTS
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.documents.webhook import BATCH_COMPLETED
from jimeng.webhooks import outbox

BATCH = 100


def announce_ended() -> bool:
    """
    Store the deliveries of batches that have ended, then clear their marks; if the
    process dies between the two, both are repeated. Return whether there may be more.
    """
    ended = {"announce": {"$exists": True}, "ended_at": {"$exists": True}, **KNOWN_KIND}
    batches = Batch.find_all(ended, WITHOUT_PROMPTS, limit=BATCH)
    for batch in batches:
        counts = batch.counts
        found = progress(batch) if counts is None else Progress.of(counts)
        data = data_of(batch, found)
        outbox.announce_batch(batch, BATCH_COMPLETED, batch.ended_at, data)
        # A resumed batch has another end to announce.
        same = {"_id": batch.id, "ended_at": batch.ended_at}
        Batch.collection().update_one(same, {"$unset": {"announce": ""}})
    return len(batches) == BATCH


def data_of(batch: Batch, found: Progress) -> dict:
    """The payload of a delivery: the batch, and its pictures by result."""
    names = ("total", "done", "failed", "cancelled")
    where = f"/api/v1/batches/{batch.id}"
    return {
        "batch_id": batch.id,
        "status": status_of(batch, found),
        "updated_at": outbox.moment(batch.updated_at),
        "user_id": batch.user_id,
        "metadata": batch.metadata,
        "pictures": {name: getattr(found, name) for name in names},
        "links": {
            "self": outbox.link(where),
            "tasks": outbox.link(f"{where}/tasks"),
            "html": outbox.link(f"/batches/{batch.id}"),
        },
    }
