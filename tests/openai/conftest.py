"""Somebody who draws while a request waits, and what such requests look like."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from volcenginesdkarkruntime import Ark

from jimeng.documents import Lane
from jimeng.http import long_polls
from jimeng.jobs import pump
from jimeng.providers import Registry
from tests.conftest import come_due, run_queue
from tests.forgetting import forget_lanes

GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
CAT = {"prompt": "一只猫"}
SDK = {"x-stainless-retry-count": "0"}  # OpenAI's own clients say it from the first


@pytest.fixture
def draws(database) -> Iterator[None]:
    """What is asked for is drawn meanwhile, as by a worker."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            Lane.collection().update_many({}, {"$unset": {"not_before": ""}})
            forget_lanes()
            pump.tick()
            run_queue()
            come_due(state={"$in": ["preparing", "generating", "saving", "starting"]})

    worker = threading.Thread(target=work)
    worker.start()
    yield
    stop.set()
    worker.join()


@pytest.fixture
def registry(provider) -> Registry:
    """So many at a time that nobody waits for another's."""
    return Registry({"volcengine_jimeng": provider}, {"volcengine_jimeng": 100})


@pytest.fixture
def way(app) -> Iterator[httpx.Client]:
    """Requests of the official clients go straight to the application."""
    with httpx.Client(transport=httpx.WSGITransport(app)) as client:
        yield client


@pytest.fixture
def ark_sdk(way) -> Ark:
    url = "http://localhost/api/v3"
    return Ark(base_url=url, api_key="key", max_retries=0, http_client=way)


@pytest.fixture
def hurried(app, config):
    """The application, which hardly waits for a picture."""
    long_polls.configure()
    app.config["JIMENG"] = replace(config, WAIT_SECONDS=0.05)
    return app


def error_of(answer, status: int, code: str) -> dict:
    """The error of an answer that must be one, in OpenAI's shape."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/json"
    error = answer.json["error"]
    assert error["code"] == code, error
    assert error["message"]
    assert {"message", "type", "param", "code"} <= set(error)
    assert error["request_id"] == answer.headers["X-Request-ID"] != ""
    return error
