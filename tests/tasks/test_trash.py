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
from jimeng.jobs import janitor, purge
from jimeng.jobs.bulk import worker
from jimeng.jobs.purge import TRASH_RETENTION
from tests.conftest import run_queue
from tests.hung import hang
from tests.rest import create, refused, result, task

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
    """Its link, its thumbnail and its place in the result are gone; the other stays."""
    first, second = urls(client, made)

    assert trash.trash_pictures(MINE, [f"{made}_0"]) == 1

    assert client.get(first).status_code == 404
    assert client.get(first.replace(".png", "/thumb.webp")).status_code == 404
    data = result(client, made)
    assert (data["status"], data["result"]["image_urls"]) == ("completed", [second])
    assert data["result"]["failed"] == []


def test_task_stays_completed_without_its_pictures(client, made):
    """What was done was done: the list is empty, and nothing is said to have failed."""
    trash.trash_pictures(MINE, [f"{made}_0", f"{made}_1"])

    data = result(client, made)

    assert (data["status"], data["image_url"]) == ("completed", None)
    assert (data["result"]["images"], data["result"]["failed"]) == ([], [])


def test_result_without_the_picture_is_not_taken_for_unchanged(client, made):
    """A client that has the whole result is told the smaller one, and back again."""
    url = f"/api/v1/ai/image/result/{made}"
    whole = client.get(url).headers["ETag"]

    trash.trash_pictures(MINE, [f"{made}_0"])
    smaller = client.get(url, headers={"If-None-Match": whole})
    trash.restore_pictures(MINE, [f"{made}_0"])
    known = {"If-None-Match": smaller.headers["ETag"]}

    assert smaller.status_code == 200
    assert client.get(url, headers=known).status_code == 200


def test_result_with_a_new_link_is_not_taken_for_unchanged(client, made):
    """A client that has the old link, which leads nowhere now, is told the new one."""
    url = f"/api/v1/ai/image/result/{made}"
    known = {"If-None-Match": client.get(url).headers["ETag"]}

    picture_details.replace_link(MINE, f"{made}_0")
    told = client.get(url, headers=known)

    assert client.get(told.json["data"]["image_url"]).status_code == 200


def test_restored_picture_has_its_link_again(client, made):
    """Bringing back leads to what was before, under the same address."""
    before = urls(client, made)
    trash.trash_pictures(MINE, [f"{made}_1"])

    assert trash.restore_pictures(MINE, [f"{made}_1"]) == 1

    assert urls(client, made) == before
    assert client.get(before[1]).status_code == 200


def test_batch_is_brought_back_whole(client, made):
    """One undo is for all that went in one go, and for nothing else."""
    trash.trash_pictures(MINE, [f"{made}_0"])
    Image.collection().update_many(
        {"trashed_at": {"$exists": True}},
        {"$set": {"trashed_at": utcnow() - timedelta(hours=1)}},
    )
    batch = trash.trash_together(MINE, [f"{made}_1"])

    assert bulk_trash.restore_together(MINE, batch.milliseconds) == 1
    assert len(urls(client, made)) == 1


@pytest.mark.parametrize("number", [-1, 0, 10**14, 10**30])
def test_no_batch_of_such_a_number(client, made, number):
    """Whatever is asked for, only what was trashed then comes back."""
    trash.trash_pictures(MINE, [f"{made}_0"])

    assert bulk_trash.restore_together(MINE, number) == 0


def test_trashed_task_is_as_if_deleted(client, made):
    """Nobody finds it or its pictures; the records and bytes are still there."""
    before = urls(client, made)

    trash.trash(MINE, made)

    refused(client.get(f"/api/v1/tasks/{made}"), 404, "task_not_found")
    assert [client.get(url).status_code for url in before] == [404, 404]
    assert mongoengine.get_db()["pictures.files"].count_documents({}) == 4


def test_restored_task_is_whole(client, made):
    """Record, pictures and links are there again; twice is as once."""
    before = urls(client, made)
    trash.trash(MINE, made)

    trash.restore(MINE, made)
    trash.restore(MINE, made)

    assert urls(client, made) == before
    assert [client.get(url).status_code for url in before] == [200, 200]


def test_picture_that_was_deleted_before_its_task_stays_deleted(client, made):
    """Bringing a task back does not undo what was done to one picture earlier."""
    trash.trash_pictures(MINE, [f"{made}_0"])
    trash.trash(MINE, made)

    trash.restore(MINE, made)

    assert len(urls(client, made)) == 1


def test_picture_brings_its_task_back(client, made):
    """One picture of a deleted task comes back in its task, without the other."""
    trash.trash(MINE, made)

    assert trash.restore_pictures(MINE, [f"{made}_1"]) == 1

    assert len(urls(client, made)) == 1
    trash.restore_pictures(MINE, [f"{made}_0"])
    assert len(urls(client, made)) == 2


def test_waiting_pictures_of_a_trashed_task_are_never_sent(client, provider, work_off):
    """It is cancelled, and comes back as a cancelled task."""
    task_id = create(client)

    trash.trash(MINE, task_id)
    work_off()
    trash.restore(MINE, task_id)

    assert provider.requests == []
    assert result(client, task_id)["status"] == "cancelled"


def test_picture_that_is_drawn_meanwhile_is_not_kept(client, provider, work_off):
    """What the provider had begun is paid for once, and shown to nobody."""
    task_id = create(client)
    run_queue()

    trash.trash(MINE, task_id)
    work_off()

    assert Image.collection().count_documents({}) == 0
    assert Generation.objects.get(task_id=task_id).charged == "yes"


def test_key_of_a_trashed_task_is_free(client):
    """A request that is repeated after a deletion is a new one."""
    sent = {"Idempotency-Key": "again"}
    body = {"prompt": "一只猫", "user_id": "user_123"}
    first = client.post("/api/v1/ai/image/task", json=body, headers=sent)
    first_id = first.json["data"]["task_id"]
    trash.trash(MINE, first_id)

    again = client.post("/api/v1/ai/image/task", json=body, headers=sent)

    assert again.json["data"]["task_id"] != first_id


def test_delete_by_rest_is_at_once(client, made):
    """The API's delete leaves no trash."""
    assert client.delete(f"/api/v1/ai/image/task/{made}").status_code == 200

    assert Task.collection().count_documents({}) == 0
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
