"""Keeping a picture: nothing is shown or left behind that nobody wants."""

import pytest

from jimeng.documents import utcnow
from jimeng.jobs import saving
from jimeng.pictures.stores.gridfs import GridFSStore
from jimeng.providers import Progress
from tests.conftest import come_due, png, run_queue
from tests.test_core import begin, create, result
from tests.test_guards import change, generation, work, work_due

LINK = "http://127.0.0.1/picture.png"


def test_download_beyond_its_lease_is_dropped(client, provider, monkeypatch):
    """Whoever has taken over keeps the picture; nothing is kept beside it."""
    provider.polls = [Progress("x", done=True, urls=(LINK,))]
    kept = []

    def slow(*args: object, **kwargs: object) -> bytes:
        change(owner="another consumer")
        later = utcnow() + saving.SAVING_LEASE
        monkeypatch.setattr(saving, "utcnow", lambda: later)
        return png()

    monkeypatch.setattr(saving, "fetch_picture", slow)
    monkeypatch.setattr(GridFSStore, "put", lambda *args: kept.append(args))
    begin(client)
    come_due()

    work()

    assert kept == []
    assert (generation().state, generation().owner) == ("saving", "another consumer")


def test_claim_that_is_lost_leaves_one_picture(client, provider, database, monkeypatch):
    """Whoever has it finds what was kept; the slot is free from the answer on."""
    provider.polls = [Progress("x", done=True, urls=(LINK,))]
    seen = []

    def overtaken(*args: object, **kwargs: object) -> bytes:
        seen.append((generation().state, generation().slot))
        change(owner="another consumer")
        return png()

    monkeypatch.setattr(saving, "fetch_picture", overtaken)
    task_id = begin(client)
    work_due()
    assert (generation().state, generation().owner) == ("saving", "another consumer")
    come_due()

    work()

    assert seen == [("saving", None)]
    assert generation().state == "done"
    assert len(result(client, task_id)["result"]["images"]) == 1
    assert database["images"].count_documents({}) == 1
    assert database["pictures.files"].count_documents({}) == 2


def test_second_attempt_at_keeping_leaves_nothing_behind(client, provider, database):
    """The first one's picture stands, and the bytes of the second are deleted."""
    begin(client)
    work_due()
    before = database["pictures.files"].count_documents({})

    change(state="saving", owner="again")
    task = saving.find_wanted_task(generation())
    saving.store_picture(generation(), task, png(colour="red"))

    assert database["pictures.files"].count_documents({}) == before == 2


def test_picture_of_a_cancelled_task_is_not_downloaded(client, provider, monkeypatch):
    provider.polls = [Progress("x", done=True, urls=(LINK,))]
    asked = []
    monkeypatch.setattr(saving, "fetch_picture", lambda *args, **_: asked.append(args))
    task_id = begin(client)
    client.post(f"/api/v1/tasks/{task_id}/cancel")
    come_due()

    work()

    assert asked == []
    assert generation().state == "done"


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_unwanted_picture_leaves_nothing(client, provider, database, monkeypatch, act):
    """It was cancelled or deleted while the picture was under way."""
    provider.polls = [Progress("x", done=True, urls=(LINK,))]
    task_id = create(client)["task_id"]

    def meanwhile(*args: object, **kwargs: object) -> bytes:
        if act == "delete":
            done = client.delete(f"/api/v1/ai/image/task/{task_id}")
        else:
            done = client.post(f"/api/v1/tasks/{task_id}/cancel")
        assert done.status_code == 200, done.json
        return png()

    monkeypatch.setattr(saving, "fetch_picture", meanwhile)
    run_queue()
    come_due()

    work()

    assert generation().state == "done"
    assert database["images"].count_documents({}) == 0
    assert database["pictures.files"].count_documents({}) == 0
