"""Fixtures: a service that answers with samples, and the product in front of it."""

import pytest

from jimeng import jobs
from jimeng.config import logs
from tests.conftest import make_as_new
from tests.samples.service import pointed_at, real_clients, serving

CREATE = "/api/v1/ai/image/task"


@pytest.fixture
def service():
    with serving() as made:
        yield made


@pytest.fixture
def app(built, database, config, service):
    settings = pointed_at(service, config)
    make_as_new(built, settings)
    logs.setup(settings)
    jobs.configure(settings, real_clients(settings))
    yield built
    logs.setup(config)


@pytest.fixture
def ask(client):
    """Ask for a picture; what is returned asks what became of it."""

    def ask(model: str = "doubao-seedream-3.0-t2i", **fields):
        body = {"prompt": "灯塔", "user_id": "user_9", "model": model, **fields}
        made = client.post(CREATE, json=body)
        assert made.status_code == 202, made.json
        link = made.json["data"]["links"]["result"]
        return lambda: client.get(link).json["data"]

    return ask


@pytest.fixture
def made(ask, work_off):
    """Ask for a picture, and wait for what becomes of it."""

    def made(model: str = "doubao-seedream-3.0-t2i", **fields) -> dict:
        result = ask(model, **fields)
        work_off()
        return result()

    return made
