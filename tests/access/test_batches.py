"""Batches and people: other users, keys that have bounds, users who are deleted."""

import io
import json
from zipfile import ZipFile

import pytest

from jimeng.batches.capacity import WINDOW
from jimeng.documents import ApiKey, AuditEntry, Batch, Task, User, utcnow
from jimeng.errors import ProviderError
from jimeng.limits.reservations import uncount_in_window
from tests.access.conftest import call
from tests.access.test_keys import ask, new_key
from tests.batches.conftest import BATCHES, draw_nothing, fill, lines, work_all
from tests.rest import USERS, data_of, refused

__all__ = ["work_all"]


def of(person, template: str, **fields) -> str:
    answer = person.api("POST", BATCHES, json={"template": template, **fields})
    return data_of(answer, 202)["batch_id"]


def test_batch_for_another_is_an_operators_alone(ada, bob, admin):
    """And what an operator does to another's stands in the audit trail."""
    body = {"template": "猫", "user_id": ada.id}
    refused(bob.api("POST", BATCHES, json=body), 403, "user_id_not_yours")
    of(ada, "狗")
    assert data_of(bob.api("GET", BATCHES)) == []

    made = data_of(admin.api("POST", BATCHES, json=body), 202)
    data_of(admin.api("POST", f"{BATCHES}/{made['batch_id']}/cancel"))

    owners = {task.user_id for task in Task.objects}
    assert (made["user_id"], owners) == (ada.id, {ada.id})
    mine = AuditEntry.objects(by=admin.id).order_by("at")
    assert [each.action for each in mine] == ["batches.create", "batches.cancel"]


def test_bounds_of_the_key_hold_for_all_of_it(ada, work_off):
    """Its day, although the request that asked is long over; what no day of it allows
    would wait for ever, and is refused."""
    key = new_key(ada, pictures_per_day=3)["key"]
    body = {"template": lines(5)}

    made = data_of(call(ada.client, "POST", BATCHES, key=key, json=body), 202)
    work_off()
    fill()

    found = data_of(ada.api("GET", f"{BATCHES}/{made['batch_id']}"))
    assert (found["made"], found["waits"]["code"]) == (3, "key_quota_exceeded")
    four = {"template": "猫", "n": 4}
    answer = call(ada.client, "POST", BATCHES, key=key, json=four)
    assert "3" in refused(answer, 429, "key_quota_exceeded")["message"]
    assert Batch.objects.count() == 1


def test_batch_leaves_the_minute_of_its_key_to_single_tasks(ada, work_off):
    """It takes what these leave."""
    key = new_key(ada, tasks_per_minute=2)
    body = {"template": lines(5)}

    made = data_of(call(ada.client, "POST", BATCHES, key=key["key"], json=body), 202)
    fill()

    def progress() -> tuple[int, str]:
        found = data_of(ada.api("GET", f"{BATCHES}/{made['batch_id']}"))
        return found["made"], found["waits"]["code"]

    assert progress() == (2, "key_too_many_submissions")
    for _ in range(2):
        data_of(ask(ada, key), 202)
    refused(ask(ada, key), 429, "key_too_many_submissions")
    uncount_in_window(f"key {key['id']} rows")
    Batch.collection().update_many({}, {"$set": {"due_at": utcnow()}})
    fill()
    assert progress() == (2, "key_too_many_submissions")


def test_key_that_is_gone_stops_it_and_its_owner_goes_on(ada, work_off):
    """What is made goes on; whoever goes on with the rest has bounds of their own."""
    key = new_key(ada)
    body = {"template": lines(WINDOW + 3)}
    made = data_of(call(ada.client, "POST", BATCHES, key=key["key"], json=body), 202)
    ApiKey.collection().delete_one({"_id": key["id"]})
    work_off()

    fill()

    path = f"{BATCHES}/{made['batch_id']}"
    found = data_of(ada.api("GET", path))
    assert (found["reason"], found["pictures"]["unmade"]) == ("key_gone", 3)
    data_of(ada.api("POST", f"{path}/retry", json={"rest": True}), 202)
    assert data_of(ada.api("GET", path))["made"] == WINDOW + 3


@pytest.mark.parametrize("change", ["disabled_at", "role"])
def test_operator_who_is_none_any_more_asks_for_nobody(ada, admin, change):
    """What an operator's key has asked for another ends with the operator."""
    body = {"template": lines(WINDOW + 3), "user_id": ada.id}
    made = data_of(admin.api("POST", BATCHES, json=body), 202)
    gone = {"disabled_at": utcnow(), "role": "user"}
    User.collection().update_one({"_id": admin.id}, {"$set": {change: gone[change]}})
    draw_nothing()

    fill()

    found = data_of(ada.api("GET", f"{BATCHES}/{made['batch_id']}"))
    assert (found["reason"], found["made"]) == ("key_gone", WINDOW)


def test_deleted_user_has_no_batches(ada, work_off):
    of(ada, lines(WINDOW + 3))
    draw_nothing()

    data_of(ada.api("DELETE", f"{USERS}/{ada.id}"))
    fill()

    assert Batch.objects.count() == Task.objects.count() == 0


def test_export_holds_all_prompts(ada):
    """Also of what is not drawn yet."""
    ada.sign_in()
    of(ada, lines(WINDOW + 3), name="一批")

    answer = ada.client.get("/account/export")

    with ZipFile(io.BytesIO(answer.get_data())) as archive:
        (found,) = json.loads(archive.read("batches.json"))
    assert (found["name"], len(found["prompts"])) == ("一批", WINDOW + 3)


def failed_one(person, provider, work_all) -> str:
    """The address of a batch of the person's own, of which one of two has failed."""
    provider.submits = [ProviderError("no", code="provider_failed")]
    path = f"{BATCHES}/{of(person, lines(2))}"
    work_all()
    assert data_of(person.api("GET", path))["lacking"]["ready"] == 1
    return path


def test_running_again_is_within_the_bounds_of_the_key_that_asks(
    ada, provider, work_all
):
    """Its models, before anything is asked for, and its day. Where the key is gone
    meanwhile, what stops is the running again, and not the batch, which is all made."""
    path = failed_one(ada, provider, work_all)
    other = new_key(ada, models=["jimeng-3.1"])["key"]
    day = new_key(ada, pictures_per_day=1)
    data_of(ask(ada, day), 202)
    work_all()

    for query in ("", "?dry_run=1"):
        again = call(ada.client, "POST", f"{path}/retry{query}", key=other)
        refused(again, 403, "model_not_allowed")
    data_of(call(ada.client, "POST", f"{path}/retry", key=day["key"]), 202)
    fill()

    found = data_of(ada.api("GET", path))
    assert found["waits"]["code"] == "key_quota_exceeded"
    assert found["pictures"]["failed"] == 1
    assert len(data_of(ada.api("GET", f"{path}/tasks"))) == 2
    ApiKey.collection().delete_one({"_id": day["id"]})
    fill()
    assert data_of(ada.api("GET", path))["reason"] == "key_gone"
    data_of(ada.api("POST", f"{path}/retry"), 202)
    work_all()
    found = data_of(ada.api("GET", path))
    assert (found["status"], found["pictures"]["done"]) == ("completed", 2)


def test_failed_ones_of_a_key_that_is_gone_are_run_again(ada, provider, work_all):
    """All of it was made: there is nothing to stop, and who asks has other bounds."""
    key = new_key(ada)
    provider.submits = [ProviderError("no", code="provider_failed")]
    body = {"template": "猫\n狗"}
    made = data_of(call(ada.client, "POST", BATCHES, key=key["key"], json=body), 202)
    work_all()
    ApiKey.collection().delete_one({"_id": key["id"]})

    data_of(ada.api("POST", f"{BATCHES}/{made['batch_id']}/retry"), 202)
    work_all()

    found = data_of(ada.api("GET", f"{BATCHES}/{made['batch_id']}"))
    assert (found["status"], found["reason"]) == ("completed", None)
    assert found["pictures"]["done"] == 2
