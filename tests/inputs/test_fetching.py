"""Pictures of elsewhere: fetched once, safely, and free of charge where none comes."""

import pytest

from jimeng.documents import Input, QuotaUsage, utcnow
from jimeng.jobs import inputs as going_in
from jimeng.providers import download
from tests import given_pictures as given
from tests.conftest import come_due
from tests.inputs.host import drips, floods, gives
from tests.inputs.test_going_in import I2I, prepared
from tests.rest import API, create, data_of, result, task


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
    assert QuotaUsage.used_on("user_123", utcnow().date()) == 0
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
