"""The site as a program of a device: what it is called, looks like and starts with."""

from io import BytesIO

from PIL import Image

ENGLISH = {"Accept-Language": "en"}


def test_site_can_be_installed(client):
    """With a name in the reader's language, icons of the sizes told, and a start."""
    page = client.get("/", headers=ENGLISH).text
    answer = client.get("/manifest.webmanifest", headers=ENGLISH)

    found = answer.json
    assert 'rel="manifest" href="/manifest.webmanifest"' in page
    assert answer.mimetype == "application/manifest+json"
    assert (found["name"], found["start_url"]) == ("jimeng", "/")
    for icon in found["icons"][1:]:
        picture = client.get(icon["src"], buffered=True).data
        with Image.open(BytesIO(picture)) as opened:
            assert icon["sizes"] == f"{opened.width}x{opened.height}"
    for shortcut in found["shortcuts"]:
        assert client.get(shortcut["url"]).status_code == 200


def test_worker_changes_with_the_styles(client):
    """So that the page it keeps is drawn with those that are there."""
    answer = client.get("/worker.js")

    styles = client.get("/offline").text.partition('rel="stylesheet" href="')[2]
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert styles.partition('"')[0] in answer.text
