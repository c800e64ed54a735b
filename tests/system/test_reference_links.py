"""References that a provider fetches itself, from a server that lets nobody else in."""

import hashlib
import io

import pytest
import requests
from PIL import Image as Pillow

from tests import given_pictures as given
from tests.waiting import wait_for

pytestmark = pytest.mark.system


@pytest.fixture
def ask(closed_server, ada):
    """Ask the API as Ada, who is signed in by her key."""

    def ask(method: str, path: str, status: int = 200, **more):
        bearer = {"Authorization": f"Bearer {ada.key}"}
        url = path if path.startswith("http") else f"{closed_server.url}{path}"
        answer = requests.request(method, url, headers=bearer, timeout=30, **more)
        assert answer.status_code == status, answer.text
        return answer

    return ask


def test_references_are_fetched_while_they_are_drawn_from(closed_server, ask):
    """By the provider, without a key; byte for byte what was prepared, in order."""
    contents = [given.photo(6), given.encoded(given.halves(640, 480), "PNG")]
    ids = [
        ask("POST", "/api/v1/uploads", 201, files={"file": each}).json()["data"]["id"]
        for each in contents
    ]
    body = {"model": "jimeng-4.6", "prompt": "把图1放进图2", "images": ids}

    made = ask("POST", "/api/v1/ai/image/task", 202, json=body).json()["data"]

    def look() -> dict | None:
        found = ask("GET", made["links"]["self"]).json()["data"]
        return None if found["status"] in {"pending", "processing"} else found

    found = wait_for(look, what="the task has ended")
    assert found["status"] == "completed", found
    # The shape of the first, as many pixels as the model draws without one.
    (picture,) = found["result"]["images"]
    image = Pillow.open(io.BytesIO(ask("GET", picture["url"]).content))
    assert image.size == (picture["width"], picture["height"])
    assert image.width / image.height == pytest.approx(4 / 3, rel=0.01)
    ledger = f"{closed_server.simulator_url}/_simulator/ledger"
    row = requests.get(ledger, timeout=60).json()["rows"][-1]
    kept = [ask("GET", f"/api/v1/uploads/{each}/content").content for each in ids]
    assert [each["sha256"] for each in row["inputs"]] == [
        hashlib.sha256(each).hexdigest() for each in kept
    ]
