"""When what was given ends: never while a task names it, and soon after."""

import zipfile
from datetime import timedelta
from io import BytesIO

import mongoengine
import pytest

from jimeng import inputs, limits, tasks
from jimeng.accounts import data_export
from jimeng.documents import Input, Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import TooManyPending
from jimeng.gallery import trash
from jimeng.upkeep import input_cleanup, janitor, purge
from tests import given_pictures as given
from tests.conftest import come_due
from tests.inputs.test_going_in import I2I, data_url, prepared
from tests.inputs.test_uploads import upload
from tests.rest import CAT, CREATE, create, data_of, result

OPERATOR = Principal("root", is_operator=True)


def pass_time(**more: float) -> None:
    """Let it be so much later for all that was given."""
    by = -int(timedelta(**more).total_seconds() * 1000)
    sooner = {
        name: {"$cond": [f"${name}", {"$add": [f"${name}", by]}, "$$REMOVE"]}
        for name in ("created_at", "keep_until", "doomed_at")
    }
    Input.collection().update_many({}, [{"$set": sooner}])


def sweep(rounds: int = 3) -> None:
    for _ in range(rounds):
        input_cleanup.sweep_inputs()
        pass_time(minutes=2)


def files() -> int:
    return mongoengine.get_db()["inputs.files"].count_documents({})


def test_upload_that_nobody_names_ends_after_a_day(client):
    upload(client)
    pass_time(hours=23)
    sweep()
    assert (Input.collection().count_documents({}), files()) == (1, 1)

    pass_time(hours=1)
    sweep()

    assert (Input.collection().count_documents({}), files()) == (0, 0)


def test_named_one_stays_as_long_as_its_last_task(client, work_off):
    """Also in the trash; for good it goes soon after."""
    found = upload(client)["id"]
    first = create(client, model=I2I, images=[found])
    made = create(client, model=I2I, images=[found])
    data_of(client.delete(f"{CREATE}/{first}"))
    for _ in range(3):
        pass_time(days=3)
        sweep()
    prepared(work_off)
    assert result(client, made)["status"] == "completed"

    trash.trash(OPERATOR, made)
    pass_time(days=3)
    sweep()
    assert Input.collection().count_documents({}) == 1
    old = utcnow() - timedelta(days=9)
    Task.collection().update_one({"_id": made}, {"$set": {"purge_at": old}})
    purge.empty_trash()
    later = {"$set": {"deleted_at": old}}
    Task.collection().update_one({"_id": made}, later)
    janitor.finish_deletions()
    sweep()

    assert (Input.collection().count_documents({}), files()) == (0, 0)


def test_task_written_late_keeps_what_was_doomed_meanwhile(client, work_off):
    """A look, a minute later, sees it; before, nobody could name it."""
    made = create(client, model=I2I, images=[upload(client)["id"]])
    row = Task.collection().find_one_and_delete({"_id": made})
    pass_time(days=2)
    input_cleanup.sweep_inputs()
    answer = client.post(CREATE, json={**CAT, "model": I2I, "images": row["inputs"]})
    assert list(answer.json["errors"]) == ["images.0"]
    Task.collection().insert_one(row)

    pass_time(minutes=2)
    input_cleanup.sweep_inputs()
    prepared(work_off)

    assert result(client, made)["status"] == "completed"
    assert Input.objects.first().doomed_at is None


def test_doomed_in_the_very_moment_is_named_in_the_answer(client, monkeypatch):
    """Between the look and the naming somebody doomed it: 422, and no task."""
    found = upload(client)["id"]
    naming = Input.name

    def doomed(ids, user_id, until):
        Input.collection().update_many({}, {"$set": {"doomed_at": utcnow()}})
        return naming(ids, user_id, until)

    monkeypatch.setattr(Input, "name", doomed)
    answer = client.post(CREATE, json={**CAT, "model": I2I, "images": [found]})

    assert list(answer.json["errors"]) == ["images.0"]
    assert Task.collection().count_documents({}) == 0
    monkeypatch.undo()
    Input.collection().update_many({}, {"$unset": {"doomed_at": ""}})
    assert create(client, model=I2I, images=[found])


def test_owner_deleted_between_creation_and_submission(client, provider, work_off):
    """Nothing of theirs is sent, and nothing of theirs is left."""
    upload(client)
    create(client, model=I2I, images=[upload(client)["id"]])

    tasks.delete_all(OPERATOR, "user_123")
    inputs.delete_all(OPERATOR, "user_123")
    come_due()
    prepared(work_off)
    sweep()

    assert provider.requests == []
    assert (Input.collection().count_documents({}), files()) == (0, 0)


def test_bytes_as_they_came_go_when_they_are_plain(client, work_off):
    """Of a copied picture only what is sent is kept."""
    first = create(client)
    work_off()
    create(client, model=I2I, images=[f"{first}_0"])
    assert Input.objects.first().raw_id

    prepared(work_off)

    found = Input.objects.first()
    assert found.is_ready and files() == 1 + len(found.fitted)


def test_refused_request_leaves_nothing_for_long(client, monkeypatch):
    """What came with it as a data: URL is swept at once."""

    def full(*args: object, **kwargs: object) -> None:
        raise TooManyPending("full", limit=1)

    monkeypatch.setattr(limits, "reserve", full)
    body = {**CAT, "model": I2I, "images": [data_url(given.photo())]}
    assert client.post(CREATE, json=body).status_code == 429

    sweep()

    assert (Input.collection().count_documents({}), files()) == (0, 0)


def test_export_holds_what_was_given(client, work_off):
    found = upload(client)
    principal = Principal("user_123")

    content = b"".join(data_export.export(principal, utcnow().tzinfo))

    with zipfile.ZipFile(BytesIO(content)) as archive:
        name = f"inputs/{found['id']}.jpg"
        assert len(archive.read(name)) == found["bytes"]


@pytest.mark.parametrize("state", ["gone", "later than us"])
def test_records_of_another_kind_stop_nothing(client, state):
    """What a later release has written is swept as all is, and named by nobody."""
    found = upload(client)["id"]
    Input.collection().update_one({"_id": found}, {"$set": {"state": state, "x": [1]}})
    pass_time(days=2)

    sweep()

    assert Input.collection().count_documents({}) == 0
