"""The same pictures go into all of a batch: taken in once, kept as long as it is."""

from contextlib import suppress

import pytest

from jimeng import batches
from jimeng.batches import filling
from jimeng.batches.creation import Batch
from jimeng.documents import Image, Input, Task
from jimeng.documents.principal import Principal
from jimeng.upkeep import janitor
from tests import given_pictures as given
from tests.batches.conftest import BATCHES, ask, draw_nothing, lines, look
from tests.inputs.conftest import host
from tests.inputs.host import gives
from tests.inputs.test_going_in import I2I, data_url
from tests.inputs.test_sweep import files, pass_time, sweep
from tests.inputs.test_uploads import UPLOADS, upload
from tests.jobs.test_deaths import Died, afresh, reaper
from tests.rest import API, create, data_of, errors_of, refused, result

__all__ = ["afresh", "host", "reaper"]

USER = {"user_id": "user_123"}


@pytest.mark.parametrize("kind", ["upload", "data", "picture", "link"])
def test_pictures_go_into_all_of_it_once(client, provider, work_off, work_all, kind):
    """However they are named: one input, which each task names, and each is sent."""
    if kind in {"picture", "link"}:
        first = create(client)
        work_off()
        images = result(client, first)["result"]["images"]
        reference = f"{first}_0" if kind == "picture" else images[0]["url"]
        provider.requests.clear()
    else:
        reference = data_url(given.photo())
        if kind == "upload":
            reference = upload(client)["id"]

    made = ask(client, lines(3), model=I2I, images=[reference], strength=0.4)
    work_all()

    assert look(client, made["batch_id"])["pictures"]["done"] == 3
    assert Input.objects.count() == 1
    rows = Task.objects(batch=made["batch_id"])
    assert [list(row.inputs) for row in rows] == [[Input.objects.get().id]] * 3
    assert [len(request.inputs) for request in provider.requests] == [1] * 3
    assert {request.strength for request in provider.requests} == {0.4}
    kept = str(Batch.collection().find_one({})) + str(list(Task.collection().find()))
    assert "base64" not in kept
    named = made["input"]["images"][0]
    assert named == (Input.objects.get().id if kind == "data" else reference)


def test_dry_run_counts_and_keeps_nothing(client):
    """The size follows from the pictures; the price is one for all. Braces in a list
    are braces; those of a template come behind."""
    body = {**USER, "prompts": ["{a|b}"], "template": "{红|蓝}猫\n红猫", "n": 2}
    body |= {"model": I2I, "images": [data_url(given.photo())]}

    found = data_of(client.post(f"{BATCHES}?dry_run=1", json=body))

    assert found["prompts"] == ["{a|b}", "红猫", "蓝猫"]
    assert (found["count_of_prompts"], found["repeated"]) == (3, 1)
    assert (found["pictures"], found["n"]) == (6, 2)
    assert (found["width"], found["height"]) == (None, None)
    assert found["cost"]["fen_of_all"] == 6 * found["cost"]["fen"] > 0
    assert Task.objects.count() == Batch.objects.count() == 0
    assert Input.objects.count() == files() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"images": ["upload_none"], "model": I2I}, "images.0"),
        ({"images": ["data:image/png;base64,eHg="], "model": I2I}, "images.0"),
        ({"images": ["THEIRS"], "model": I2I}, "images.0"),
        ({"images": ["MINE"]}, "images"),
        ({"images": ["MINE"] * 3, "model": I2I}, "images"),
        ({"images": [], "model": I2I}, "images"),
        ({"model": I2I}, "images"),
        ({"strength": 0.5}, "strength"),
        ({"images": ["MINE"], "model": "jimeng-inpaint"}, "mask"),
    ],
)
def test_what_does_not_go_in_is_refused_at_once(client, as_users, body, field):
    """By a model that takes none, too; what had been kept for it is given up."""
    mine, theirs = upload(client)["id"], upload(client, user_id="user_other")["id"]
    known = {"MINE": mine, "THEIRS": theirs}
    if "images" in body:
        body = {**body, "images": [known.get(each, each) for each in body["images"]]}
    as_users()

    answer = client.post(BATCHES, json={**USER, "template": lines(2), **body})

    assert field in errors_of(answer), answer.json
    assert Batch.objects.count() == Task.objects.count() == 0
    pass_time(hours=2)
    sweep()
    assert Input.objects.count() == 2


@pytest.fixture
def as_users(monkeypatch):
    """From now on who asks is no operator, to whom all is one's own."""
    from jimeng.http.auth import authentication

    def do() -> None:
        monkeypatch.setattr(
            authentication, "anonymous_principal", lambda: Principal("user_123")
        )

    return do


def test_deleted_upload_goes_into_what_is_still_made(client, provider, work_all):
    """Its owner sees it no more; it ends with the batch, and not before."""
    given_id = upload(client)["id"]
    made = ask(client, lines(14), model=I2I, images=[given_id])
    assert Task.objects.count() < 14
    assert client.delete(f"{UPLOADS}/{given_id}").status_code == 200
    pass_time(days=2)
    sweep()
    assert client.get(f"{UPLOADS}/{given_id}").status_code == 404

    draw_nothing()
    work_all()

    assert look(client, made["batch_id"])["pictures"]["done"] == 14
    assert len(provider.requests) == 14


def test_pictures_stay_for_tasks_that_are_not_made_yet(client):
    """Also when all that name it are gone; with the batch they go soon after."""
    made = ask(client, lines(14), model=I2I, images=[upload(client)["id"]])
    for row in Task.objects:
        client.delete(f"{API}/ai/image/task/{row.id}")
    janitor.finish_deletions()
    Task.collection().delete_many({})
    for _ in range(3):
        pass_time(days=3)
        sweep()
    assert Input.objects.count() == 1

    client.delete(f"{BATCHES}/{made['batch_id']}")
    pass_time(days=1)
    sweep()

    assert Input.objects.count() == files() == 0


def test_picture_that_cannot_be_fetched_stops_it(client, host, work_all):
    """Once it is tried in vain no more tasks are made for it, in words."""
    url = host.url("/gone.jpg", gives(b"", 404))
    made = ask(client, lines(30), model=I2I, images=[url])

    work_all()

    found = look(client, made["batch_id"])
    assert (found["status"], found["reason"]) == ("cancelled", "pictures_gone")
    assert found["pictures"]["unmade"] > 0
    assert host.asked == ["/gone.jpg"] * len(host.asked)
    assert len(host.asked) <= 3
    page = client.get(f"/batches/{made['batch_id']}", headers={"Accept-Language": "en"})
    assert "could not be fetched" in page.text


def test_same_key_finds_it_and_other_pictures_are_another_request(client):
    """And so are other fields, but for defaults that are spelled out."""
    key = {"Idempotency-Key": "k"}
    body = {**USER, "template": lines(2), "model": I2I}
    first = {**body, "images": [data_url(given.photo())]}

    spelled = {**first, "n": 1, "quality": "standard", "seed": -1}
    answers = [client.post(BATCHES, json=b, headers=key) for b in (first, spelled)]
    others = [{**body, "images": [data_url(given.photo(3))]}, {**first, "n": 2}]
    others.append({**first, "metadata": {"order": "1"}})
    told = [client.post(BATCHES, json=other, headers=key) for other in others]

    ids = {data_of(each, 202)["batch_id"] for each in answers}
    assert (len(ids), Input.objects.count()) == (1, 1)
    assert (Batch.objects.count(), Task.objects.count()) == (1, 2)
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    for each in told:
        refused(each, 422, "idempotency_key_reused")


def test_death_while_it_is_asked_for_leaves_no_picture_behind(
    client, reaper, afresh, provider, work_all, monkeypatch
):
    """At each write: there is a batch with its picture, or in the end neither."""
    monkeypatch.setattr(janitor, "REQUEST_GRACE", -janitor.REQUEST_GRACE)
    monkeypatch.setattr(filling, "begin", lambda batch: None)
    body = {**USER, "template": lines(2), "model": I2I}
    body["images"] = [data_url(given.photo())]
    for number in afresh.each_moment(least=4):
        reaper.arm(number)
        with suppress(Died):
            client.post(BATCHES, json=body)
        reaper.disarm()

        pass_time(hours=2)
        sweep()

        there = Batch.objects.count()
        assert Input.objects.count() == there, reaper.seen[-3:]
        if there:
            work_all()
            assert len(provider.requests) == 2, reaper.seen[-3:]


def test_run_again_and_form_have_the_pictures(client, work_all):
    """The form of another like it shows them; what is missing is drawn from them."""
    given_id = upload(client, user_id="guest")["id"]
    body = {"template": lines(3), "model": I2I, "images": [given_id]}
    made = data_of(client.post(BATCHES, json={"user_id": "guest", **body}), 202)
    batches.cancel(Principal("guest"), made["batch_id"])
    client.post(f"{BATCHES}/{made['batch_id']}/retry", json={"rest": True})

    work_all()

    assert look(client, made["batch_id"])["pictures"]["done"] == 3
    assert Image.objects.count() == 3
    page = client.get(f"/batches/new?batch={made['batch_id']}").text
    assert f'name="image" value="{given_id}"' in page
