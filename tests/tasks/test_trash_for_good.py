"""Gone for good: after a week, when asked for, and with an account."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import mongoengine
import pytest

from jimeng import tasks
from jimeng.documents import Image, Task, utcnow
from jimeng.documents.image import files_of
from jimeng.documents.principal import Principal
from jimeng.errors import TaskNotFound
from jimeng.gallery import bulk_trash, trash
from jimeng.jobs import janitor, purge
from jimeng.jobs.bulk import worker
from jimeng.jobs.purge import TRASH_RETENTION
from tests.hung import hang
from tests.rest import create, result, task

MINE = Principal("user_123")


@pytest.fixture
def largest_update(database, monkeypatch) -> Iterator[Callable[[], int]]:
    """Tells how many records MongoDB has changed by one command, at most."""
    monkeypatch.setattr(worker, "REQUEST_BATCH_DOCUMENTS", 2)
    database.command("profile", 2)
    yield lambda: max(
        row.get("nModified", 0) for row in database["system.profile"].find()
    )
    database.command("profile", 0)
    database["system.profile"].drop()


@pytest.fixture
def made(client, work_off) -> str:
    """A task of two pictures that is done."""
    task_id = create(client, n=2)
    work_off()
    return task_id


def a_week_later() -> None:
    """Let all that is in the trash have been there for its time."""
    ago = utcnow() - TRASH_RETENTION
    Image.collection().update_many(
        {"trashed_at": {"$exists": True}}, {"$set": {"trashed_at": ago}}
    )
    Task.collection().update_many(
        {"purge_at": {"$exists": True}},
        {"$set": {"purge_at": utcnow(), "deleted_at": ago}},
    )


def bytes_are_of(*pictures: str) -> bool:
    """Whether the store has what these pictures need, and nothing besides."""
    found = Image.collection().find({"_id": {"$in": pictures}})
    wanted = {file_id for row in found for file_id in files_of(row)}
    store = mongoengine.get_db()
    files = set(store["pictures.files"].distinct("_id"))
    return files == set(store["pictures.chunks"].distinct("files_id")) == wanted


def test_trash_is_emptied_after_a_week(client, made):
    """Bytes and records go, and nothing brings them back."""
    trash.trash(MINE, made)
    a_week_later()

    purge.empty_trash()
    with pytest.raises(TaskNotFound):
        trash.restore(MINE, made)
    janitor.finish_deletions()

    assert Task.collection().count_documents({}) == 0
    assert Image.collection().count_documents({}) == 0
    assert mongoengine.get_db()["pictures.files"].count_documents({}) == 0


def test_only_what_is_old_enough_goes(client, made):
    """After a week the bytes are gone; what is shown or came later has its own."""
    (shown,) = hang("留着的", user_id="user_123")
    trash.trash_pictures(MINE, [f"{made}_0"])
    a_week_later()
    (late,) = hang("昨天删的", user_id="user_123")
    trash.trash_pictures(MINE, [late])

    purge.empty_trash()
    janitor.finish_deletions()

    left = [shown, late, f"{made}_1"]
    assert sorted(image.id for image in Image.objects) == sorted(left)
    assert bytes_are_of(*left)
    assert trash.restore_pictures(MINE, [late, f"{made}_0"]) == 1


def test_janitor_leaves_alone_what_may_come_back(client, made):
    """Before its time nothing in the trash is touched."""
    trash.trash(MINE, made)
    ago = utcnow() - TRASH_RETENTION + timedelta(hours=1)
    Task.collection().update_many({}, {"$set": {"deleted_at": ago}})

    purge.empty_trash()
    janitor.finish_deletions()

    assert trash.restore(MINE, made).id == made


def test_purged_picture_is_not_called_lost(client, made):
    """A picture its owner removed for good is no failure of the task."""
    trash.trash_pictures(MINE, [f"{made}_0"])
    a_week_later()

    purge.empty_trash()

    assert Image.collection().count_documents({}) == 1
    data = result(client, made)
    assert (len(data["result"]["images"]), data["result"]["failed"]) == (1, [])
    assert task(client, made)["progress"] == 100


def test_purging_now_leaves_no_way_back(client, made):
    """Deleted for good means at once, though the bytes go a little later."""
    trash.trash_pictures(MINE, [f"{made}_0"])

    assert trash.purge_pictures(MINE, [f"{made}_0", f"{made}_1"]) == 1

    assert trash.restore_pictures(MINE, [f"{made}_0"]) == 0
    purge.empty_trash()
    assert [image.index for image in Image.objects] == [1]


def test_purged_task_is_gone(client, made):
    """Only what is in the trash can be purged."""
    with pytest.raises(TaskNotFound):
        trash.purge(MINE, made)
    trash.trash(MINE, made)

    trash.purge(MINE, made)

    assert Task.collection().count_documents({}) == 0
    assert Image.collection().count_documents({}) == 0


def test_emptied_trash_has_nothing(client, made, work_off):
    """Pictures, and tasks with theirs, are out of sight and out of reach at once."""
    other = create(client)
    work_off()
    trash.trash(MINE, made)
    trash.trash_pictures(MINE, [f"{other}_0"])

    bulk_trash.empty_trash(MINE)

    assert trash.trashed_pictures(MINE).rows == []
    assert trash.restore_pictures(MINE, [f"{other}_0", f"{made}_0"]) == 0
    with pytest.raises(TaskNotFound):
        trash.restore(MINE, made)


def test_very_many_go_step_by_step(largest_update):
    """However many go, come back or are given up, no one command takes long."""
    hang(*"一二三四五", user_id="user_123")

    batch = bulk_trash.trash_others(MINE)
    assert (batch.count, bulk_trash.count_others(MINE).others) == (5, 0)
    assert bulk_trash.restore_together(MINE, batch.milliseconds) == 5
    assert bulk_trash.count_others(MINE).others == 5
    bulk_trash.trash_others(MINE)
    bulk_trash.empty_trash(MINE)
    assert trash.trashed_pictures(MINE).rows == []
    assert tasks.delete_all(MINE, "user_123") == 5

    assert 1 <= largest_update() <= 2


def test_deleting_a_user_deletes_the_trash(client, made):
    """An account leaves no picture behind, wherever it was."""
    hang("留着的", user_id="user_123")
    (alone,) = hang("单独删的", user_id="user_123")
    (others,) = hang("别人的", user_id="somebody_else")
    trash.trash_pictures(MINE, [alone])
    trash.trash(MINE, made)

    tasks.delete_all(MINE, "user_123")

    assert [image.id for image in Image.objects] == [others]
    assert [each.user_id for each in Task.objects] == ["somebody_else"]
    assert bytes_are_of(others)
