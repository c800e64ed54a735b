"""Fixtures: a service that answers with samples, and the product in front of it."""

import pytest

from jimeng import jobs
from tests.samples.service import pointed_at, real_clients, serving


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
