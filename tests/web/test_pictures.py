"""A picture's own page, its neighbours, and what is done to one picture."""

import re
from html import unescape

import pytest

from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.gallery import browsing, collections, picture_details, trash
from jimeng.gallery.browsing import PictureFilter
from tests.hung import hang
from tests.page import POST, PROMPT, new_task, send

ENGLISH = {"Accept-Language": "en-GB"}
GUEST = Principal("guest")


@pytest.fixture
def pictures(client, work_off) -> list[str]:
    """The ids of three finished pictures, the newest first."""
    made = [new_task(client, prompt=f"{PROMPT} {number}") for number in range(3)]
    work_off()
    return [f"{task_id}_0" for task_id in reversed(made)]


@pytest.fixture
def picture(pictures) -> str:
    """The one in the middle."""
    return pictures[1]


def link_of(picture_id: str) -> str:
    return f"/i/{Image.find_one({'_id': picture_id}).key}.png"


def test_page_tells_all(client, picture):
    page = client.get(f"/pictures/{picture}", headers=ENGLISH)

    image = picture_details.find_picture(GUEST, picture)
    wanted = [PROMPT, "doubao-seedream-3.0-t2i", "volcengine_jimeng", "remote-2"]
    wanted += ["64×64", "(requested 1328×1328)", str(image.seed), "PNG", picture]
    wanted += ["Requested", "Sent to the provider", "Generated", "Saved on this server"]
    assert [words for words in wanted if words not in page.text] == []
    assert f'src="{link_of(picture)}"' in page.text
    assert f'href="{link_of(picture)}?download=1"' in page.text


def test_sent_prompt_is_shown_where_it_differs(client, work_off):
    """A style's words are told apart from what was written."""
    wanted = {"user_id": "guest", "prompt": "一只猫", "style": "水墨"}
    made = client.post("/api/v1/ai/image/task", json=wanted).json["data"]["task_id"]
    work_off()

    text = client.get(f"/pictures/{made}_0", headers=ENGLISH).text

    assert re.search(r'<h1 class="page-prompt" dir="auto">一只猫</h1>', text)
    assert re.search(r"As sent</dt><dd [^>]*>一只猫，中国水墨画", text)
    assert "Ink wash" in text
    program = text.partition("curl -fsS")[2]
    assert "style" in program.partition("</code>")[0], "it asks for the same"


def test_neighbours_of_one_moment_have_an_order(client, pictures):
    """What is deleted, or somebody else's, is passed over."""
    newest, middle, oldest = pictures
    moment = Image.find_one({"_id": newest}).created_at
    Image.collection().update_many({}, {"$set": {"created_at": moment}})

    wanted = sorted(pictures, reverse=True)
    assert walked(client, f"/pictures/{wanted[0]}") == wanted
    trash.trash_pictures(GUEST, [middle])
    another = {"$set": {"user_id": "another"}}
    Image.collection().update_one({"_id": newest}, another)
    assert links(client.get(f"/pictures/{oldest}").text).keys() == {"close"}


def test_batch_shows_its_siblings(client, work_off):
    task_id = new_task(client, n="3")
    work_off()

    text = client.get(f"/pictures/{task_id}_1").text

    block = text.partition('id="strip"')[2].partition("</nav>")[0]
    assert re.findall(r'href="/pictures/\w+_(\d)"', block) == ["0", "1", "2"]
    assert block.count("aria-current") == 1


def test_favourite_is_switched_on_and_off(client, picture):
    """A form leads back to its button; with htmx it is the switch."""
    page = f"/pictures/{picture}"
    path = f"{page}/favourite"

    plain = send(client, path, on="1", next="/?cursor=x")

    assert plain.status_code == 303
    assert plain.location == f"/?cursor=x#favourite-{picture}"
    assert picture_details.find_picture(GUEST, picture).favourite
    send(client, path, on="0", next="/")
    assert not picture_details.find_picture(GUEST, picture).favourite
    answer = send(client, path, htmx=True, on="1", next=page)
    assert 'aria-pressed="true"' in answer.text
    assert 'name="on" value="0"' in answer.text
    assert f'name="next" value="{page}"' in answer.text
    assert "<html" not in answer.text
    # Its key stays on the picture's page; where there are many it has none.
    assert 'data-key="f"' not in answer.text and "hx-swap-oob" not in answer.text
    shown = client.get(page).text
    swapped = send(client, path, htmx=True, on="1", with_key="1").text
    assert shown.count('data-key="f"') == swapped.count('data-key="f"') == 1
    assert swapped.count("hx-swap-oob") == 1, "in the list under the stage"
    assert 'data-key="f"' not in client.get("/").text


def test_deleting_shows_the_next_one_and_the_way_back(client, pictures):
    """Whoever sorts out pictures goes on with the older neighbour, if there is one."""
    newest, middle, oldest = pictures

    answer = send(client, f"/pictures/{middle}/delete")

    assert answer.status_code == 303
    assert answer.location == f"/pictures/{oldest}?deleted={middle}"
    assert client.get(f"/pictures/{middle}").status_code == 404
    page = client.get(answer.location)
    assert f'name="id" value="{middle}"' in page.text
    send(client, "/pictures/restore", id=middle)
    assert client.get(f"/pictures/{middle}").status_code == 200
    answer = send(client, f"/pictures/{oldest}/delete")
    assert answer.location == f"/pictures/{middle}?deleted={oldest}"


def test_old_link_ends_when_it_is_replaced(client, picture):
    """At once, for the picture and its thumbnail; the new one works."""
    old = link_of(picture)
    assert client.get(old).status_code == 200

    answer = send(client, f"/pictures/{picture}/link")

    assert answer.location == f"/pictures/{picture}#share"
    new = link_of(picture)
    assert new != old
    gone = [client.get(old), client.get(old.replace(".png", "/thumb.webp"))]
    assert [each.status_code for each in gone] == [404, 404]
    assert client.get(new).status_code == 200
    assert new in client.get(f"/pictures/{picture}").text


@pytest.fixture
def hung(database) -> dict[str, str]:
    """Words -> id, the newest first."""
    words = ("red fox", "blue fox", "green hill", "red hill", "blue sea")
    return dict(zip(words, hang(*words), strict=True))


def links(page: str) -> dict[str, str]:
    found = re.findall(r'rel="(prev|next)"[^>]* href="([^"]+)"', page)
    found += re.findall(r'stage-(close)" href="([^"#]+)', page)
    return {name: unescape(where) for name, where in found}


def walked(client, where: str) -> list[str]:
    """The ids of the pictures from a link of the gallery to the last."""
    ids = []
    while where:
        ids.append(re.search(r"/pictures/(\w+)", where)[1])
        where = links(client.get(where).text).get("next", "")
    return ids


def first_of(client, where: str) -> str:
    page = client.get(where).text
    return unescape(re.search(r'class="photo-link" href="([^"]+)"', page)[1])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=fox", ["red fox", "blue fox"]),
        ("fav=1", ["blue fox", "blue sea"]),
        ("in={made}", ["red fox", "red hill", "blue sea"]),
        ("in={made}&q=red", ["red fox", "red hill"]),
        ("in={made}&fav=1", ["blue sea"]),
        ("", ["red fox", "blue fox", "green hill", "red hill", "blue sea"]),
    ],
)
def test_neighbours_are_those_of_the_gallery_that_one_came_from(
    client, hung, query, words
):
    """Forth to the end, back again, and from each the way to that gallery."""
    made = collections.create(GUEST, "春").id
    collections.change(GUEST, made, add=[hung[n] for n in ("red fox", "red hill")])
    collections.change(GUEST, made, add=[hung["blue sea"]])
    picture_details.set_favourite(GUEST, [hung["blue fox"], hung["blue sea"]], True)
    query = query.format(made=made)
    first = first_of(client, f"/gallery?{query}")

    assert walked(client, first) == [hung[n] for n in words]
    assert "prev" not in links(client.get(first).text)
    last = first.replace(hung[words[0]], hung[words[-1]])
    page = client.get(last).text
    before = re.search(r"\w+_0", links(page).get("prev", ""))
    assert (before and before[0]) == (hung[words[-2]] if len(words) > 1 else None)
    assert links(page)["close"] == f"/gallery?{query}".rstrip("?")
    assert ('aria-label="返回“春”"' in page) is ("in=" in query)


def test_deleting_goes_on_among_them(client, hung):
    """To the next one of them, and the way back leads there, too."""
    where = first_of(client, "/gallery?q=hill")
    action = re.search(r'action="([^"]+/delete[^"]*)"', client.get(where).text)[1]

    gone = client.post(unescape(action), headers=POST)

    assert gone.location.startswith(f"/pictures/{hung['red hill']}?q=hill&deleted=")
    page = client.get(gone.location).text
    assert "next" not in links(page)
    assert f'value="/pictures/{hung["green hill"]}?q=hill"' in page


def test_picture_that_is_none_of_them_any_more_has_its_place(client, hung):
    """Taken out of the collection, it stands between those that are left."""
    made = collections.create(GUEST, "x").id
    collections.change(GUEST, made, add=[*hung.values()])
    collections.change(GUEST, made, remove=[hung["green hill"]])

    found = links(client.get(f"/pictures/{hung['green hill']}?in={made}").text)

    assert hung["blue fox"] in found["prev"]
    assert hung["red hill"] in found["next"]
    # Of others' collections and nonsense nothing is shown, and the picture is there.
    theirs = collections.create(Principal("user_other"), "x")
    here = f"/pictures/{hung['green hill']}"

    for query in (f"in={theirs.id}", "in=collection_" + "0" * 24):
        page = client.get(f"{here}?{query}")
        assert (page.status_code, len(links(page.text))) == (200, 1)
    page = client.get(f"{here}?in=x&ratio=7:7&from=never")
    assert links(page.text)["next"] == f"/pictures/{hung['red hill']}"


def test_neighbour_is_looked_for_as_its_gallery_is(hung, monkeypatch):
    """By the same index, which leads to what is shown."""
    made = collections.create(GUEST, "x").id
    few = [hung["blue fox"], hung["blue sea"]]
    collections.change(GUEST, made, add=few)
    image, asked = picture_details.find_picture(GUEST, few[0]), []
    original = Image.collection().find_one

    def find_one(self, where, *args, **how):
        asked.append(how["hint"])
        return original(where, *args, **how)

    monkeypatch.setattr(type(Image.collection()), "find_one", find_one)
    wanted = PictureFilter(collection=made)

    assert picture_details.neighbour_id(image, newer=False, among=wanted) == few[1]
    assert asked == [browsing.plan("guest", wanted)[0]] == ["collection"]
