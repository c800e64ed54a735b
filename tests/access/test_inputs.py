"""Another user's pictures are as if they had never been, at every door."""

import io

import pytest

from jimeng.documents import AuditEntry, Input, Task
from tests import given_pictures as given
from tests.inputs.test_going_in import I2I, INPAINT, data_url
from tests.page import POST
from tests.rest import API, CREATE, GENERAL, data_of, errors_of, refused

UPLOADS = f"{API}/uploads"


def photo() -> dict:
    return {"file": (io.BytesIO(given.photo()), "photo.jpg")}


def upload(person) -> str:
    return data_of(person.api("POST", UPLOADS, data=photo()), 201)["id"]


def ask(person, route: str = CREATE, **fields: object):
    more = {"type": "image"} if route == GENERAL else {}
    body = {"prompt": "x", "model": I2I, **more, **fields}
    return person.api("POST", route, json=body)


@pytest.fixture
def drawn(ada, work_off) -> dict:
    """A picture of Ada's: its id and its link."""
    made = data_of(ada.api("POST", CREATE, json={"prompt": "x"}), 202)["task_id"]
    work_off()
    found = data_of(ada.api("GET", f"{API}/ai/image/result/{made}"))
    return {"id": f"{made}_0", "url": found["image_url"]}


@pytest.mark.parametrize("route", [CREATE, GENERAL])
def test_upload_of_another_is_as_one_that_never_was(ada, bob, route):
    """By its id and by its address; the words are the same. Nor is it a mask."""
    hers = upload(ada)
    nobodys = f"upload_{'a' * 22}"

    for reference in (hers, f"https://localhost/api/v1/uploads/{hers}/content"):
        mine = errors_of(ask(bob, route, images=[reference]))
        never = errors_of(ask(bob, route, images=[nobodys]))
        assert mine == never
        assert list(mine) == ["images.0"]
    assert data_of(ask(ada, route, images=[hers]), 202)
    body = {"model": INPAINT, "images": [data_url(given.photo())], "mask": hers}
    assert list(errors_of(ask(bob, route, **body))) == ["mask"]


def test_picture_of_another_is_as_one_that_never_was(ada, bob, drawn):
    """Who has the link may see it, and yet it is not theirs to draw from: nor by the
    doors of OpenAI's clients and of the pages."""
    bob.sign_in()
    for reference in (drawn["id"], drawn["url"], upload(ada)):
        assert list(errors_of(ask(bob, images=[reference]))) == ["images.0"]
        assert data_of(ask(ada, images=[reference]), 202)
        body = {"prompt": "x", "model": I2I, "images": [reference]}
        assert bob.api("POST", "/v1/images/edits", json=body).status_code == 400
        form = {"prompt": "x", "model": I2I, "image": reference, "pictures": "1"}
        assert bob.client.post("/tasks", data=form, headers=POST).status_code == 422
        part = bob.client.get("/composer/pictures", query_string={"image": reference})
        assert part.text == ""
    assert Task.collection().count_documents({"user_id": bob.id}) == 0


def test_upload_in_anothers_name_is_refused(ada, bob):
    answer = bob.api("POST", UPLOADS, data={**photo(), "user_id": ada.id})

    refused(answer, 403, "user_id_not_yours")


def test_admin_who_touches_anothers_leaves_an_entry(ada, admin):
    """And none for their own, nor for a look."""
    hers, own = upload(ada), upload(admin)

    for each in (hers, own):
        data_of(admin.api("GET", f"{UPLOADS}/{each}"))
        assert admin.api("GET", f"{UPLOADS}/{each}/content").status_code == 200
        data_of(admin.api("DELETE", f"{UPLOADS}/{each}"))

    (entry,) = AuditEntry.collection().find({"action": {"$regex": "uploads"}})
    assert (entry["action"], entry["target"]) == ("uploads.delete", ada.id)


def test_admin_draws_from_a_users_for_that_user(ada, admin):
    """What goes into a task is its user's; of another's there is a copy."""
    hers = upload(ada)

    data_of(ask(admin, images=[hers], user_id=ada.id), 202)
    assert Input.collection().count_documents({}) == 1
    data_of(ask(admin, images=[hers]), 202)

    owners = [row["user_id"] for row in Input.collection().find()]
    assert sorted(owners) == sorted([ada.id, admin.id])
    used = AuditEntry.collection().find({"action": "pictures.use"})
    assert [(row["by"], row["target"]) for row in used] == [(admin.id, ada.id)]
