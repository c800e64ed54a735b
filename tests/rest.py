"""What the tests of the REST door have in common: requests, and looks at answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from click.testing import Result
from werkzeug.test import TestResponse

from jimeng import documents, jobs
from jimeng.config import Config
from jimeng.process import broker
from jimeng.providers import Registry
from tests.databases import let_indexes_be

API = "/api/v1"
CREATE = f"{API}/ai/image/task"
GENERAL = f"{API}/ai/tasks"
USERS = f"{API}/users"
CAT = {"prompt": "一只猫", "user_id": "user_123"}
METHODS = {"get", "post", "put", "patch", "delete"}
NOWHERE = "127.0.0.1:9"  # nothing listens at the port called "discard"
MONGODB_AWAY = {"MONGODB_URI": f"mongodb://{NOWHERE}/?directConnection=true"}
REDIS_AWAY = {"REDIS_URL": f"redis://{NOWHERE}/0"}


def operations(document: dict) -> Iterator[tuple[str, str, dict]]:
    """Path, method and operation, of all that the API's description has."""
    for path, methods in document["paths"].items():
        for method in METHODS & set(methods):
            yield path, method, operation_of(document, path, method)


def operation_of(document: dict, path: str, method: str) -> dict:
    """An operation of the API's description, the shared responses in their places."""
    found, shared = document["paths"][path][method], document["components"]["responses"]
    whole = {
        status: shared[answer["$ref"].rpartition("/")[2]]
        if "$ref" in answer
        else answer
        for status, answer in found["responses"].items()
    }
    return {**found, "responses": whole}


def data_of(answer: TestResponse, status: int = 200):
    """The ``data`` of an answer that must be a success, whole and well framed."""
    assert answer.status_code == status, answer.text
    framed(answer)
    assert answer.json["success"] is True
    return answer.json["data"]


def refused(answer: TestResponse, status: int, code: str) -> dict:
    """The body of an answer that must be an error, whole and well framed."""
    assert (answer.status_code, answer.json["error"]) == (status, code), answer.text
    framed(answer)
    assert answer.json["success"] is False
    assert answer.json["message"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert "Traceback" not in answer.text
    return answer.json


def framed(answer: TestResponse) -> None:
    """What is true of each answer under /api/, whatever it says."""
    assert answer.content_type == "application/json"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.headers["X-Request-ID"]
    assert "Accept-Language" in answer.vary
    assert answer.headers["Cache-Control"] in {"no-store", "private, no-cache"}


def errors_of(answer: TestResponse) -> dict[str, list[str]]:
    """The wrong fields of an answer that must be a 422 about fields."""
    return refused(answer, 422, "validation_failed")["errors"]


def create(client, **fields) -> str:
    """Ask for a task and return its id."""
    return data_of(client.post(CREATE, json={**CAT, **fields}), 202)["task_id"]


def task(client, task_id: str) -> dict:
    """The whole record."""
    return data_of(client.get(f"{API}/tasks/{task_id}"))


def result(client, task_id: str) -> dict:
    return data_of(client.get(f"{API}/ai/image/result/{task_id}"))


def new_user(client, email: str = "li@example.com", name: str = "李") -> dict:
    return data_of(client.post(USERS, json={"email": email, "name": name}), 201)


@contextmanager
def client_with(config: Config, registry: Registry, **changes) -> Iterator:
    """A client of another application, whose settings differ by *changes*; where those
    are not about MongoDB it has the tests' connection, and where they are not about
    Redis it is as patient with it as they are."""
    from app import create_app

    other = replace(config, **changes)
    moves = [name for name in changes if name.startswith("MONGODB")]
    try:
        with pytest.MonkeyPatch.context() as patch:
            if not moves:
                patch.setattr(documents, "connect", lambda config: None)
            app = create_app(other)
        jobs.configure(other, registry)
        if "REDIS_URL" in changes:
            broker.connect(other, timeout=broker.WEB_TIMEOUT_S)
        yield app.test_client()
    finally:
        let_indexes_be()
        jobs.huey.storage.pool.disconnect()
        if moves:
            documents.connect(config, timeout=documents.WORKER_TIMEOUT)
        jobs.configure(config, registry)


def command(config: Config, registry: Registry, words: list[str], **how) -> Result:
    """Run ``flask`` with settings that differ by those in *how*, which has *input* and
    *env* of the terminal, too; then put this process's back."""
    from app import create_app

    terminal = {name: how.pop(name) for name in ("input", "env") if name in how}
    try:
        runner = create_app(replace(config, **how)).test_cli_runner()
        return runner.invoke(args=words, **terminal)
    finally:
        documents.connect(config, timeout=documents.WORKER_TIMEOUT)
        jobs.configure(config, registry)
