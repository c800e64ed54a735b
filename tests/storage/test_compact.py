"""``flask storage compact``: MongoDB gives back what deleted pictures took."""

import os

import pytest
from mongoengine import get_db

from jimeng.documents import AuditEntry
from tests.rest import command

CHUNK_BYTES = 255 * 1024
CHUNKS = 80


@pytest.fixture
def deleted_chunks(app):
    """What pictures took that are deleted by now, before one that is not."""
    chunks = get_db()["pictures.chunks"]
    for n in range(CHUNKS):
        data = os.urandom(CHUNK_BYTES)
        chunks.insert_one({"_id": n, "files_id": n, "n": 0, "data": data})
    get_db().client.admin.command("fsync")
    chunks.delete_many({"_id": {"$lt": CHUNKS - 1}})
    get_db().client.admin.command("fsync")


def test_deleted_space_is_given_back(app, config, registry, deleted_chunks):
    """The rest stays; the action is in the audit trail."""
    before = get_db().command("collStats", "pictures.chunks")["storageSize"]

    done = command(config, registry, ["storage", "compact"])

    assert done.exit_code == 0, done.output
    after = get_db().command("collStats", "pictures.chunks")["storageSize"]
    assert after < before
    assert done.output.startswith("given back: ")
    (entry,) = AuditEntry.find_all({"action": "storage.compact"})
    assert entry.outcome["bytes"] > CHUNK_BYTES
    assert get_db()["pictures.chunks"].count_documents({}) == 1
