"""Links for a provider that fetches what goes in: signed, for as long as it draws."""

import io
import logging
import time
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from PIL import Image as Pillow

from jimeng import jobs
from jimeng.config import logs
from jimeng.documents import Generation
from jimeng.errors import ProviderError
from jimeng.pictures.input_links import verify
from jimeng.providers import Progress
from jimeng.web.pictures import files as door
from tests import given_pictures as given
from tests.conftest import come_due
from tests.inputs.test_uploads import upload
from tests.rest import API, create, errors_of, result
from tests.test_guards import work_due

SECRET = "a secret of forty characters, or a few more"
REFERENCES = "jimeng-4.6"


@pytest.fixture(autouse=True)
def signing(client, config, registry, configure):
    """A server that can sign; its provider, being of this machine, reaches it."""
    configure(replace(config, SECRET_KEY=SECRET, SERVER_PORT=8123), registry)


@pytest.fixture
def sent(client, provider):
    """Have a task with two references submitted; its id, and the paths of its links."""

    def sent(answer: object = None) -> tuple[str, list[str]]:
        provider.submits = [answer or Progress("remote-1")]
        images = [upload(client)["id"], upload(client, given.photo(6))["id"]]
        made = create(client, model=REFERENCES, images=images)
        for _ in range(4):
            work_due(state="preparing")
        (request,) = provider.requests
        urls = [each.link for each in request.inputs]
        assert all(url.startswith("http://127.0.0.1:8123/in/") for url in urls)
        assert [each.data for each in request.inputs] == [b"", b""]
        return made, [urlsplit(url).path for url in urls]

    return sent


def status(client, path: str) -> int:
    """Of a link that is fetched; a server closes what it has sent."""
    with client.get(path) as answer:
        return answer.status_code


def state_of(task_id: str) -> str:
    return Generation.collection().find_one({"task_id": task_id})["state"]


def test_links_lead_to_what_goes_in(client, sent, work_off):
    """
    Each to its own picture, upright, kept by nobody, and while it is drawn. Whoever
    reads the log of a proxy's request does not have the picture.
    """
    made, paths = sent()
    record = logging.LogRecord("x", 20, "", 0, f"GET {paths[0]} 200", None, None)
    line = logs.TextFormatter().format(record)
    assert "/in/…" in line and paths[0][-12:] not in line

    assert state_of(made) == "generating"
    for path in paths:
        with client.get(path) as answer:
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "private, no-store"
            assert answer.content_type == "image/jpeg"
            assert answer.content_length == len(answer.data)
            assert Pillow.open(io.BytesIO(answer.data)).size == (400, 300)
    work_off()
    assert result(client, made)["status"] == "completed"
    assert [status(client, path) for path in paths] == [404, 404]


def test_links_live_where_nobody_knows(client, sent):
    """What was perhaps accepted may be being drawn, and is worth its picture."""
    lost = ProviderError("lost", code="submit_unknown", maybe_accepted=True)
    made, paths = sent(lost)

    assert state_of(made) == "unknown"
    assert status(client, paths[0]) == 200


def test_cancelling_keeps_links_and_deletion_ends_them(client, sent):
    """The provider goes on with what was cancelled; what is deleted is gone."""
    made, paths = sent()

    client.post(f"{API}/tasks/{made}/cancel")
    cancelled = status(client, paths[0])
    client.delete(f"{API}/ai/image/task/{made}")

    assert cancelled == 200
    assert status(client, paths[0]) == 404


def test_other_links_lead_nowhere(client, sent):
    """Changed, another server's, over, or for the picture of another task."""
    _, (path, _) = sent()
    token = path.removeprefix("/in/")
    named = verify(token, SECRET)
    stranger = "upload_of_somebody_else"
    others = {
        "letter": token[:-3] + ("A" if token[-3] != "A" else "B") + token[-2:],
        "secret": named.signed("another secret"),
        "end": replace(named, end=int(time.time()) - 1).signed(SECRET),
        "short": token[:10],
        "empty": "-",
        "stranger": replace(named, input_id=stranger).signed(SECRET),
    }

    found = {how: status(client, f"/in/{other}") for how, other in others.items()}

    assert found == dict.fromkeys(others, 404)
    assert status(client, path) == 200


def test_links_have_four_places(client, sent, monkeypatch):
    """The fifth at a time comes again; each place is given back."""
    _, (path, _) = sent()

    for _ in range(door.MAX_TRANSFERS + 1):
        assert status(client, path) == 200
        assert status(client, "/in/none") == 404
    open_ones = [client.get(path, buffered=False) for _ in range(door.MAX_TRANSFERS)]
    busy = client.get(path)
    for each in open_ones:
        each.close()

    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "2")
    assert status(client, path) == 200


def test_without_an_address_pictures_are_refused(client, config, provider, monkeypatch):
    """The model draws from words, and says why it takes no pictures."""
    monkeypatch.setattr(type(provider), "address", "https://visual.example.com")
    from_config = replace(
        config, VOLCENGINE_ACCESS_KEY="AK", VOLCENGINE_SECRET_KEY="SK"
    )
    jobs.configure(from_config)
    picture = upload(client)["id"]
    body = {"prompt": "猫", "user_id": "user_123", "model": REFERENCES}

    answer = client.post(f"{API}/ai/image/task", json={**body, "images": [picture]})

    assert answer.status_code == 422
    assert "PUBLIC_URL" in errors_of(answer)["images"][0]
    assert "jimeng-i2i-3.0" in errors_of(answer)["images"][0]
    assert client.post(f"{API}/ai/image/task", json=body).status_code == 202


def test_address_that_has_gone_is_said(
    client, config, registry, configure, provider, work_off
):
    """Taken when it could be sent, and not sent when it could not: no charge."""
    made = create(client, model=REFERENCES, images=[upload(client)["id"]])
    configure(replace(config, SECRET_KEY=""), registry)
    for _ in range(4):
        come_due(state="preparing")
        work_off()

    error = result(client, made)["error"]
    assert (error["code"], error["charged"]) == ("input_unreachable", "no")
    assert provider.requests == []
