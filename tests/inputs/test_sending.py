"""Submissions with pictures in them: their bodies, their time, and their leases."""

from datetime import timedelta

import pytest
from PIL import Image as Pillow

from jimeng import jobs
from jimeng.documents import Generation, utcnow
from jimeng.jobs.submission import submitting_lease
from jimeng.providers import ImageRequest, InputPicture, Progress
from tests import given_pictures as given
from tests.conftest import come_due
from tests.inputs.test_going_in import I2I, prepared
from tests.inputs.test_preparing import step
from tests.inputs.test_uploads import upload
from tests.rest import create, result


def test_body_of_12_megabytes_has_its_time(client, provider, work_off):
    """The lease of a submission covers what a slow line takes."""
    model = jobs.runtime().registry.by_lane("volcengine_jimeng:jimeng_i2i_v30")

    picture = InputPicture(bytes(9_000_000), "image/jpeg", 9, 9)
    request = ImageRequest("x", "x", 9, 9, None, inputs=(picture,))

    usual, large = submitting_lease(model), submitting_lease(model, request.sending)

    assert usual == timedelta(seconds=25)
    assert large - usual == timedelta(seconds=10 + 120)


def test_body_that_cannot_be_written_waits_again(
    client, provider, work_off, monkeypatch
):
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
        leases.append((row["due_at"] - utcnow()).total_seconds())
        return Progress("remote-1")

    provider.submits = [look]
    noise = Pillow.effect_noise((1000, 1000), 100).convert("RGB")
    content = given.encoded(noise, "JPEG", quality=95)
    create(client, model=I2I, images=[upload(client, content)["id"]])

    prepared(work_off)

    size = len(provider.requests[0].inputs[0].data)
    assert size > 100_000
    assert leases[0] == pytest.approx(25 + 10 + size * 4 / 3 / 100_000, abs=2)
