"""``flask storage compact``: MongoDB gives back what deleted pictures took."""

import os
from collections.abc import Iterator

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from jimeng.documents import AuditEntry
from tests.rest import command

CHUNK_BYTES = 255 * 1024
CHUNKS = 80


@pytest.fixture
def deleted_chunks(config, own_mongo) -> Iterator[Database]:
    """What pictures took that are deleted by now, before one that is not; in a MongoDB
    of its own, because compacting waits for all who use it."""
    with MongoClient(own_mongo.uri) as client:
        database = client[config.MONGODB_DATABASE]
        chunks = database["pictures.chunks"]
        for n in range(CHUNKS):
            data = os.urandom(CHUNK_BYTES)
            chunks.insert_one({"_id": n, "files_id": n, "n": 0, "data": data})
        client.admin.command("fsync")
        chunks.delete_many({"_id": {"$lt": CHUNKS - 1}})
        client.admin.command("fsync")
        yield database


def test_deleted_space_is_given_back(
    database, config, registry, deleted_chunks, own_mongo
):
    """The rest stays; the action is in the audit trail."""
    before = deleted_chunks.command("collStats", "pictures.chunks")["storageSize"]

    words = ["storage", "compact"]
    done = command(config, registry, words, MONGODB_URI=own_mongo.uri)

    assert done.exit_code == 0, done.output
    after = deleted_chunks.command("collStats", "pictures.chunks")["storageSize"]
    assert after < before
    assert done.output.startswith("given back: ")
    entries = deleted_chunks[AuditEntry.collection().name]
    (entry,) = entries.find({"action": "storage.compact"})
    assert entry["by"] == "operator"
    assert entry["outcome"]["bytes"] > CHUNK_BYTES
    assert deleted_chunks["pictures.chunks"].count_documents({}) == 1
