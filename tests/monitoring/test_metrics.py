"""Figures for Prometheus: true, for operators, and there when a database is not."""

import re
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jimeng.documents import Generation, Image, Worker, utcnow
from jimeng.errors import ProviderError
from jimeng.jobs import janitor
from jimeng.monitoring import metrics
from tests.conftest import run_queue
from tests.forgetting import forget_days
from tests.rest import API, CAT, NOWHERE, client_with, create, refused

MODEL = "doubao-seedream-3.0-t2i"
ENDED = "jimeng_pictures_ended_total"
REFUSED = ProviderError("no", code="content_refused_prompt")
BROKEN = ProviderError("reset", code="unreachable", maybe_accepted=True)
MONGODB_AWAY = {"MONGODB_URI": f"mongodb://{NOWHERE}/?directConnection=true"}
REDIS_AWAY = {"REDIS_URL": f"redis://{NOWHERE}/0"}


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each look is a new one."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    forget_days()


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
    return {
        (charged, code, outcome): n
        for (name, *rest), n in scrape(client).items()
        if name == ENDED
        for charged, code, model, outcome in [rest]
        if model == MODEL
    }


def test_empty_server_has_figures(client):
    """Nothing is left out because it is nothing."""
    found = scrape(client)

    assert found["jimeng_mongodb_up",] == found["jimeng_redis_up",] == 1
    assert found["jimeng_queue_pictures", "pending"] == 0
    assert found["jimeng_queue_oldest_wait_seconds",] == 0
    assert found["jimeng_workers_alive",] == 0
    assert found["jimeng_pictures_uncertain", "timed_out"] == 0
    assert found["jimeng_paused", "intake"] == 0
    assert found["jimeng_pictures_stored",] == 0


def test_queue_and_lanes_are_measured(client, lane):
    """Two at the provider, two in line, and how long they have waited."""
    create(client, n=4)
    run_queue()
    old = utcnow() - timedelta(seconds=90)
    where = {"state": "queued"}
    Generation.collection().update_many(where, {"$set": {"created_at": old}})

    found = scrape(client)

    labels = (lane, MODEL, "volcengine_jimeng")
    assert found["jimeng_queue_pictures", "pending"] == 2
    assert found["jimeng_queue_pictures", "active"] == 2
    passed = (utcnow() - old).total_seconds()
    assert 90 <= found["jimeng_queue_oldest_wait_seconds",] <= passed
    assert found["jimeng_lane_slots_in_use", "main", *labels] == 2
    assert found["jimeng_lane_slots_limit", "main", *labels] == 2
    assert found["jimeng_lane_pictures_waiting", *labels] == 2
    assert found["jimeng_lane_backing_off", *labels] == 0


def test_workers_and_their_heartbeats_are_measured(client):
    """One that is silent is seen to be."""
    now = utcnow()
    for name, age in [("web-1:7:aa", 1), ("web-1:8:bb", 60)]:
        beat = {"_id": name, "started_at": now, "seen_at": now - timedelta(seconds=age)}
        Worker.collection().insert_one(beat)

    found = scrape(client)

    assert found["jimeng_workers_alive",] == 1
    passed = (utcnow() - now).total_seconds()
    age = found["jimeng_worker_heartbeat_age_seconds", "web-1:8"]
    assert 60 <= age <= 60 + passed


def test_ends_are_counted_by_outcome_and_code(client, provider, work_off):
    """What came, what failed and why, and what was never sent."""
    create(client, n=2)
    work_off()
    provider.submits = [REFUSED]
    create(client)
    work_off()
    client.post(f"{API}/tasks/{create(client)}/cancel")

    assert ended(client) == {
        ("yes", "", "done"): 2,
        ("no", "content_refused_prompt", "failed"): 1,
        ("no", "", "cancelled"): 1,
    }


def test_counts_go_on_over_closed_days(client, work_off):
    """What is counted from the generations today is read from what is kept later."""
    create(client, n=2)
    work_off()
    before = ended(client)
    old = {"ended_at": utcnow() - timedelta(days=9)}
    Generation.collection().update_many({}, {"$set": old})
    aged = ended(client)
    janitor.close_days()
    create(client)
    work_off()

    assert before == aged == {("yes", "", "done"): 2}
    assert ended(client) == {("yes", "", "done"): 3}


def test_count_never_falls_when_a_late_picture_comes(client, provider, work_off):
    """A failure that may be undone is told apart, and counts when it is a day old."""
    provider.submits = [BROKEN]
    create(client)
    work_off()
    uncertain = ("jimeng_pictures_uncertain", "submit_unknown")

    young = scrape(client)[uncertain], ended(client)
    old = {"ended_at": utcnow() - timedelta(hours=25)}
    Generation.collection().update_many({}, {"$set": old})

    assert young == (1, {})
    assert scrape(client)[uncertain] == 0
    assert ended(client) == {("unknown", "submit_unknown", "unknown"): 1}


def test_failure_that_was_dealt_with_stays_counted(client, provider, work_off):
    """An operator's note on it moves its error elsewhere."""
    provider.submits = [REFUSED]
    create(client)
    work_off()
    before = ended(client)

    Generation.collection().update_many(
        {},
        [
            {"$set": {"dealt_with": {"how": "seen", "error": "$error"}}},
            {"$unset": "error"},
        ],
    )

    assert ended(client) == before == {("no", "content_refused_prompt", "failed"): 1}


def test_what_is_stored_is_measured(client, work_off):
    """Pictures, and the bytes of these and their thumbnails."""
    create(client, n=2)
    work_off()
    kept = list(Image.collection().find())

    found = scrape(client)

    assert found["jimeng_pictures_stored",] == 2
    least = sum(each["bytes"] + each["thumbnail_bytes"] for each in kept)
    assert least <= found["jimeng_pictures_stored_bytes",] < least + 4096


def test_nothing_tells_of_users_or_prompts(client, provider, work_off):
    """Labels are the server's own words."""
    provider.submits = [REFUSED]
    create(client, n=2)
    work_off()
    create(client)

    text = client.get("/metrics").text

    assert CAT["user_id"] not in text
    assert CAT["prompt"] not in text


def test_processes_agree(app, client, config, registry, work_off):
    """Nothing is counted in a process."""
    create(client)
    work_off()
    first = ended(client)

    with client_with(config, registry) as other:
        assert ended(other) == first == {("yes", "", "done"): 1}


def test_figures_are_kept_for_a_moment(client, monkeypatch):
    """However often it is scraped, the databases are asked now and then."""
    monkeypatch.setattr(metrics, "CACHE_S", 60.0)
    before = scrape(client)
    create(client)

    assert scrape(client) == before


def test_without_mongodb_it_says_so(database, config, registry, monkeypatch):
    """It answers all the same, and the alarm can ring."""
    monkeypatch.setattr("jimeng.documents.base.WEB_TIMEOUT", 0.3)
    with client_with(config, registry, **MONGODB_AWAY) as other:
        found = scrape(other)

    assert found["jimeng_mongodb_up",] == 0
    assert found["jimeng_redis_up",] == 1
    assert {name for name, *_ in found} == {
        *("jimeng_info", "jimeng_mongodb_up", "jimeng_redis_up")
    }


def test_without_redis_the_rest_is_there(app, client, config, registry):
    """The documents are the truth."""
    create(client)

    with client_with(config, registry, **REDIS_AWAY) as other:
        found = scrape(other)

    assert (found["jimeng_redis_up",], found["jimeng_mongodb_up",]) == (0, 1)
    assert found["jimeng_queue_pictures", "pending"] == 1
    assert ("jimeng_queue_jobs",) not in found


def test_with_sign_in_a_key_is_needed(database, config, registry, monkeypatch):
    """Also where MongoDB is away and nobody's key can be looked up."""
    monkeypatch.setattr("jimeng.documents.base.WEB_TIMEOUT", 0.3)
    closed = {"AUTH": "on", "SECRET_KEY": secrets.token_hex(32)}
    with client_with(config, registry, **closed) as other:
        refused(other.get("/metrics"), 401, "unauthorized")

    with client_with(config, registry, **closed, **MONGODB_AWAY) as other:
        refused(other.get("/metrics"), 401, "unauthorized")
        found = scrape(other, Authorization="Bearer jm_" + "x" * 43)
        assert found["jimeng_mongodb_up",] == 0
        assert len(found) == 3


@pytest.mark.parametrize("name", ["metrics.md", "metrics.en.md"])
def test_every_figure_is_explained(client, work_off, name):
    """The page of the documents names those there are, and no others."""
    create(client)
    work_off()
    page = (Path(__file__).parents[2] / "docs" / name).read_text("utf-8")
    (table,) = re.findall(r"\n\| ---.*?\n\n", page, re.DOTALL)

    named = set(re.findall(r"`(jimeng_\w+)", table))
    text = client.get("/metrics").text
    assert named == set(re.findall(r"(?m)^# TYPE (\w+)", text))
