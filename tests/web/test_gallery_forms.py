"""What is done in the gallery: deleting, favourites, to one picture or to many."""

import re

import pytest

from tests.hung import hang
from tests.page import HTMX, POST, send
from tests.web.test_gallery_page import shown


def test_deleting_leads_back_with_a_way_to_undo(client):
    """A plain form ends where it began, and says what was done."""
    ids = hang("一", "二", "三")
    back = "/gallery?fav=1&done=starred&n=9"

    answer = client.post(
        "/pictures/trash", data={"id": ids[:2], "next": back}, headers=POST
    )
    page = client.get(answer.headers["Location"].replace("fav=1&", ""))

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/gallery?fav=1&done=trashed&n=2&b")
    assert "已删除 2 项" in page.text
    assert shown(page) == ["三"]
    batch = re.search(r'name="batch" value="(\d+)"', page.text)[1]
    undone = send(client, "/pictures/restore", batch=batch)
    assert undone.headers["Location"] == "/gallery?done=restored&n=2"
    assert shown(client.get("/gallery")) == ["一", "二", "三"]


def test_deleting_takes_the_pictures_off_the_page(client):
    """With htmx only they go, and a notice has the way back."""
    ids = hang("一", "二")

    part = send(client, "/pictures/trash", htmx=True, id=ids[0])

    assert f'<figure id="picture-{ids[0]}" hx-swap-oob="delete">' in part.text
    assert 'id="undo"' in part.text


@pytest.mark.parametrize("act", ["favourite", "trash", "restore", "purge"])
def test_more_than_one_form_takes_is_refused_whole(client, act):
    """Nothing is done to the first thousand, with the others passed over."""
    ids = hang("一", "二")
    many = [*ids, *(f"picture_{number}" for number in range(999))]

    answer = client.post(
        f"/pictures/{act}", data={"id": many, "on": "1"}, headers={**POST, **HTMX}
    )

    assert answer.status_code == 422
    assert "一次最多选 1000 项" in answer.text
    assert shown(client.get("/gallery")) == ["一", "二"]
    assert shown(client.get("/gallery?fav=1")) == []


def test_many_favourites_at_once(client):
    """Each switch shows how it stands now."""
    ids = hang("一", "二")

    part = client.post(
        "/pictures/favourite", data={"id": ids, "on": "1"}, headers={**POST, **HTMX}
    )

    assert part.text.count('aria-pressed="true"') == 2
    assert part.text.count('hx-swap-oob="true"') == 2
    assert shown(client.get("/gallery?fav=1")) == ["一", "二"]
    plain = send(client, "/pictures/favourite", id=ids[0], on="0", next="/gallery")
    assert plain.headers["Location"] == "/gallery?done=unstarred&n=1"
