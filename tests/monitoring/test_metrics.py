"""Figures for Prometheus: true, for operators, and there when a database is not."""

import re
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jimeng import jobs
from jimeng.documents import Generation, Image, Worker, utcnow
from jimeng.errors import ProviderError
from jimeng.http import waiters
from jimeng.monitoring import metrics, readiness
from tests.billing.conftest import settle
from tests.conftest import run_queue
from tests.rest import API, CAT, MONGODB_AWAY, REDIS_AWAY, client_with, create, refused

MODEL = "doubao-seedream-3.0-t2i"
ENDED = "jimeng_pictures_ended_total"
REFUSED = ProviderError("no", code="content_refused_prompt")
BROKEN = ProviderError("reset", code="unreachable", maybe_accepted=True)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each look is a new one."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)


def scrape(client, **headers: str) -> dict[tuple, float]:
    """(name, *values of the labels by name) -> figure."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def ended(client) -> dict[tuple, float]:
    """(charged, code, outcome) -> pictures."""
    settle()
    return {
        (charged, code, outcome): n
        for (name, *rest), n in scrape(client).items()
        if name == ENDED
        for charged, code, model, outcome in [rest]
        if model == MODEL
    }


def test_empty_server_has_figures(client):
    """Nothing is left out because it is nothing; nor are reasons not to be ready, so
    that each can be alarmed on."""
    found = scrape(client)

    assert found["jimeng_mongodb_up",] == found["jimeng_redis_up",] == 1
    assert found["jimeng_queue_pictures", "pending"] == 0
    assert found["jimeng_queue_oldest_wait_seconds",] == 0
    assert found["jimeng_workers_alive",] == 0
    assert found["jimeng_waiters",] == found["jimeng_watcher_poll_age_seconds",] == 0
    assert found["jimeng_pictures_uncertain", "timed_out"] == 0
    assert found["jimeng_paused", "intake"] == 0
    assert found["jimeng_pictures_stored",] == 0
    codes = {key[1]: n for key, n in found.items() if key[0] == "jimeng_not_ready"}
    assert list(codes) == list(readiness.CODES)
    assert (codes["worker"], codes["mongodb"]) == (1, 0)


def test_queue_lanes_and_workers_are_measured(client, lane):
    create(client, n=4)
    run_queue()
    old = utcnow() - timedelta(seconds=90)
    where = {"state": "queued"}
    Generation.collection().update_many(where, {"$set": {"created_at": old}})
    now = utcnow()
    for name, age in [("web-1:7:aa", -3600), ("web-1:8:bb", 60)]:
        beat = {"_id": name, "started_at": now, "seen_at": now - timedelta(seconds=age)}
        Worker.collection().insert_one(beat)

    found = scrape(client)

    assert found["jimeng_workers_alive",] == 1
    passed = (utcnow() - now).total_seconds()
    age = found["jimeng_worker_heartbeat_age_seconds", "web-1:8"]
    assert 60 <= age <= 60 + passed
    labels = (lane, MODEL, "volcengine_jimeng")
    assert found["jimeng_queue_pictures", "pending"] == 2
    assert found["jimeng_queue_pictures", "active"] == 2
    passed = (utcnow() - old).total_seconds()
    assert 90 <= found["jimeng_queue_oldest_wait_seconds",] <= passed
    assert found["jimeng_lane_slots_in_use", "main", *labels] == 2
    assert found["jimeng_lane_slots_limit", "main", *labels] == 2
    assert found["jimeng_lane_pictures_waiting", *labels] == 2
    assert found["jimeng_lane_backing_off", *labels] == 0


def test_waiters_are_counted_in_all_processes(client, monkeypatch):
    """With the age of the oldest poll; nothing is written where nobody waits."""
    monkeypatch.setattr(waiters.long_polls, "waiters", lambda: (0, 0.0))
    waiters.report()
    assert not jobs.huey.storage.conn.exists(waiters.KEY)
    for number, reported in enumerate([(7, 0.5), (5, 2.5), (6, 0.1)]):
        monkeypatch.setattr(waiters.os, "getpid", lambda number=number: number)
        monkeypatch.setattr(waiters.long_polls, "waiters", lambda it=reported: it)
        waiters.report()

    found = scrape(client)

    assert found["jimeng_waiters",] == 18
    assert found["jimeng_watcher_poll_age_seconds",] == 2.5
    assert 0 < jobs.huey.storage.conn.ttl(waiters.KEY) <= waiters.ALIVE_S


def test_ends_are_counted_by_outcome_and_code(client, drawn, provider):
    """With what is stored of them; labels are the server's own words."""
    drawn(n=2)
    provider.submits = [REFUSED]
    drawn()
    client.post(f"{API}/tasks/{create(client)}/cancel")
    kept = list(Image.collection().find())

    assert ended(client) == {
        ("yes", "", "done"): 2,
        ("no", "content_refused_prompt", "failed"): 1,
        ("no", "", "cancelled"): 1,
    }
    found = scrape(client)
    assert found["jimeng_pictures_stored",] == 2
    least = sum(each["bytes"] + each["thumbnail_bytes"] for each in kept)
    assert least <= found["jimeng_pictures_stored_bytes",] < least + 4096
    text = client.get("/metrics").text
    assert CAT["user_id"] not in text and CAT["prompt"] not in text


def test_count_never_falls_when_a_late_picture_comes(client, drawn, provider):
    """A failure that may be undone is told apart for a day, and counted at once."""
    provider.submits = [BROKEN]
    drawn()
    uncertain = ("jimeng_pictures_uncertain", "submit_unknown")

    young = scrape(client)[uncertain], ended(client)
    old = {"ended_at": utcnow() - timedelta(hours=25)}
    Generation.collection().update_many({}, {"$set": old})
    older = scrape(client)[uncertain]
    come = {"state": "done", "charged": "yes", "unsettled": True}
    Generation.collection().update_many({}, {"$set": come})

    failed = {("unknown", "submit_unknown", "unknown"): 1}
    assert (young, older) == ((1, failed), 0)
    assert ended(client) == {**failed, ("yes", "", "done"): 1}


def test_failure_that_was_dealt_with_stays_counted(client, drawn, provider):
    """An operator's note on it moves its error elsewhere."""
    provider.submits = [REFUSED]
    drawn()
    before = ended(client)

    Generation.collection().update_many(
        {},
        [
            {"$set": {"dealt_with": {"how": "seen", "error": "$error"}}},
            {"$unset": "error"},
        ],
    )

    assert ended(client) == before == {("no", "content_refused_prompt", "failed"): 1}


def test_figures_are_kept_for_a_moment(client, monkeypatch):
    """However often it is scraped, the databases are asked now and then."""
    monkeypatch.setattr(metrics, "CACHE_S", float("inf"))
    before = scrape(client)
    create(client)

    assert scrape(client) == before


def test_without_redis_the_rest_is_there(app, client, config, registry):
    """The documents are the truth; what is counted starts again from nothing."""
    create(client)

    with client_with(config, registry, **REDIS_AWAY) as other:
        found = scrape(other)
        assert other.get(f"{API}/models").status_code == 200

    assert not [name for name, *_ in found if name == "jimeng_requests_total"]
    assert found["jimeng_not_ready", "redis"] == 1
    assert (found["jimeng_redis_up",], found["jimeng_mongodb_up",]) == (0, 1)
    assert found["jimeng_queue_pictures", "pending"] == 1
    assert ("jimeng_queue_jobs",) not in found


def test_with_sign_in_a_key_is_needed(database, config, registry, soon_away):
    """Where MongoDB is away and none can be looked up, any: the alarm can ring."""
    closed = {"AUTH": "on", "SECRET_KEY": secrets.token_hex(32)}
    with client_with(config, registry, **closed) as other:
        refused(other.get("/metrics"), 401, "unauthorized")

    with client_with(config, registry, **closed, **MONGODB_AWAY) as other:
        refused(other.get("/metrics"), 401, "unauthorized")
        found = scrape(other, Authorization="Bearer jm_" + "x" * 43)
    assert (found["jimeng_mongodb_up",], found["jimeng_redis_up",]) == (0, 1)
    names = {"jimeng_info", "jimeng_mongodb_up", "jimeng_redis_up"}
    assert {name for name, *_ in found} == names


@pytest.mark.parametrize("name", ["metrics.md", "metrics.en.md"])
def test_every_figure_is_explained(client, drawn, name):
    drawn()
    page = (Path(__file__).parents[2] / "docs" / name).read_text("utf-8")
    (table,) = re.findall(r"\n\| ---.*?\n\n", page, re.DOTALL)

    named = set(re.findall(r"`(jimeng_\w+)", table))
    text = client.get("/metrics").text
    assert named == set(re.findall(r"(?m)^# TYPE (\w+)", text))
