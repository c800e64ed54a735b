"""What still answers, and how, when a database is away or a worker is missing."""

import socket
from datetime import timedelta

import pytest

from jimeng import jobs
from jimeng.config.version import COMMIT, VERSION
from jimeng.documents import Generation, Worker, utcnow
from jimeng.providers import Registry
from tests.rest import (
    API,
    CAT,
    CREATE,
    MONGODB_AWAY,
    REDIS_AWAY,
    USERS,
    client_with,
    create,
    data_of,
    refused,
    result,
)


@pytest.fixture
def worker(database):
    """A consumer, seen as late as nobody need hurry."""
    seen = {"started_at": utcnow(), "seen_at": utcnow() + timedelta(hours=1)}
    Worker.collection().insert_one({"_id": "w", **seen})


@pytest.fixture
def without_mongodb(database, config, registry, soon_away):
    """A client of a server whose MongoDB is away."""
    with client_with(config, registry, **MONGODB_AWAY) as client:
        yield client


def test_process_that_answers_is_healthy(client):
    """Nothing is asked of anybody else. Probes are programs: an address that is none is
    told of in JSON."""
    refused(client.get("/health/nope"), 404, "not_found")
    answer = client.get("/health")

    release = {"version": VERSION, "commit": COMMIT}
    assert answer.json == {"status": "ok", "message": "服务正常运行", **release}
    assert answer.headers["X-Request-ID"]
    english = client.get("/health", headers={"Accept-Language": "en"})
    assert english.json["message"] == "The service is running"
    assert "Accept-Language" in english.vary


def test_server_without_a_worker_is_not_ready(client):
    answer = client.get("/health/ready")

    assert refused(answer, 503, "not_ready")["missing"] == ["worker"]
    assert "worker" in answer.json["message"]
    assert int(answer.headers["Retry-After"]) > 0


def test_server_without_credentials_is_not_ready(client, config, worker):
    """It could draw nothing, and says why, also to who asks for a picture."""
    jobs.configure(config, Registry({}, {}))

    answer = client.get("/health/ready")

    assert refused(answer, 503, "not_ready")["missing"] == ["no_provider"]
    assert data_of(client.get(f"{API}/models")) == []
    refused(client.post(CREATE, json=CAT), 503, "no_provider")


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("POST", CREATE, CAT),
        ("GET", f"{API}/tasks/x", None),
        ("GET", f"{API}/tasks/user/a", None),
        ("DELETE", f"{CREATE}/x", None),
        ("POST", USERS, {"email": "a@example.com", "name": "a"}),
    ],
)
def test_without_mongodb_requests_are_put_off(without_mongodb, method, path, body):
    """503 within two seconds, with the time after which to come again."""
    answer = without_mongodb.open(path, method=method, json=body)

    refused(answer, 503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert jobs.huey.storage.queue_size() == 0


def test_without_mongodb_what_needs_none_still_answers(without_mongodb):
    assert without_mongodb.open("/health", method="GET").status_code == 200
    data_of(without_mongodb.open(f"{API}/models", method="GET"))
    refused(
        without_mongodb.open(CREATE, method="POST", json={}), 422, "validation_failed"
    )
    ready = without_mongodb.open("/health/ready", method="GET")
    assert refused(ready, 503, "not_ready")["missing"] == ["mongodb"]


def test_without_redis_nothing_is_written(client, drawn, config, registry, worker):
    """A task that could not be queued is refused before it is stored; what is there can
    be read, cancelled and deleted."""
    done = drawn()
    waiting = create(client)
    with client_with(config, registry, **REDIS_AWAY) as other:
        answer = other.open(CREATE, method="POST", json=CAT)
        ready = other.open("/health/ready", method="GET")

        refused(answer, 503, "queue_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert refused(ready, 503, "not_ready")["missing"] == ["redis"]
        assert result(other, done)["status"] == "completed"
        assert result(other, waiting)["status"] == "pending"
        assert len(data_of(other.get(f"{API}/tasks/user/user_123"))) == 2
        data_of(other.open(f"{API}/tasks/{waiting}/cancel", method="POST"))
        data_of(other.open(f"{CREATE}/{done}", method="DELETE"))
    assert Generation.collection().count_documents({}) == 2


def test_redis_that_answers_nothing_is_away(database, config, registry):
    """A server that accepts and then says nothing costs no more time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with client_with(config, registry, REDIS_URL=url) as client:
            answer = client.open(CREATE, method="POST", json=CAT)

    refused(answer, 503, "queue_unavailable")
