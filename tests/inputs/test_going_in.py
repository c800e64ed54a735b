"""Pictures on their way into a task, from every kind of reference, or refused."""

import base64
import io

import pytest
from PIL import Image as Pillow

from jimeng.documents import Generation, Input, Task
from jimeng.errors import ProviderError
from tests import given_pictures as given
from tests.conftest import come_due
from tests.each import for_each
from tests.inputs.test_uploads import UPLOADS, upload
from tests.rest import CAT, CREATE, GENERAL, create, data_of, errors_of, result, task

I2I, INPAINT = "jimeng-i2i-3.0", "jimeng-inpaint"
OUTPAINT, UPSCALE = "jimeng-outpaint", "jimeng-upscale"


def data_url(content: bytes, kind: str = "image/jpeg") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def opened(content: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(content))


def prepared(work_off) -> None:
    """Run all there is to do, what is being prepared too."""
    for _ in range(8):
        come_due(state="preparing")
        work_off()


def sent(provider):
    (request,) = provider.requests
    return request


@pytest.mark.parametrize("route", [CREATE, GENERAL])
@pytest.mark.parametrize("kind", ["upload", "data", "picture", "link"])
def test_reference_goes_in(client, provider, work_off, kind, route):
    """An upload, a data: URL, a picture of one's own by its id and by its link."""
    more = {"type": "image"} if route == GENERAL else {}
    if kind == "upload":
        reference = upload(client)["id"]
    elif kind == "data":
        reference = data_url(given.photo())
    else:
        first = create(client)
        work_off()
        images = result(client, first)["result"]["images"]
        reference = f"{first}_0" if kind == "picture" else images[0]["url"]
        provider.requests.clear()
    body = {**CAT, **more, "model": I2I, "images": [reference], "strength": 0.5}

    made = data_of(client.post(route, json=body), 202)["task_id"]
    waiting = result(client, made)
    prepared(work_off)

    assert waiting["phase"] == "preparing"
    assert result(client, made)["status"] == "completed"
    (picture,) = sent(provider).inputs
    assert opened(picture.data).size == (picture.width, picture.height)
    assert sent(provider).strength == 0.5
    if kind in {"upload", "data"}:
        assert (picture.width, picture.height) == (400, 300)
        assert b"Exif" not in picture.data and b"Maker" not in picture.data
    record = task(client, made)
    if kind == "data":
        assert record["input"]["images"][0].startswith("upload_")
    else:
        assert record["input"]["images"] == [reference]


def test_mask_goes_in_as_one_channel(client, provider, work_off):
    """
    255 where it was clear, 0 elsewhere, nothing between: it shrinks with its picture by
    whole pixels.
    """
    noise = Pillow.effect_noise((3000, 3000), 100).convert("RGB")
    picture = upload(client, given.encoded(noise, "JPEG", quality=97))["id"]
    mask = upload(client, given.clear(3000, 3000))["id"]

    made = create(client, model=INPAINT, images=[picture], mask=mask)
    prepared(work_off)

    assert result(client, made)["status"] == "completed"
    request = sent(provider)
    (first,) = request.inputs
    assert len(first.data) <= 4_700_000
    found = opened(request.mask.data)
    width, height = first.width, first.height
    assert (found.mode, found.size) == ("L", (width, height))
    assert sorted(colour for _, colour in found.getcolors()) == [0, 255]
    assert found.getpixel((width // 3, height // 3)) == 255
    assert found.getpixel((width - 9, height - 9)) == 0


def test_edges_go_in_and_no_words(client, provider, work_off):
    """And the upload is kept as long as a task names it; enlarging needs no words."""
    picture = upload(client)["id"]
    body = {"user_id": "user_123", "model": UPSCALE, "images": [picture]}

    made = create(client, model=OUTPAINT, images=[picture], expand={"left": 0.25})
    assert data_of(client.get(f"{UPLOADS}/{picture}"))["expires_at"] is None
    larger = data_of(client.post(CREATE, json=body), 202)["task_id"]
    prepared(work_off)

    records = [task(client, each) for each in (made, larger)]
    sizes = [(each["width"], each["height"]) for each in records]
    assert sizes == [(500, 300), (4096, 3072)]
    wide, large = provider.requests
    assert (wide.expand.left, large.prompt) == (0.25, "")


def test_same_request_with_the_same_bytes_is_one_task(client):
    """However they looked; other bytes are another one. None is written as text."""
    headers, url = {"Idempotency-Key": "k1"}, data_url(given.photo())
    body = {**CAT, "model": I2I, "images": [url]}
    alike = {**body, "images": [data_url(given.photo(), "image/png")]}
    other = {**body, "images": [data_url(given.photo(3))]}

    first = client.post(CREATE, json=body, headers=headers)
    again = client.post(CREATE, json=alike, headers=headers)
    refused = client.post(CREATE, json=other, headers=headers)

    assert data_of(again, 202)["task_id"] == data_of(first, 202)["task_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert refused.json["error"] == "idempotency_key_reused"
    assert Input.collection().count_documents({}) == 1
    assert url[:60] not in str(list(Task.collection().find()))
    assert url[30:60] not in str(list(Generation.collection().find()))


def test_what_went_in_goes_in_once_more(client, provider, work_off):
    """Full is no failure; and a failed task runs again with its pictures."""
    busy = ProviderError("full", code="concurrency_limited", transient=True)
    provider.submits = [busy, ProviderError("no", code="content_refused_prompt")]
    made = create(client, model=I2I, images=[upload(client)["id"]])
    prepared(work_off)
    assert result(client, made)["status"] == "failed"

    again = data_of(client.post(f"/api/v1/tasks/{made}/retry"), 202)["task_id"]
    prepared(work_off)

    assert result(client, again)["status"] == "completed"
    given_again = [request.inputs[0].data for request in provider.requests]
    assert (len(given_again), len(set(given_again))) == (3, 1)


def test_delay_begins_at_once_with_what_goes_in(client, provider, work_off):
    body = {**CAT, "type": "image", "model": I2I, "delay": 3600}
    body["images"] = [upload(client)["id"]]

    made = data_of(client.post(GENERAL, json=body), 202)["task_id"]
    come_due(state="preparing")
    work_off()

    (state,) = [row["state"] for row in Generation.collection().find()]
    assert (state, provider.requests) == ("delayed", [])
    assert result(client, made)["phase"] == "queued"


def test_without_sign_in_any_upload_may_be_named(client, provider, work_off):
    """Nobody knows whose it is; what goes into a task is its user's all the same."""
    found = upload(client, user_id="somebody_else")["id"]

    made = create(client, model=I2I, images=[found])
    prepared(work_off)

    assert result(client, made)["status"] == "completed"
    (mine,) = Input.collection().find({"user_id": "user_123"})
    assert Task.find_one({"_id": made}).inputs == [mine["_id"]]
    assert mine["_id"] != found
    assert len(sent(provider).inputs) == 1


def test_large_picture_is_made_to_fit_once(client, provider, work_off):
    """Its quality first, then its sides; for all tasks of models with these limits."""
    noise = Pillow.effect_noise((4000, 3000), 100).convert("RGB")
    found = upload(client, given.encoded(noise, "JPEG", quality=97))
    assert found["bytes"] > 4_700_000
    create(client, model=I2I, n=2, images=[found["id"]])
    create(client, model=I2I, images=[found["id"]])

    prepared(work_off)

    (kept,) = Input.collection().find()
    assert len(kept["fitted"]) == 1
    pictures = [request.inputs[0] for request in provider.requests]
    assert len(pictures) == 3 and len({each.data for each in pictures}) == 1
    assert len(pictures[0].data) <= 4_700_000
    assert opened(pictures[0].data).size == (pictures[0].width, pictures[0].height)
    assert pictures[0].width / pictures[0].height == pytest.approx(4 / 3, rel=0.01)


@for_each(
    ("fields", "wrong"),
    [
        ({"images": ["upload_aaaaaaaaaaaaaaaaaaaaaa"]}, "images.0"),
        ({"images": ["volcengine_img_nothing_0"]}, "images.0"),
        ({"images": ["http://localhost/i/aaaaaaaaaaaaaaaaaaaaaa.jpg"]}, "images.0"),
        ({"images": ["http://example.com/a.jpg"]}, "images.0"),
        ({"images": ["https://user@example.com/a.jpg"]}, "images.0"),
        ({"images": ["https://127.0.0.1/a.jpg"]}, "images.0"),
        ({"images": ["https://10.0.0.7/a.jpg"]}, "images.0"),
        ({"images": ["https://[::1]/a.jpg"]}, "images.0"),
        ({"images": ["https://169.254.169.254/latest/meta-data"]}, "images.0"),
        ({"images": ["data:image/png,abc"]}, "images.0"),
        ({"images": ["data:image/png;base64,@@@"]}, "images.0"),
        ({"images": [data_url(given.SVG)]}, "images.0"),
        ({"images": []}, "images"),
        ({"images": "text"}, "images"),
        ({"images": [1]}, "images.0"),
        ({"images": [data_url(given.photo())] * 2}, "images"),
        ({"strength": 2}, "strength"),
        ({"strength": 0.5}, "images"),
        ({"expand": {"left": 0.2}}, "expand"),
        ({"expand": {"middle": 0.2}}, "expand.middle"),
        ({"mask": data_url(given.clear())}, "mask"),
    ],
)
def test_what_does_not_go_in_is_named(client, fields, wrong):
    """Before anything is written, and nothing is left of what came along."""
    answer = client.post(CREATE, json={**CAT, "model": I2I, **fields})

    assert wrong in errors_of(answer)
    assert Task.collection().count_documents({}) == 0
    assert Input.collection().count_documents({"unnamed": True}) == 0


def test_public_address_may_be_named(client):
    """By its number, too; it is asked for when its turn comes."""
    for host in ("example.com", "93.184.216.34"):
        create(client, model=I2I, images=[f"https://{host}/a.jpg"])


def test_what_does_not_go_with_a_model_is_refused(client):
    """A mask of another size, or nowhere clear; and a picture, with who takes it."""
    picture = upload(client)["id"]
    mask = data_url(given.clear(64, 64), "image/png")
    body = {**CAT, "model": INPAINT, "images": [picture]}

    other_size = client.post(CREATE, json={**body, "mask": mask})
    nowhere_clear = client.post(CREATE, json={**body, "mask": picture})
    no_pictures = client.post(CREATE, json={**CAT, "images": [picture]})

    assert "400x300" in errors_of(other_size)["mask"][0]
    assert list(errors_of(nowhere_clear)) == ["mask"]
    assert I2I in errors_of(no_pictures)["images"][0]


def test_large_body_is_for_pictures_alone(client):
    """Sixteen times as much where a data: URL is in it, and not otherwise."""
    noise = Pillow.effect_noise((1400, 1400), 100).convert("RGB")
    content = given.encoded(noise, "PNG")
    assert len(content) > 2**20

    body, link = {**CAT, "model": I2I}, f"https://example.com/{'x' * 2**20}"

    answer = client.post(CREATE, json={**CAT, "style": "x" * 2**20})
    with_words = client.post(CREATE, json={**body, "images": [link]})
    with_picture = client.post(CREATE, json={**body, "images": [data_url(content)]})

    assert (answer.status_code, with_words.status_code) == (413, 413)
    data_of(with_picture, 202)
