"""A database that is slow makes an answer slow; one that is away makes it a 503."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from mongoengine import get_connection
from PIL import Image as Pillow
from pymongo import MongoClient

from jimeng.documents import Input, connection
from jimeng.inputs import storing
from tests.commands import counted, own
from tests.documents.slow import Way, way_to
from tests.forks import PATIENCE
from tests.given_pictures import encoded, photo
from tests.inputs.test_uploads import send, upload
from tests.rest import CAT, CREATE, client_with, data_of, refused, result

SLOW = 0.3  # seconds that each operation takes
MAX_WAITS = 8  # of a submission: four commands, and what is read now and then


@pytest.fixture
def way(servers, monkeypatch):
    """With time for a machine on which all else is slow, too."""
    monkeypatch.setattr(connection, "WEB_TIMEOUT", PATIENCE)
    with way_to(servers.mongodb_uri) as made:
        yield made


@pytest.fixture
def asked(config, way) -> Iterator[list[dict]]:
    """What is sent to MongoDB."""
    with counted(replace(config, MONGODB_URI=way.uri)) as commands:
        yield commands


@pytest.fixture
def far(app, asked, way: Way, config, registry, client):
    """A server to which MongoDB is as near as *way* says."""
    with client_with(config, registry, MONGODB_URI=way.uri) as other:
        data_of(other.post(CREATE, json=CAT), 202)  # the indexes are there by now
        yield other


def test_submission_is_taken_by_a_slow_database(far, asked, way, work_off):
    """300 ms an operation are no reason to refuse anything, nor a page."""
    way.delay = SLOW
    asked.clear()
    began = time.monotonic()

    answer = far.post(CREATE, json=CAT)

    took, sent = time.monotonic() - began, len(own(asked))
    assert far.get("/account/usage").status_code == 200
    way.delay = 0.0
    assert 3 <= sent <= MAX_WAITS
    assert took > 3 * SLOW
    task_id = data_of(answer, 202)["task_id"]
    work_off()
    assert result(far, task_id)["status"] == "completed"


def test_database_that_answers_nothing_is_away(request, way, config, monkeypatch):
    """Nothing is taken, and whoever asks hears it when the web's time is over."""
    monkeypatch.setattr(connection, "WEB_TIMEOUT", 1.0)
    far = request.getfixturevalue("far")
    before, way.delay = written(config), None
    assert get_connection().options.timeout == 1.0

    answer = far.post(CREATE, json=CAT)

    way.close()  # else the driver waits for ever to say goodbye
    assert answer.headers["Retry-After"]
    refused(answer, 503, "database_unavailable")
    assert written(config) == before == 1


def written(config) -> int:
    """Tasks, counted on the direct way."""
    with MongoClient(config.MONGODB_URI) as link:
        return link[config.MONGODB_DATABASE].tasks.count_documents({})


def test_picture_is_kept_by_a_slow_database(far, asked, way, monkeypatch):
    """Its bytes are many operations, and have ten seconds of their own: enough."""
    usual = storing.STORE_TIMEOUT_S
    monkeypatch.setattr(storing, "STORE_TIMEOUT_S", PATIENCE)
    noise = Pillow.effect_noise((500, 500), 90).convert("RGB")
    content = encoded(noise, "JPEG", quality=97)
    upload(far, content)  # the bucket is there by now
    way.delay = SLOW
    asked.clear()

    answer = send(far, content)

    way.delay = 0.0
    assert data_of(answer, 201)["bytes"] > 100_000
    assert 1.4 < SLOW * len(own(asked)) < usual / 2


def test_picture_is_refused_where_the_database_is_away(far, way, monkeypatch):
    """After those seconds, here less than one, and nothing of it is left."""
    content = photo()
    upload(far, content)
    monkeypatch.setattr(storing, "STORE_TIMEOUT_S", 0.4)
    way.delay = 1.0

    answer = send(far, content)

    way.delay = 0.0
    refused(answer, 503, "database_unavailable")
    assert Input.collection().count_documents({}) == 1
