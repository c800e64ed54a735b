"""Deleting from a page: gone at once, back within a week, then gone for good."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import mongoengine
import pytest

from jimeng import tasks
from jimeng.documents import Generation, Image, Task, utcnow
from jimeng.documents.image import files_of
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.gallery import bulk_trash, picture_details, trash
from jimeng.jobs import endings
from jimeng.jobs.bulk import worker
from jimeng.upkeep import janitor, purge
from jimeng.upkeep.purge import TRASH_RETENTION
from tests.hung import hang
from tests.rest import create, data_of, refused, result, task
from tests.test_core import begin

MINE = Principal("user_123")
OTHER = Principal("somebody_else")


@pytest.fixture
def made(client, work_off) -> str:
    """A task of two pictures that is done."""
    task_id = create(client, n=2)
    work_off()
    return task_id


def urls(client, task_id: str) -> list[str]:
    return result(client, task_id)["result"]["image_urls"]


def test_trashed_picture_is_seen_nowhere(client, made):
    """No longer by who knows the whole result; nothing is said to have failed."""
    first, second = urls(client, made)
    url = f"/api/v1/ai/image/result/{made}"
    whole = client.get(url).headers["ETag"]

    assert trash.trash_pictures(MINE, [f"{made}_0"]) == 1

    assert client.get(first).status_code == 404
    assert client.get(first.replace(".png", "/thumb.webp")).status_code == 404
    smaller = client.get(url, headers={"If-None-Match": whole})
    data = smaller.json["data"]
    assert (data["status"], data["result"]["image_urls"]) == ("completed", [second])
    assert data["result"]["failed"] == []
    assert trash.restore_pictures(MINE, [f"{made}_0"]) == 1
    known = {"If-None-Match": smaller.headers["ETag"]}
    assert client.get(url, headers=known).status_code == 200
    assert urls(client, made) == [first, second]
    assert client.get(first).status_code == 200
    trash.trash_pictures(MINE, [f"{made}_0", f"{made}_1"])
    data = result(client, made)
    assert (data["status"], data["image_url"]) == ("completed", None)
    assert (data["result"]["images"], data["result"]["failed"]) == ([], [])


def test_result_with_a_new_link_is_not_taken_for_unchanged(client, made):
    """A client that has the old link, which leads nowhere now, is told the new one."""
    url = f"/api/v1/ai/image/result/{made}"
    known = {"If-None-Match": client.get(url).headers["ETag"]}

    picture_details.replace_link(MINE, f"{made}_0")
    told = client.get(url, headers=known)

    assert client.get(told.json["data"]["image_url"]).status_code == 200


def test_batch_is_brought_back_whole(client, made):
    """One undo is for all that went in one go, and for nothing else."""
    trash.trash_pictures(MINE, [f"{made}_0"])
    earlier = {"trashed_at": utcnow() - timedelta(hours=1)}
    Image.collection().update_one({"_id": f"{made}_0"}, {"$set": earlier})
    batch = trash.trash_together(MINE, [f"{made}_1"])
    for number in (-1, 0, 10**14, 10**30):
        assert bulk_trash.restore_together(MINE, number) == 0

    assert bulk_trash.restore_together(MINE, batch.milliseconds) == 1
    assert len(urls(client, made)) == 1


def test_trashed_task_is_as_if_deleted(client, made):
    """The records and bytes are still there: restored, also twice, it is whole. A
    picture brings it back without the other; nor does it bring back what was trashed
    before it."""
    before = urls(client, made)

    trash.trash(MINE, made)

    refused(client.get(f"/api/v1/tasks/{made}"), 404, "task_not_found")
    assert [client.get(url).status_code for url in before] == [404, 404]
    assert mongoengine.get_db()["pictures.files"].count_documents({}) == 4
    trash.restore(MINE, made)
    trash.restore(MINE, made)
    assert urls(client, made) == before
    assert [client.get(url).status_code for url in before] == [200, 200]
    trash.trash(MINE, made)
    assert trash.restore_pictures(MINE, [f"{made}_1"]) == 1
    assert urls(client, made) == before[1:]
    trash.trash(MINE, made)
    trash.restore(MINE, made)
    assert urls(client, made) == before[1:]
    trash.restore_pictures(MINE, [f"{made}_0"])
    assert urls(client, made) == before


@pytest.mark.parametrize("is_begun", [False, True])
def test_trashed_task_is_cancelled(client, provider, work_off, is_begun):
    """What the provider had begun is paid for once; nothing else is sent or kept."""
    task_id = begin(client) if is_begun else create(client)

    trash.trash(MINE, task_id)
    work_off()

    assert Image.collection().count_documents({}) == 0
    charged = Generation.objects.get(task_id=task_id).charged
    assert (len(provider.requests), charged) == ((1, "yes") if is_begun else (0, "no"))
    trash.restore(MINE, task_id)
    assert result(client, task_id)["status"] == "cancelled"


def test_delete_by_rest_is_at_once(client, made):
    """The API's delete leaves no trash: no task, in no list, no link, and no bytes."""
    links, where = urls(client, made), f"/api/v1/ai/image/task/{made}"

    data = data_of(client.delete(where))

    assert data == {"task_id": made, "message": "任务及其结果已删除"}
    refused(client.delete(where), 404, "task_not_found")
    assert data_of(client.get("/api/v1/tasks/user/user_123")) == []
    listed = client.get("/api/v1/ai/image/tasks?user_id=user_123")
    assert data_of(listed)["count"] == 0
    assert client.get(f"/api/v1/ai/image/result/{made}").status_code == 404
    assert [client.get(each).status_code for each in links] == [404, 404]
    assert nothing_is_left()
    with pytest.raises(TaskNotFound):
        trash.restore(MINE, made)


def test_others_can_do_nothing(client, made):
    """Another's pictures and tasks are as if they had never been."""
    picture = f"{made}_0"
    assert trash.trash_pictures(OTHER, [picture]) == 0
    assert picture_details.set_favourite(OTHER, [picture], True) == 0
    with pytest.raises(TaskNotFound):
        trash.trash(OTHER, made)

    batch = trash.trash_together(MINE, [picture])
    assert trash.restore_pictures(OTHER, [picture]) == 0
    assert bulk_trash.restore_together(OTHER, batch.milliseconds) == 0
    assert trash.purge_pictures(OTHER, [picture]) == 0
    with pytest.raises(ImageNotFound):
        trash.trashed_thumbnail(OTHER, picture)
    assert trash.trashed_pictures(OTHER).rows == []
    bulk_trash.empty_trash(OTHER)
    assert trash.restore_pictures(MINE, [picture]) == 1

    trash.trash(MINE, made)
    with pytest.raises(TaskNotFound):
        trash.restore(OTHER, made)
    with pytest.raises(TaskNotFound):
        trash.purge(OTHER, made)


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


def a_week_later() -> None:
    """Let all that is in the trash have been there for its time."""
    ago = utcnow() - TRASH_RETENTION
    at = {"purge_at": utcnow(), "deleted_at": ago}
    Image.objects(trashed_at__exists=True).update(set__trashed_at=ago)
    Task.collection().update_many({"purge_at": {"$exists": True}}, {"$set": at})


def bytes_are_of(*pictures: str) -> bool:
    """Whether the store has what these pictures need, and nothing besides."""
    found = Image.collection().find({"_id": {"$in": pictures}})
    wanted = {file_id for row in found for file_id in files_of(row)}
    store = mongoengine.get_db()
    files = set(store["pictures.files"].distinct("_id"))
    return files == set(store["pictures.chunks"].distinct("files_id")) == wanted


def nothing_is_left() -> bool:
    """Neither tasks, nor pictures, nor bytes."""
    return bytes_are_of() and not (Task.objects.count() or Image.objects.count())


def test_only_what_is_old_enough_goes(client, made, monkeypatch):
    """After a week the bytes are gone; what is shown or came later has its own."""
    (shown,) = hang("留着的", user_id="user_123")
    trash.trash_pictures(MINE, [f"{made}_0"])
    a_week_later()
    (late,) = hang("昨天删的", user_id="user_123")
    trash.trash_pictures(MINE, [late])
    monkeypatch.setattr(purge, "BATCH_DOCUMENTS", 1)

    there_is_more = [purge.empty_trash() for _ in range(2)]
    janitor.finish_deletions()

    assert there_is_more == [True, False]
    left = [shown, late, f"{made}_1"]
    assert sorted(image.id for image in Image.objects) == sorted(left)
    assert bytes_are_of(*left)
    assert trash.restore_pictures(MINE, [late, f"{made}_0"]) == 1


def test_trash_is_emptied_after_a_week(client, made):
    """Not before; then bytes and records go, and nothing brings them back."""
    trash.trash(MINE, made)
    ago = utcnow() - TRASH_RETENTION + timedelta(hours=1)
    Task.collection().update_many({}, {"$set": {"deleted_at": ago}})
    purge.empty_trash()
    janitor.finish_deletions()
    assert trash.restore(MINE, made).id == made
    trash.trash(MINE, made)
    a_week_later()

    purge.empty_trash()
    with pytest.raises(TaskNotFound):
        trash.restore(MINE, made)
    janitor.finish_deletions()

    assert nothing_is_left()


def test_picture_that_is_restored_meanwhile_stays(client, made, monkeypatch):
    """Between the look for what is old and its deletion."""
    trash.trash_pictures(MINE, [f"{made}_0"])
    a_week_later()
    delete = endings.delete_image

    def restored(image_id: str, *where: dict) -> bool:
        Image.objects(id=image_id).update(unset__trashed_at=True)
        return delete(image_id, *where)

    monkeypatch.setattr(endings, "delete_image", restored)
    purge.empty_trash()

    assert len(urls(client, made)) == 2


def test_purged_picture_is_not_called_lost(client, made):
    """After a week or at once; there is no way back then, though the bytes go later."""
    trash.trash_pictures(MINE, [f"{made}_0"])
    a_week_later()

    purge.empty_trash()

    assert Image.collection().count_documents({}) == 1
    data = result(client, made)
    assert (len(data["result"]["images"]), data["result"]["failed"]) == (1, [])
    assert task(client, made)["progress"] == 100
    assert trash.purge_pictures(MINE, [f"{made}_1"]) == 0
    trash.trash_pictures(MINE, [f"{made}_1"])
    assert trash.purge_pictures(MINE, [f"{made}_0", f"{made}_1"]) == 1
    assert trash.restore_pictures(MINE, [f"{made}_1"]) == 0
    purge.empty_trash()
    assert Image.objects.count() == 0
    assert result(client, made)["result"]["failed"] == []


def test_emptied_trash_has_nothing(client, made, work_off):
    """Out of reach at once; only what is in the trash can be purged."""
    other = create(client)
    work_off()
    with pytest.raises(TaskNotFound):
        trash.purge(MINE, made)
    trash.trash(MINE, made)
    trash.trash_pictures(MINE, [f"{other}_0"])

    bulk_trash.empty_trash(MINE)

    assert trash.trashed_pictures(MINE).rows == []
    assert trash.restore_pictures(MINE, [f"{other}_0", f"{made}_0"]) == 0
    with pytest.raises(TaskNotFound):
        trash.restore(MINE, made)
    trash.trash(MINE, other)
    trash.purge(MINE, other)
    assert Task.find_one({"_id": other}) is None


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
