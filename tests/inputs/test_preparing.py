"""What goes in is made ready by a worker before a turn, and sent with its body."""

from datetime import timedelta

import pytest
from PIL import Image as Pillow

from jimeng import jobs
from jimeng.documents import Generation, Input, QuotaUsage, Task, utcnow
from jimeng.jobs import input_preparation
from jimeng.jobs.submission import submitting_lease
from jimeng.providers import ImageRequest, InputPicture, Progress
from tests import given_pictures as given
from tests.conftest import come_due
from tests.inputs.host import gives
from tests.inputs.test_fetching import tried_out
from tests.inputs.test_going_in import I2I, INPAINT, UPSCALE, prepared, sent
from tests.inputs.test_uploads import upload
from tests.rest import API, CREATE, create, data_of, result, task
from tests.test_guards import work, work_due


def test_picture_that_does_not_go_with_its_model_ends_it(client, host, work_off):
    """Known when it has come: nothing to enlarge, or a mask of another size."""
    large = given.encoded(given.halves(4096, 2048), "JPEG")
    url = host.url("/a", gives(large))
    mask = host.url("/mask", gives(given.clear(64, 64)))
    body = {"model": INPAINT, "images": [upload(client)["id"]], "mask": mask}
    made = [
        create(client, model=UPSCALE, prompt="", images=[url]),
        create(client, **body),
    ]

    tried_out(work_off)

    codes = [result(client, each)["error"]["code"] for each in made]
    assert codes == ["input_invalid"] * 2


def test_waiting_picture_holds_no_slot_and_no_turn(client, host, provider, work_off):
    """Others go before it; once cancelled its place is given back, and its day."""
    url = host.url("/a", gives(given.photo()))
    made = create(client, model=I2I, images=[url])

    (row,) = Generation.collection().find({"task_id": made})
    assert row["state"] == "preparing"
    assert row["waiting"] is True
    assert "turn" not in row or row["turn"] == 0
    assert "slot" not in row
    found = result(client, made)
    assert (found["status"], found["phase"]) == ("pending", "preparing")
    for page in ("/", "/tasks", f"/tasks/{made}"):
        answer = client.get(page)
        assert answer.status_code == 200
    assert "准备图片" in client.get(f"/tasks/{made}").text
    data_of(client.post(f"{API}/tasks/{made}/cancel"))
    prepared(work_off)
    assert (host.asked, provider.requests) == ([], [])
    assert [row["state"] for row in Generation.collection().find()] == ["dropped"]
    assert QuotaUsage.used_on("user_123", utcnow().date()) == 0


def step() -> None:
    work_due(state="preparing")


def test_one_worker_at_a_time_prepares(client, host, monkeypatch):
    """While the place is taken nothing is fetched, and nothing is lost."""
    url = host.url("/a", gives(given.photo()))
    create(client, model=I2I, images=[url])

    input_preparation._permits.acquire()
    try:
        step()
        assert host.asked == []
    finally:
        input_preparation._permits.release()
    step()

    assert host.asked == ["/a"]


def test_one_input_of_a_user_at_a_time(client, host):
    """Another consumer leaves a second one of the same user alone, not of others."""
    urls = [host.url(f"/{name}", gives(given.photo())) for name in "abc"]
    create(client, model=I2I, images=[urls[0]])
    busy = Input.objects.first()
    assert Input.claim(busy.id, "user_123", utcnow() + timedelta(seconds=60))
    create(client, model=I2I, images=[urls[1]])
    create(client, model=I2I, images=[urls[2]], user_id="somebody_else")

    step()

    assert host.asked == ["/c"]


def test_worker_that_died_holds_up_nothing(client, host, provider, work_off):
    """Its claim ends by itself, and what it wrote too late is not taken."""
    url = host.url("/a", gives(given.photo()))
    made = create(client, model=I2I, images=[url])
    found = Input.objects.first()
    late = Input.claim(found.id, "user_123", utcnow() - timedelta(seconds=1))
    assert late is not None

    prepared(work_off)

    assert result(client, made)["status"] == "completed"
    assert late.finish_preparation({"state": "gone"}) is None


def test_input_deleted_between_creation_and_submission(client, provider, work_off):
    """The task has been promised: it goes on. Nobody sees the upload any more."""
    first = create(client)
    work_off()
    provider.requests.clear()
    given_id = upload(client)["id"]
    references = (given_id, f"{first}_0")
    made = [create(client, model=I2I, images=[each]) for each in references]

    data_of(client.delete(f"{API}/uploads/{given_id}"))
    data_of(client.delete(f"{CREATE}/{first}"))
    prepared(work_off)

    assert [result(client, each)["status"] for each in made] == ["completed"] * 2
    assert [len(request.inputs) for request in provider.requests] == [1, 1]
    assert client.get(f"{API}/uploads/{given_id}").status_code == 404


def test_bytes_that_are_lost_end_it_free_of_charge(client, provider, work_off):
    """Somebody has removed them by hand: it is said, and nothing is sent without."""
    made = create(client, model=I2I, images=[upload(client)["id"]])
    jobs.runtime().inputs.delete(Input.objects.first().file_id)

    prepared(work_off)

    error = result(client, made)["error"]
    assert (error["code"], error["charged"]) == ("input_unreachable", "no")
    assert provider.requests == []
    assert Generation.collection().count_documents({"slot": {"$exists": True}}) == 0


def test_lineage_is_told_both_ways(client, work_off):
    first = create(client)
    work_off()
    made = create(client, model=I2I, images=[f"{first}_0"])
    prepared(work_off)

    source, product = task(client, first), task(client, made)

    assert source["result"]["images"][0]["made_into"] == [made]
    (origin,) = product["made_from"]
    assert origin["picture"] == f"{first}_0"
    assert origin["upload"].startswith("upload_")
    assert product["result"]["images"][0]["made_into"] == []
    assert source["made_from"] == []


def test_model_of_another_release_waits_for_it(client, provider, work_off, registry):
    """Where nobody offers the model the task ends after the deadline, uncharged."""
    made = create(client, model=I2I, images=[upload(client)["id"]])
    offered = dict(registry.models)
    registry.models = {k: v for k, v in offered.items() if v.id != I2I}
    step()
    assert result(client, made)["phase"] == "preparing"

    Generation.collection().update_many(
        {}, {"$set": {"created_at": utcnow() - timedelta(hours=13)}}
    )
    step()
    registry.models = offered

    error = result(client, made)["error"]
    assert (error["code"], error["charged"]) == ("provider_not_configured", "no")


def test_plan_cut_off_is_completed_as_it_was_meant(client, provider, work_off):
    """A request that died between its two writes has its pictures prepared, too."""
    from jimeng.jobs import janitor

    made = create(client, model=I2I, images=[upload(client)["id"]])
    Generation.collection().delete_many({})
    old = {"$set": {"created_at": utcnow() - timedelta(minutes=1)}}
    Task.collection().update_one({"_id": made}, old)

    janitor.backfill_all_generations()
    assert Generation.objects.first().state == "preparing"
    prepared(work_off)

    assert result(client, made)["status"] == "completed"
    assert len(sent(provider).inputs) == 1


def due(made: str) -> float:
    """Seconds until a task's first picture is looked at."""
    (row,) = Generation.collection().find({"task_id": made})
    return (row["due_at"] - utcnow()).total_seconds()


@pytest.mark.parametrize("other", ["somebody_else", "user_123"])
def test_whoever_is_ready_wakes_the_next(client, host, other):
    """Another user before another task of the same one; nobody waits in vain."""
    urls = [host.url(f"/{name}", gives(given.photo())) for name in "abc"]
    first = create(client, model=I2I, images=[urls[0]])
    same = create(client, model=I2I, images=[urls[1]])
    another = create(client, model=I2I, images=[urls[2]], user_id=other)
    for made, seconds in ((same, 800), (another, 900)):
        later = {"$set": {"due_at": utcnow() + timedelta(seconds=seconds)}}
        Generation.collection().update_many({"task_id": made}, later)

    work()

    assert host.asked == ["/a"]
    assert due(first) <= 0
    woken, waiting = (another, same) if other != "user_123" else (same, another)
    assert due(woken) <= 0 < due(waiting)


def test_body_of_12_megabytes_has_its_time(client, provider, work_off):
    """The lease of a submission covers what a slow line takes."""
    model = jobs.runtime().registry.by_lane("volcengine_jimeng:jimeng_i2i_v30")

    picture = InputPicture(bytes(9_000_000), "image/jpeg", 9, 9)
    request = ImageRequest("x", "x", 9, 9, None, inputs=(picture,))

    usual, large = submitting_lease(model), submitting_lease(model, request.sending)

    assert usual == timedelta(seconds=25)
    assert large - usual == timedelta(seconds=10 + 120)


def test_body_that_breaks_waits_again(client, provider, work_off, monkeypatch):
    """Nothing was sent: the slot is free after the lease, and it goes again."""
    made = create(client, model=I2I, images=[upload(client)["id"]])

    def breaks(picture: InputPicture) -> str:
        assert Generation.objects.first().state == "starting"
        raise MemoryError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(InputPicture, "text", property(breaks))
        step()
    (row,) = Generation.collection().find()
    assert (row["state"], provider.requests) == ("starting", [])

    come_due()
    prepared(work_off)

    assert result(client, made)["status"] == "completed"
    assert len(provider.requests) == 1


def test_lease_of_a_submission_is_as_long_as_its_pictures(client, provider, work_off):
    """What is written before the first byte covers all of them."""
    leases = []

    def look():
        row = Generation.collection().find_one({"state": "submitting"})
        leases.extend((row["due_at"] - utcnow(), row["due_at"] - begun))
        return Progress("remote-1")

    provider.submits = [look]
    noise = Pillow.effect_noise((1000, 1000), 100).convert("RGB")
    content = given.encoded(noise, "JPEG", quality=95)
    create(client, model=I2I, images=[upload(client, content)["id"]])
    begun = utcnow()

    prepared(work_off)

    size = len(provider.requests[0].inputs[0].data)
    assert size > 100_000
    lease = timedelta(seconds=25 + 10 + size * 4 / 3 / 100_000)
    least, most = leases
    assert least <= lease <= most + timedelta(milliseconds=1)
