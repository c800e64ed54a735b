"""``POST /v1/images/edits``: pictures that go in, as clients really send them."""

import base64
import io

import pytest
from PIL import Image as Pillow

from jimeng.documents import Input, Task
from jimeng.http import long_polls, requests
from tests import given_pictures as given
from tests.each import for_each
from tests.openai.conftest import EDITS, GENERATIONS, error_of

I2I, INPAINT = "jimeng-i2i-3.0", "jimeng-inpaint"


def form(*files: tuple[str, bytes], **fields: str) -> dict:
    """What `client.post` takes for a form of these files."""
    data: dict = dict(fields)
    for name, content in files:
        # LiteLLM sends the whole path as a name.
        data.setdefault(name, []).append((io.BytesIO(content), "dir/a.png"))
    return {"data": data, "content_type": "multipart/form-data"}


def raw(content: bytes, boundary: str, **fields: str) -> dict:
    """The same of one file, byte for byte."""
    parts = [(f'name="{name}"', text.encode()) for name, text in fields.items()]
    parts += [('name="prompt"', b"a hat"), ('name="image[]"; filename="a"', content)]
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
        + part
        + b"\r\n"
        for head, part in parts
    )
    kind = f"multipart/form-data; boundary={boundary}"
    return {"data": body + f"--{boundary}--\r\n".encode(), "content_type": kind}


def photo(colour: str = "teal", width: int = 800, height: int = 600) -> bytes:
    return given.encoded(Pillow.new("RGB", (width, height), colour), "JPEG")


def sent(provider):
    (request,) = provider.requests
    return request


# As the clients of the same name send it: the picture's field, and the others.
SHAPES: dict[str, tuple[str, dict[str, str]]] = {
    "cherry-studio": ("image", {"model": I2I, "size": "1024x1024"}),
    "n8n": ("image[]", {"model": I2I, "n": "1", "size": "1024x1024"}),
    "LiteLLM": ("image[]", {"model": I2I}),
    "Open WebUI": ("image", {"model": "gpt-image-1", "n": "1", "size": "512x512"}),
    "indexed": ("image[0]", {"input_fidelity": "high"}),
    "no model": ("image", {"quality": "auto", "stream": "false"}),
}


@pytest.mark.parametrize("client_name", SHAPES)
def test_shapes_of_clients_are_edited(client, draws, provider, client_name):
    """One submission each, with the picture in it, whose ratio rules without a size."""
    name, fields = SHAPES[client_name]

    answer = client.post(EDITS, **form((name, photo()), prompt="a hat", **fields))

    assert answer.status_code == 200, answer.text
    (picture,) = sent(provider).inputs
    assert (picture.width, picture.height) == (800, 600)
    request, ratio = sent(provider), 1 if "size" in fields else 800 / 600
    assert request.width / request.height == pytest.approx(ratio, rel=0.03)
    assert len(answer.json["data"]) == 1


def test_json_with_pictures_is_as_good(client, draws, provider):
    """Also with generations, as gateways send them, which know one route."""
    text = base64.b64encode(photo()).decode()
    url = f"data:image/jpeg;base64,{text}"
    values = (url, [url], [{"image_url": url}], text)
    requests = [(EDITS, {"model": I2I, "image": value}) for value in values]
    for path, fields in [*requests, (GENERATIONS, {"images": [url]})]:
        provider.requests.clear()
        answer = client.post(path, json={"prompt": "a hat", **fields})
        assert answer.status_code == 200, answer.text
        assert len(sent(provider).inputs) == 1
    edit = {"prompt": "a hat", "image": url, "stream": True}
    assert "event: image_edit.completed\n" in client.post(EDITS, json=edit).text


def test_mask_goes_to_a_model_that_takes_it(client, draws, provider):
    """Where the client names none of ours."""
    files = [("image", photo()), ("mask", given.clear(800, 600))]

    answer = client.post(EDITS, **form(*files, prompt="a hat", model="gpt-image-1"))

    assert answer.status_code == 200, answer.text
    task = client.get(f"/api/v1/tasks/{answer.json['task_id']}").json["data"]
    assert (task["model"], task["has_mask"]) == (INPAINT, True)
    assert task["input"]["prompt"] == "a hat"
    assert "base64" not in str(task)


@for_each(
    ("files", "fields", "param"),
    [
        ([], {}, "image"),
        ([("image", b"")], {}, "image"),
        ([("image", b"GIF89a?")], {}, "image"),
        ([("image", photo())] * 3, {"model": I2I}, "image"),
        ([("image", photo())], {"model": "jimeng-3.1"}, "image"),
        ([("image", photo()), ("mask", given.clear(10, 10))], {}, "mask"),
        ([("image", photo()), ("mask", given.clear(800, 600))], {"model": I2I}, "mask"),
        ([("image", photo())], {"n": "9"}, "n"),
    ],
)
def test_what_cannot_be_edited_is_refused(client, provider, files, fields, param):
    """By the name that the client has for it, with nothing created."""
    answer = client.post(EDITS, **form(*files, **{"prompt": "x", **fields}))

    assert error_of(answer, 400, f"invalid_{param}")["param"] == param
    assert Task.collection().count_documents({}) == 0


def test_repetition_with_another_boundary_is_the_same(hurried, client, work_off):
    """And with another picture it is not."""

    def post(content: bytes, boundary: str, repeats: int) -> str:
        answer = hurried.test_client().post(
            EDITS,
            **raw(content, boundary),
            headers={"x-stainless-retry-count": str(repeats)},
        )
        return error_of(answer, 504, "wait_over")["task_id"]

    first = post(photo(), "aaa", 0)

    assert post(photo(), "bbb", 1) == first
    assert post(photo("red"), "bbb", 1) != first
    assert Input.collection().count_documents({}) == 2


def test_room_for_a_body_is_free_while_its_sender_waits(hurried, monkeypatch):
    """So that those who wait keep nobody from sending."""
    taken = []

    def look(*args) -> bool:
        taken.append(requests._permits._in_use.total())
        return False

    monkeypatch.setattr(long_polls, "wait_for_end", look)

    noise = Pillow.effect_noise((1500, 1500), 200).convert("RGB")
    large = given.encoded(noise, "PNG")
    assert len(large) > requests.MAX_BODY_BYTES
    hurried.test_client().post(EDITS, **raw(large, "aaa", model=I2I))

    assert taken == [0]
