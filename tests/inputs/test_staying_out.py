"""Pictures that do not go in: refused by the name of their field, with a reason."""

from PIL import Image as Pillow

from jimeng.documents import Input, Task
from tests import given_pictures as given
from tests.each import for_each
from tests.inputs.test_going_in import I2I, INPAINT, data_url
from tests.inputs.test_uploads import upload
from tests.rest import CAT, CREATE, data_of, errors_of


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


def test_model_that_takes_no_pictures_says_who_does(client):
    answer = client.post(CREATE, json={**CAT, "images": [upload(client)["id"]]})

    assert I2I in errors_of(answer)["images"][0]


def test_mask_of_another_size_is_refused(client):
    picture = upload(client)["id"]
    mask = data_url(given.clear(64, 64), "image/png")

    answer = client.post(
        CREATE, json={**CAT, "model": INPAINT, "images": [picture], "mask": mask}
    )

    assert "400x300" in errors_of(answer)["mask"][0]


def test_mask_that_is_nowhere_clear_is_refused(client):
    picture = upload(client)["id"]

    answer = client.post(
        CREATE, json={**CAT, "model": INPAINT, "images": [picture], "mask": picture}
    )

    assert list(errors_of(answer)) == ["mask"]


def test_large_body_is_for_pictures_alone(client):
    """Sixteen times as much where a data: URL is in it, and not otherwise."""
    noise = Pillow.effect_noise((1400, 1400), 100).convert("RGB")
    content = given.encoded(noise, "PNG")
    assert len(content) > 2**20

    answer = client.post(CREATE, json={**CAT, "style": "x" * 2**20})
    with_words = client.post(
        CREATE,
        json={**CAT, "model": I2I, "images": [f"https://example.com/{'x' * 2**20}"]},
    )
    with_picture = client.post(
        CREATE, json={**CAT, "model": I2I, "images": [data_url(content)]}
    )

    assert (answer.status_code, with_words.status_code) == (413, 413)
    data_of(with_picture, 202)
