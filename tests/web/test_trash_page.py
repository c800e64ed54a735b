"""The trash's page, and clearing the gallery into it."""

import re

import pytest

from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.gallery import picture_details, trash
from jimeng.jobs import bulk
from jimeng.jobs.bulk import worker
from jimeng.upkeep import purge
from tests.hung import hang
from tests.page import HTMX, new_task, send

ME = Principal("guest")


TIDY, BATCH = {"word": "删除", "n": "1"}, {"batch": "{moment}"}


def ids(page) -> list[str]:
    return re.findall(r'<figure id="picture-([^"]+)"', page.text)


def test_trash_shows_what_was_deleted_last(client, monkeypatch):
    """Without a link; with a thumbnail for their owner alone."""
    monkeypatch.setattr("jimeng.web.gallery.browsing.PAGE", 1)
    first, second, third = hang("一", "二", "三")
    trash.trash_pictures(ME, [third])
    trash.trash_pictures(ME, [first])

    page = client.get("/gallery?trash=1")

    link = re.search(r'rel="next" href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    rest = client.get(link)
    assert {*ids(page), *ids(rest)} == {first, third}
    assert ids(client.get(link, headers=HTMX)) == ids(rest)
    assert f"/pictures/{first}/trashed.webp" in page.text + rest.text
    assert f'href="/pictures/{first}"' not in page.text + rest.text
    thumbnail = client.get(f"/pictures/{first}/trashed.webp")
    assert thumbnail.content_type == "image/webp"
    assert "private" in thumbnail.headers["Cache-Control"]
    assert client.get(f"/pictures/{second}/trashed.webp").status_code == 404


def test_picture_is_brought_back_or_removed_for_good(client):
    """Then nothing brings it back, and htmx takes it off the page."""
    (picture,) = hang("一")
    trash.trash_pictures(ME, [picture])

    back = "/gallery?trash=1"
    answer = send(client, "/pictures/restore", id=picture, next=back)

    assert answer.headers["Location"] == f"{back}&done=restored&n=1"
    assert "已恢复 1 项" in client.get(answer.headers["Location"]).text
    assert ids(client.get("/gallery")) == [picture]
    trash.trash_pictures(ME, [picture])

    part = send(client, "/pictures/purge", htmx=True, id=picture)

    assert f'id="picture-{picture}" hx-swap-oob="delete"' in part.text
    assert ids(client.get("/gallery?trash=1")) == []
    purge.empty_trash()
    assert trash.restore_pictures(ME, [picture]) == 0


def test_task_without_pictures_is_brought_back_or_removed_for_good(client):
    """A deleted task that never had one lies there by its words. With htmx the answer
    to an undo is the card; what is not there cannot be removed."""
    task_id = new_task(client)
    assert send(client, f"/tasks/{task_id}/purge").status_code == 404
    trash.trash(ME, task_id)
    page = client.get("/gallery?trash=1")
    assert f"/tasks/{task_id}/restore" in page.text

    answer = send(client, f"/tasks/{task_id}/restore")

    assert answer.headers["Location"] == f"/tasks/{task_id}"
    assert client.get(f"/tasks/{task_id}").status_code == 200
    assert "restore" not in client.get("/gallery?trash=1").text
    trash.trash(ME, task_id)
    part = send(client, f"/tasks/{task_id}/restore", htmx=True)
    assert f'<article id="task-{task_id}"' in part.text
    trash.trash(ME, task_id)
    answer = send(client, f"/tasks/{task_id}/purge")
    assert answer.headers["Location"] == "/gallery?trash=1"
    assert send(client, f"/tasks/{task_id}/restore").status_code == 404


def test_picture_that_is_stored_while_its_task_goes_is_not_shown(client, monkeypatch):
    """It comes after those that were there, and goes with the rest."""
    task_id, (picture,) = new_task(client), hang("一")

    def store(_: object) -> None:
        Image.collection().update_one({"_id": picture}, {"$set": {"task_id": task_id}})

    monkeypatch.setattr(trash, "drop_waiting", store)

    trash.trash(ME, task_id)

    assert ids(client.get("/gallery")) == []


@pytest.mark.parametrize("word", ["删除", " delete ", "“删除”", "DELETE"])
def test_tidying_keeps_favourites(client, word):
    """The word is enough in either language; an undo brings all back."""
    pictures = hang("一", "二", "三")
    picture_details.set_favourite(ME, pictures[:1], True)
    before = client.get("/gallery/tidy").text
    assert "有 2 项不是收藏" in before and "1 项收藏会留下" in before
    assert 'name="n" value="2"' in before

    answer = send(client, "/gallery/tidy", word=word, n="2")

    page = client.get(answer.headers["Location"])
    assert ids(page) == pictures[:1]
    nothing = client.get("/gallery/tidy").text
    assert "没有要删除的内容" in nothing and 'name="word"' not in nothing
    batch = re.search(r'name="batch" value="(\d+)"', page.text)[1]
    send(client, "/pictures/restore", batch=batch)
    assert ids(client.get("/gallery")) == pictures


@pytest.mark.parametrize(
    ("word", "n", "words"),
    [
        ("", "2", "请输入“删除”"),
        ("yes", "2", "请输入“删除”"),
        ("删除", "3", "数量刚刚变了"),
        ("删除", "", "数量刚刚变了"),
        ("删除", "x", "数量刚刚变了"),
    ],
)
def test_tidying_needs_word_and_number(client, word, n, words):
    pictures = hang("一", "二")

    answer = send(client, "/gallery/tidy", word=word, n=n)

    assert answer.status_code == 422
    assert words in answer.text
    assert ids(client.get("/gallery")) == pictures


@pytest.mark.parametrize(
    ("path", "fields", "going", "ended"),
    [
        ("/gallery/trash/empty", {}, "正在清空回收站：0 / 2 项", "回收站已清空"),
        ("/gallery/tidy", TIDY, "正在移到回收站：0 / 1 项", "已删除 1 项"),
        ("/pictures/restore", BATCH, "正在恢复：0 / 2 项", "已恢复 2 项"),
    ],
    ids=["empty", "tidy", "restore"],
)
def test_what_takes_long_tells_how_far_it_is(
    client, monkeypatch, path, fields, going, ended
):
    """On both pages; nothing is to be pressed where nothing is."""
    *trashed, _ = hang("一", "二", "三")
    moment = trash.trash_together(ME, trashed).milliseconds
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)

    fields = {name: value.format(moment=moment) for name, value in fields.items()}

    answer = send(client, path, **fields)

    pages = [client.get(answer.location), client.get("/gallery?trash=1")]
    assert all(going in page.text and ended not in page.text for page in pages)
    asks = re.search(r'hx-get="([^"]+)"[^>]*every 1s', pages[0].text)[1]
    assert going in client.get(asks, headers=HTMX).text
    bulk.run_due()
    over = client.get(asks, headers=HTMX).headers["HX-Redirect"]
    assert ended in client.get(over).text
    left = client.get("/gallery?trash=1")
    assert "回收站是空的" in left.text  # shown once no picture is left
    left_over = path == "/gallery/tidy"
    assert bool(ids(left)) is ('id="selection"' in left.text) is left_over
    assert going not in client.get("/gallery").text
    assert client.get(f"{asks}x", headers=HTMX).headers["HX-Redirect"] == "/gallery"
