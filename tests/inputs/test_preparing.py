"""What goes in is fetched and made ready by a worker before a turn, and sent."""

from datetime import timedelta

import pytest
from PIL import Image as Pillow

from jimeng import jobs
from jimeng.billing.costs import today
from jimeng.documents import Generation, Input, QuotaUsage, Task, utcnow
from jimeng.jobs import input_preparation
from jimeng.jobs import inputs as going_in
from jimeng.providers import InputPicture, Progress, Registry, download
from tests import given_pictures as given
from tests.conftest import come_due, png
from tests.inputs.host import drips, floods, gives
from tests.inputs.test_going_in import I2I, INPAINT, UPSCALE, prepared
from tests.inputs.test_uploads import upload
from tests.rest import API, CREATE, create, data_of, result, task
from tests.test_guards import work, work_due


def tried_out(work_off) -> None:
    """Run until nothing is left to try, moving the time."""
    for _ in range(8):
        Input.collection().update_many({}, {"$unset": {"not_before": ""}})
        come_due(state="preparing")
        work_off()


def test_picture_of_elsewhere_is_fetched_upright(client, host, provider, work_off):
    """By a worker, once, wherever it redirects; what was not known is known then."""
    host.url("/b.jpg", gives(given.photo()))
    url = host.url("/a.jpg", gives(b"", 302, Location="/b.jpg"))
    made = create(client, model=I2I, n=3, images=[url])
    assert host.asked == []
    assert (task(client, made)["width"], task(client, made)["height"]) == (None, None)

    prepared(work_off)

    assert len(result(client, made)["result"]["images"]) == 3
    assert len({request.inputs[0].data for request in provider.requests}) == 1
    (picture,) = provider.requests[0].inputs
    assert (picture.width, picture.height) == (400, 300)
    assert b"Exif" not in picture.data
    assert host.asked == ["/a.jpg", "/b.jpg"]
    assert task(client, made)["width"] > task(client, made)["height"]
    assert task(client, made)["input"]["images"] == [url]


TRAPS = {
    "not found": gives(b"", 404),
    "to a private address": gives(b"", 302, Location="http://10.0.0.7/secret"),
    "to the metadata": gives(b"", 302, Location="https://169.254.169.254/latest"),
    "to this server": gives(b"", 302, Location="https://localhost/api/v1/queue"),
    "to a file": gives(b"", 302, Location="file:///etc/passwd"),
    "round and round": gives(b"", 302, Location="/trap"),
    "nothing": gives(b""),
    "without end": drips,
    "too much": floods,
}


@pytest.mark.parametrize("trap", TRAPS)
def test_what_cannot_be_fetched_ends_the_task_free_of_charge(
    client, host, provider, work_off, monkeypatch, trap
):
    """After three tries; nothing was sent, nothing is charged, no day is used up."""
    monkeypatch.setattr(going_in, "FETCH_TIMEOUT_S", 0.6)
    asked: list[str] = []
    addresses = download.public_addresses

    def noted(name: str, *rest: object, **how: object) -> object:
        asked.append(name)
        return addresses(name, *rest, **how)

    monkeypatch.setattr(download, "public_addresses", noted)
    made = create(client, model=I2I, images=[host.url("/trap", TRAPS[trap])])

    tried_out(work_off)

    found = result(client, made)
    assert found["status"] == "failed"
    error = found["error"]
    assert (error["code"], error["charged"]) == ("input_unreachable", "no")
    assert error["retryable"]
    assert provider.requests == []
    (quota_usage,) = QuotaUsage.collection().find()
    assert [lane["pending"] for lane in quota_usage["lanes"].values()] == [0]
    assert QuotaUsage.used_on("user_123", today().isoformat()) == 0
    assert "localhost" not in asked
    assert Input.objects.first().tries == 2  # and the third was the last


@pytest.mark.parametrize("reason", ["svg", "truncated", "pixels", "gif", "unknown"])
def test_what_is_no_picture_is_tried_once(client, host, provider, work_off, reason):
    url = host.url("/a", gives(given.HOSTILE[reason]()))
    made = create(client, model=I2I, images=[url])

    tried_out(work_off)

    error = result(client, made)["error"]
    assert (error["code"], error["charged"]) == ("input_invalid", "no")
    assert host.asked == ["/a"]
    assert provider.requests == []


def test_retry_fetches_anew(client, host, provider, work_off):
    url = host.url("/a", gives(b"", 404))
    made = create(client, model=I2I, images=[url])
    tried_out(work_off)
    host.url("/a", gives(given.photo()))

    again = data_of(client.post(f"{API}/tasks/{made}/retry"), 202)["task_id"]
    prepared(work_off)

    assert result(client, again)["status"] == "completed"


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
    for page in ("/", "/?show=all", f"/tasks/{made}"):
        answer = client.get(page)
        assert answer.status_code == 200
    assert "准备图片" in client.get(f"/tasks/{made}").text
    data_of(client.post(f"{API}/tasks/{made}/cancel"))
    prepared(work_off)
    assert (host.asked, provider.requests) == ([], [])
    assert [row["state"] for row in Generation.collection().find()] == ["dropped"]
    assert QuotaUsage.used_on("user_123", today().isoformat()) == 0


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
    offered = list(registry.models.values())
    registry.offer(each for each in offered if each.id != I2I)
    step()
    assert result(client, made)["phase"] == "preparing"

    Generation.collection().update_many(
        {}, {"$set": {"created_at": utcnow() - timedelta(hours=13)}}
    )
    step()
    registry.offer(offered)

    error = result(client, made)["error"]
    assert (error["code"], error["charged"]) == ("provider_not_configured", "no")


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


ARK, VISUAL = "doubao-seedance-1.0-pro", "jimeng-video-3.0"


@pytest.fixture
def registry(provider) -> Registry:
    names = ("volcengine_ark", "volcengine_jimeng")
    return Registry(dict.fromkeys(names, provider), dict.fromkeys(names, 3))


def create_video(client, **fields: object) -> Task:
    """Its frames are checked when they have come."""
    body = {"prompt": "灯笼", "user_id": "ada", **fields}
    answer = client.post(f"{API}/ai/video/task", json=body)
    return Task.find_one({"_id": data_of(answer, 202)["task_id"]})


def test_adaptive_video_has_the_ratio_of_its_frame(client, host, provider, work_off):
    """And is estimated and priced for that."""
    url = host.url("/tall.png", gives(png(600, 900)))
    task = create_video(client, model=ARK, first_frame=url, resolution="480p")
    assert (task.width, task.height) == (864, 480)

    prepared(work_off)

    (found,) = Task.find_all({})
    (request,) = provider.requests
    assert (request.width, request.height) == (544, 736)
    assert (found.width, found.height) == (544, 736)
    (generation,) = Generation.find_all({"task_id": task.id})
    assert (generation.width, generation.height) == (544, 736)


@pytest.mark.parametrize("size", [(900, 600), (600, 900)])
def test_frames_that_must_be_alike_are_checked_before_they_are_paid_for(
    client, host, provider, work_off, size
):
    first = host.url("/first.png", gives(png(480, 320, "teal")))
    last = host.url("/last.png", gives(png(*size, "red")))
    create_video(client, model=VISUAL, first_frame=first, last_frame=last)

    prepared(work_off)

    (found,) = Task.find_all({})
    is_alike = size == (900, 600)
    assert len(provider.requests) == is_alike
    failed = {0: {"code": "input_invalid", "charged": "no"}}
    assert found.failures == ({} if is_alike else failed)
