"""What visitors of a share are shown, and what they are not."""

import io
import re
from html import unescape

import pytest
from PIL import Image as Pillow

from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.gallery import collections, shared_pages, shares, trash
from tests.access.conftest import *  # noqa: F403 - people, and a server that asks
from tests.hung import hang
from tests.rest import client_with

SECRET = "海边的灯塔"
OWNER = Principal("user_ada")


@pytest.fixture
def pictures(secured) -> list[str]:
    return hang(SECRET, f"{SECRET} 二", f"{SECRET} 三", user_id="user_ada")


@pytest.fixture
def page(pictures) -> str:
    """The path of a shared collection of these pictures."""
    made = collections.create(OWNER, "Spring")
    collections.change(OWNER, made.id, add=pictures)
    return f"/s/{shares.share_or_update(OWNER, made.id).token}"


def paths(text: str, page: str, kind: str) -> list[str]:
    found = re.findall(rf'(?:href|src|content)="([^"]*{page}/[\w-]{{15}}{kind})"', text)
    return [
        unescape(each).partition("localhost")[2] or unescape(each) for each in found
    ]


def test_page_shows_pictures_and_nothing_of_their_owner(nobody, page, pictures):
    """Title, pictures, each large; no id, no prompt, no other link, no cookie."""
    answer = nobody.get(page)
    (first, *others) = paths(answer.text, page, "")
    large = nobody.get(first)

    assert (answer.status_code, large.status_code, len(others)) == (200, 200, 2)
    keys = [row["key"] for row in Image.collection().find({}, {"key": 1})]
    hidden = [SECRET, "user_ada", "volcengine_img", "collection_", "/i/", *keys]
    for each in (answer, large):
        assert "Spring" in each.text
        assert [word for word in hidden if word in each.text] == []
        assert "Set-Cookie" not in each.headers
        assert "noindex" in each.headers["X-Robots-Tag"]
        assert each.headers["Referrer-Policy"] == "same-origin"
    assert '<meta name="robots" content="noindex' in answer.text


def test_prompts_are_told_where_their_owner_says_so(nobody, page, pictures):
    """On both pages, and as the name of what is downloaded; else nowhere."""
    (share,) = shares.page(OWNER).rows
    first = paths(nobody.get(page).text, page, "")[0]
    whole = paths(nobody.get(first).text, page, r"/picture\.png")[0]
    before = nobody.get(f"{whole}?download=1").headers["Content-Disposition"]

    shares.share_or_update(OWNER, share.share.id, prompts=True)

    after = nobody.get(f"{whole}?download=1").headers["Content-Disposition"]
    assert SECRET in nobody.get(page).text
    assert SECRET in nobody.get(first).text
    assert "Spring.png" in before
    assert "%E6%B5%B7" in after
    assert "attachment" in after


def test_files_have_addresses_of_the_share_and_end_with_it(nobody, page, pictures):
    """Whole, small and as a card; a minute after the end no cache has them. Visitors
    are told what to do then; nothing leads to the pages of users."""
    first = paths(nobody.get(page).text, page, "")[0]
    files = {
        f"{first}/picture.png": "PNG",
        f"{first}/thumb.webp": "WEBP",
        f"{first}/card.jpg": "JPEG",
    }
    for path, kind in files.items():
        answer = nobody.get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert Pillow.open(io.BytesIO(answer.data)).format == kind
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert nobody.get(path, headers=tag).status_code == 304
    for wrong in ("picture.jpg", "preview.jpg", "x", "thumb.png"):
        assert nobody.get(f"{first}/{wrong}").status_code == 404

    (share,) = shares.page(OWNER).rows
    shares.revoke(OWNER, share.share.id)

    for path in (page, first, *files):
        answer = nobody.get(path)
        assert answer.status_code == 404
        assert "Set-Cookie" not in answer.headers
    text = nobody.get(page, headers={"Accept-Language": "en"}).text
    assert "ask the person who sent you the link" in text
    assert re.findall(r'<(?:a|form) [^>]*"/[^>]*>', text) == []


def test_card_has_whole_addresses_and_its_size(config, registry, pictures, page):
    """Under the public address, so that a messenger can load it from anywhere."""
    settings = {"PUBLIC_URL": "https://pictures.example.com", "AUTH": "off"}
    with client_with(config, registry, **settings) as client:
        text = client.get(page).text

    told = dict(re.findall(r'<meta property="og:([\w:]+)" content="([^"]*)">', text))
    assert told["url"] == f"https://pictures.example.com{page}"
    assert told["image"].startswith(f"https://pictures.example.com{page}/")
    assert told["image"].endswith("/card.jpg")
    assert (told["image:width"], told["image:height"]) == ("640", "640")
    assert told["title"] == "Spring"
    assert 'name="twitter:card" content="summary_large_image"' in text


def test_one_picture_has_a_page_of_its_own(nobody, pictures):
    """Large at once; in the trash it is not there, without a word of what it was."""
    share = shares.share_or_update(OWNER, pictures[0], title="看这张")
    page = f"/s/{share.token}"

    answer = nobody.get(page)
    (whole, *_) = paths(answer.text, page, r"/picture\.png")
    assert "看这张" in answer.text
    assert SECRET not in answer.text
    assert nobody.get(whole).status_code == 200
    trash.trash_pictures(OWNER, pictures[:1])

    gone = nobody.get(page)
    assert (gone.status_code, nobody.get(whole).status_code) == (404, 404)
    assert "看这张" not in gone.text


def test_pages_lead_on(nobody, page, monkeypatch):
    """The second begins where the first ends; neighbours have that order."""
    monkeypatch.setattr("jimeng.web.gallery.shared_pages.PAGE", 2)

    first = nobody.get(page)
    (onward,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = nobody.get(unescape(onward))

    assert re.fullmatch(rf"{page}\?from=[\w-]{{15}}", onward)
    assert len(paths(first.text, page, "")) == 2
    assert len(paths(second.text, page, "")) == 1
    seen = shared_pages.visit(page.removeprefix("/s/"))
    rows = shared_pages.open_page(seen).rows
    one, two, three = (shares.name_of(seen.share, image) for image in rows)
    found = [shared_pages.neighbours(seen, image) for image in rows]
    assert found == [(None, two), (one, three), (two, None)]
    assert nobody.get(f"{page}?from=nothing").status_code == 404
    assert nobody.get("/s/nothing").status_code == 404


def test_user_that_is_deleted_shares_nothing(nobody, admin, pictures, ada):
    """Nor has collections."""
    principal = Principal(ada.id)
    (picture,) = hang("x", user_id=ada.id)
    made = collections.create(principal, "mine")
    page = f"/s/{shares.share_or_update(principal, made.id).token}"
    alone = f"/s/{shares.share_or_update(principal, picture).token}"
    assert nobody.get(page).status_code == nobody.get(alone).status_code == 200

    assert admin.api("DELETE", f"/api/v1/users/{ada.id}").status_code == 200

    assert nobody.get(page).status_code == nobody.get(alone).status_code == 404
    assert collections.find_all(principal) == []
