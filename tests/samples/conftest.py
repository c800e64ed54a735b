"""Fixtures: a service that answers with samples, and the product in front of it."""

import pytest

from jimeng import jobs
from tests.samples.service import pointed_at, real_clients, serving

CREATE = "/api/v1/ai/image/task"


@pytest.fixture
def service():
    with serving() as made:
        yield made


@pytest.fixture
def app(database, config, service):
    from app import create_app

    settings = pointed_at(service, config)
    made = create_app(settings)
    jobs.configure(settings, real_clients(settings))
    return made


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
