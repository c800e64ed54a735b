"""The pages of collections: forms that work without a script, and with one."""

import re
from dataclasses import replace
from html import unescape

import pytest

from jimeng.documents.principal import Principal
from jimeng.gallery import browsing, collections, picture_details, shares
from tests.hung import hang
from tests.page import send

ME = Principal("guest")


@pytest.fixture
def pictures(database) -> list[str]:
    return hang("red fox", "blue sea", "green hill")


def make(client, name: str = "海报") -> str:
    answer = send(client, "/collections", name=name)
    assert answer.status_code == 303
    return re.search(r"in=(collection_\w+)", answer.location)[1]


def test_pictures_are_put_into_a_new_collection_by_forms_alone(client, pictures):
    """Chosen in the gallery, asked where to, and back with the news."""
    chosen = {"id": pictures[:2], "next": "/gallery?q=o"}
    asked = send(client, "/collections/choose", **chosen)
    assert (asked.status_code, asked.text.count('name="id"')) == (200, 2)
    assert 'value="/gallery?q=o"' in asked.text

    answer = send(client, "/collections/put", **chosen, name="动物")

    assert answer.status_code == 303
    assert answer.location.startswith("/gallery?q=o&done=collected&n=2&put=collection_")
    page = client.get(answer.location, headers={"Accept-Language": "en"})
    assert "Added to “动物”: 2" in unescape(page.text)
    (made,) = collections.find_all(ME)
    again = send(client, "/collections/put", **chosen, collection=made.id)
    assert "n=0" in again.location
    out = send(client, "/collections/put", id=pictures[0], take=made.id)
    assert "done=uncollected&n=1" in out.location
    assert collections.overview_of(made).hits.n == 1


def test_gallery_of_a_collection_is_a_gallery(client, pictures):
    """Words, filters and the way back to all of it stay within the collection."""
    made = make(client)
    empty = client.get(f"/gallery?in={made}")
    assert f"picture-{pictures[0]}" not in empty.text
    collections.change(ME, made, add=pictures[:2])

    whole = client.get(f"/gallery?in={made}").text
    found = client.get(f"/gallery?in={made}&q=fox").text
    none = client.get(f"/gallery?in={made}&q=hill").text

    assert [f"picture-{each}" in whole for each in pictures] == [True, True, False]
    assert [f"picture-{each}" in found for each in pictures] == [True, False, False]
    assert f'name="in" value="{made}"' in whole
    assert f'href="/gallery?in={made}"' in none
    assert not any(f"picture-{each}" in none for each in pictures)
    assert "<h1><bdi>海报</bdi></h1>" in whole


def test_wrong_names_are_told_where_they_are_written(client, pictures):
    """On each of the three forms, and nothing is made or lost. A collection that was
    deleted since is told of in the choice, which has those that there are."""
    made, other = make(client), make(client, "二")

    for path in ("/collections", f"/collections/{other}/rename"):
        for name, status in (("海报", 409), (" ", 422)):
            answer = send(client, path, name=name)
            assert answer.status_code == status
            assert 'aria-invalid="true"' in answer.text
    dialog = send(client, "/collections/put", htmx=True, id=pictures[0], name="海报")
    assert (dialog.status_code, dialog.headers["HX-Retarget"]) == (409, "#collect")
    assert 'id="choose"' in dialog.text
    assert send(client, "/collections/put", name="x").status_code == 422
    assert {each.id for each in collections.find_all(ME)} == {made, other}
    collections.delete(ME, made)
    for htmx in (True, False):
        form = {"id": pictures[0], "collection": made}
        answer = send(client, "/collections/put", htmx=htmx, **form)
        assert answer.status_code == 404
        assert ("HX-Retarget" in answer.headers) is htmx
        assert 'data-kind="error"' in answer.text
        assert other in answer.text and made not in answer.text


def test_collection_is_renamed_and_deleted_with_its_pictures_kept(client, pictures):
    made = make(client)
    collections.change(ME, made, add=pictures)

    renamed = send(client, f"/collections/{made}/rename", name="春")
    assert "春" in client.get(renamed.location).text
    assert "春" in client.get("/collections").text
    gone = send(client, f"/collections/{made}/delete")

    assert gone.status_code == 303
    assert client.get(f"/gallery?in={made}").status_code == 404
    assert client.get(f"/collections/{made}").status_code == 404
    assert all(client.get(f"/pictures/{each}").status_code == 200 for each in pictures)


def test_picture_page_names_its_collections(client, pictures):
    """With the ways there, and into another, by a plain link too."""
    made = make(client)
    collections.change(ME, made, add=pictures[:1])

    inside, outside = (client.get(f"/pictures/{each}").text for each in pictures[:2])

    assert f'href="/gallery?in={made}"' in inside
    assert f'href="/gallery?in={made}"' not in outside
    (ask,) = re.findall(r'data-key="c" href="([^"]+)"', outside)
    assert client.get(unescape(ask)).status_code == 200
    task_id = picture_details.find_picture(ME, pictures[1]).task_id
    assert client.get(f"/collections/choose?task={task_id}").status_code == 200


def test_share_is_begun_changed_replaced_and_ended_by_forms(client, pictures):
    """Its link stands on its page, and in the list of all of them."""
    made = make(client)
    page = f"/shares/{made}"
    assert client.get(page).status_code == 200

    begun = send(client, page, title="看", until="7")
    share = shares.of_target(ME, made)
    assert begun.location == f"{page}?done=begun"
    assert f"/s/{share.token}" in client.get(begun.location).text
    assert (share.title, share.prompts) == ("看", False)
    assert share.expires_at is not None
    send(client, page, title="看", prompts="1", until="keep")
    kept = shares.of_target(ME, made)
    assert (kept.prompts, kept.expires_at) == (True, share.expires_at)
    assert f"/s/{share.token}" in client.get("/shares").text
    assert "看" in client.get("/admin/shares").text
    send(client, f"{page}/replace")
    assert client.get(f"/s/{share.token}").status_code == 404
    assert send(client, page, title="x" * 101).status_code == 422
    assert send(client, f"{page}/end").location == "/shares?done=ended"
    assert shares.of_target(ME, made) is None
    assert "看" not in client.get("/admin/shares").text
    assert send(client, f"{page}/end").status_code == 404


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"KEEP_DAYS": 30}, "Pictures and videos are stored for 30 days. Fav"),
        ({"KEEP_GIB": 5.0}, "the oldest are deleted. Favourites"),
        ({}, None),
    ],
    ids=["days", "room", "for ever"],
)
def test_pages_say_how_long_pictures_stay(app, config, database, limits, words):
    """In the empty gallery, above the collections, and before one is deleted."""
    app.config["JIMENG"] = replace(config, **limits)
    client = app.test_client()
    made = make(client)

    for path in ("/gallery", "/collections", f"/collections/{made}"):
        page = client.get(path, headers={"Accept-Language": "en"}).text
        told = r"Pictures and videos are stored[^<]*|[^<]*the oldest are deleted[^<]*"
        found = re.findall(told, page)
        assert len(found) == (words is not None), path
        assert all(words in each for each in found)


def undo(page: str) -> dict:
    """The fields of the form that brings back what was taken out."""
    (form,) = re.findall(r"<form[^>]*>(?:(?!</form>).)*id=\"undo\"", page, re.DOTALL)
    assert 'action="/collections/put"' in form
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', form)
    names = dict.fromkeys(name for name, _ in fields)
    return {n: [unescape(v) for name, v in fields if name == n] for n in names}


def inside(made: str) -> set[str]:
    found = browsing.browse(ME, browsing.PictureFilter(collection=made))
    return {image.id for image in found.rows}


@pytest.mark.parametrize(
    ("htmx", "here"),
    [
        (False, "/gallery?in={made}&q=e"),
        (True, "/gallery?in={made}&q=e"),
        (False, "/pictures/{picture}"),
    ],
    ids=["plain", "htmx", "picture"],
)
def test_taking_out_is_undone(client, pictures, htmx, here):
    """By a form in the news; what had not been inside stays outside."""
    made = make(client)
    collections.change(ME, made, add=pictures[:2])
    here = here.format(made=made, picture=pictures[2])
    client.set_cookie("lang", "en")

    form = {"id": pictures, "take": made, "next": here}
    out = send(client, "/collections/put", htmx=htmx, **form)
    assert inside(made) == set()
    if htmx:
        gone = f'id="picture-{pictures[0]}" hx-swap-oob="delete"'
        parts = (gone, 'id="hits"', 'id="collect" hx-swap-oob')
        assert all(each in out.text for each in parts), "the dialog is over"
    page = out.text if htmx else client.get(out.location).text
    assert "Removed from “海报”: 2" in unescape(page)
    back = send(client, "/collections/put", **undo(page))

    assert inside(made) == {*pictures[:2]}
    begin = f"{here}{'&' if '?' in here else '?'}done=collected&n=2&put={made}"
    assert back.location.startswith(begin)
    assert "taken=" not in back.location
    assert 'id="undo"' not in client.get(back.location).text


def test_more_than_an_address_holds_is_told_without_a_way_back(client, database):
    """A server would refuse the page to which it leads."""
    made, ids = make(client), hang(*["x"] * 80)
    collections.change(ME, made, add=ids)

    out = send(client, "/collections/put", id=ids, take=made)

    assert len(out.location) < 4000
    page = client.get(out.location).text
    assert "80" in page
    assert 'id="undo"' not in page
    parts = send(client, "/collections/put", htmx=True, id=ids, take=made)
    assert 'id="undo"' not in parts.text  # nothing was inside any more
    assert 'id="collect" hx-swap-oob' in parts.text
    assert "picture-" not in parts.text, "no tiles, as it was not sent from there"
    # Nor by an address that is made up: what cannot be an id is no field of any form.
    where = f"/gallery?done=uncollected&n=1&put={made}&taken="
    for taken in ("", "--", '"><script>', "a b"):
        assert 'id="undo"' not in client.get(where + taken).text
