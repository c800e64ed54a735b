"""What is counted where it happens: once each, and by all processes together."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest

from jimeng import jobs, lanes
from jimeng.documents import Generation, Task, utcnow
from jimeng.errors import ProviderError
from jimeng.jobs import endings, picture, pump
from jimeng.jobs import metric_counters as counting
from jimeng.monitoring import database_metrics, metrics
from jimeng.process import metric_counts
from jimeng.process.metric_counts import KEY, Counts, counts
from jimeng.providers import Progress
from jimeng.providers.download import FetchFailed
from tests.at_once import at_once
from tests.billing.conftest import settle
from tests.conftest import png, run_queue
from tests.forgetting import forget_lanes
from tests.inputs.test_uploads import upload
from tests.monitoring.test_metrics import MODEL, scrape
from tests.rest import API, create

STAGES = ("picture", "picture_wait", "picture_provider", "picture_saving")


@pytest.fixture(autouse=True)
def from_nothing(monkeypatch, app):
    """Each look is a new one, and nothing has been counted."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    counts.flush()
    jobs.huey.storage.conn.delete(KEY)


def each_stage(found: dict[tuple, float]) -> list[float]:
    """Pictures that each duration has counted."""
    return [found.get((f"jimeng_{name}_seconds_count", MODEL), 0) for name in STAGES]


def test_each_picture_is_timed_once(client, work_off):
    """Whoever died after the task said that it has ended does it again."""
    create(client, n=2)
    run_queue()
    sent = each_stage(scrape(client))
    work_off()

    assert sent == [0, 2, 0, 0]
    assert each_stage(scrape(client)) == [2, 2, 2, 2]
    for done in Generation.find_all({}):
        endings.complete(done)
    assert each_stage(scrape(client)) == [2, 2, 2, 2]


def test_time_is_that_of_the_picture(client, work_off):
    """As it was asked for long ago: the whole is long, the saving is not."""
    create(client)
    run_queue()
    old = utcnow() - timedelta(seconds=50)
    changes = {"created_at": old, "accepted_at": old + timedelta(seconds=20)}
    Generation.collection().update_many({}, {"$set": changes})
    work_off()

    found = scrape(client)

    whole = {
        float(top): n
        for (name, *labels), n in found.items()
        if name == "jimeng_picture_seconds_bucket"
        for top in [labels[0]]
    }
    passed = (utcnow() - old).total_seconds()
    assert (whole[45.0], whole[float("inf")]) == (0, 1)
    assert 50 <= found["jimeng_picture_seconds_sum", MODEL] <= passed
    assert 30 <= found["jimeng_picture_provider_seconds_sum", MODEL] <= passed - 20
    assert found["jimeng_picture_saving_seconds_sum", MODEL] <= passed - 50


def test_unwanted_picture_does_not_count_as_completed(client):
    """It was drawn and paid for, and its task was cancelled meanwhile."""
    task = create(client)
    run_queue()
    (generation,) = map(Generation.read, Generation.collection().find())
    Task.collection().update_one({"_id": task}, {"$set": {"status": "cancelled"}})

    endings.complete(generation)

    assert each_stage(scrape(client)) == [0, 1, 0, 0]


def test_money_is_counted_as_it_is_drawn(client, drawn, monkeypatch):
    """As the ledger says; what has no price is counted apart, and costs nothing."""
    drawn(n=2)
    monkeypatch.setattr("jimeng.providers.models.model.PRICES", {})
    drawn()
    settle()

    found = scrape(client)

    assert found["jimeng_charged_fen_total", MODEL] == 2 * 20
    assert found["jimeng_charged_unpriced_total", MODEL] == 1


def test_polls_and_what_they_may_have_missed_are_counted(client, provider, work_off):
    """Each poll, and the seconds since the one before that found it ready."""
    provider.polls = [Progress("r", done=False)]
    create(client)
    run_queue()
    ago = utcnow() - timedelta(seconds=40)
    while not provider.polled:  # not ready yet
        let_come_due(accepted_at=ago)
        run_queue()
    let_come_due(looked_at=ago + timedelta(seconds=37))

    work_off()

    found = scrape(client)
    assert found["jimeng_picture_polls_total", MODEL] == 2
    assert found["jimeng_picture_unnoticed_seconds_count", MODEL] == 1
    most = (utcnow() - ago).total_seconds() - 37
    assert 3 <= found["jimeng_picture_unnoticed_seconds_sum", MODEL] <= most


def test_poll_that_failed_has_missed_nothing(client, drawn, provider):
    """Since when it was ready nobody can say then."""
    provider.polls = [ProviderError("away", code="provider_internal", transient=True)]
    drawn()

    found = scrape(client)
    assert found["jimeng_picture_polls_total", MODEL] == 2
    assert ("jimeng_picture_unnoticed_seconds_count", MODEL) not in found


def test_polls_before_it_was_sent_once_more_do_not_count(client, work_off):
    """It was not ready then, as it had not been accepted."""
    began = utcnow()
    create(client)
    run_queue()
    let_come_due(looked_at=utcnow() - timedelta(hours=1))

    work_off()

    unnoticed = scrape(client)["jimeng_picture_unnoticed_seconds_sum", MODEL]
    assert unnoticed <= (utcnow() - began).total_seconds()


def let_come_due(**changes: object) -> None:
    """The pump would find it, and what is remembered of it is changed."""
    due = {"due_at": utcnow() - timedelta(seconds=1), **changes}
    Generation.collection().update_many({}, {"$set": due})
    pump.tick()


@pytest.fixture
def pass_and_sample(monkeypatch, from_nothing) -> Callable[[float], None]:
    """Lets seconds pass between two samples."""
    clock = SimpleNamespace(time=lambda: at[0], monotonic=time.monotonic)
    at = [time.time()]

    def pass_and_sample(seconds: float) -> None:
        at[0] += seconds
        forget_lanes()
        counting.sample_slots()

    monkeypatch.setattr(counting, "time", clock)
    jobs.huey.storage.conn.delete(counting.SAMPLED_KEY)
    pass_and_sample(0)
    return pass_and_sample


def slot_seconds(client) -> tuple[float, float]:
    """Those used, and those idle while something waited."""
    found = scrape(client)
    used, idle = (
        found.get((f"jimeng_slot_seconds_{kind}_total", MODEL), 0.0)
        for kind in ("used", "idle")
    )
    return used, idle


def test_idle_slots_write_nothing_but_their_start(client, pass_and_sample):
    """A counter of 0 is there once, so that Prometheus sees it begin."""
    pass_and_sample(5)
    assert ("jimeng_slot_seconds_used_total", MODEL) in scrape(client)

    pass_and_sample(5)

    assert not [name for name in counting.counts._counted if "slots_" in name]


def test_slot_seconds_are_sampled(client, pass_and_sample):
    """Two slots: free while three wait, then in use; what waits for these is normal."""
    pass_and_sample(10)
    assert slot_seconds(client) == (0, 0)

    create(client, n=3)
    pass_and_sample(2.5)
    assert slot_seconds(client) == (0, 5)

    run_queue()
    pass_and_sample(4)
    pass_and_sample(0)  # of another process
    pass_and_sample(1)

    assert slot_seconds(client) == (10, 5)


def test_slot_that_nobody_waits_for_is_not_idle(client, pass_and_sample):
    """Nor one that may not be used. Nobody knows how it was while no worker ran; nor
    does a clock run backwards."""
    create(client)
    pass_and_sample(counting.MAX_SAMPLE_GAP_S + 1)
    pass_and_sample(-5)
    assert slot_seconds(client) == (0, 0)
    pass_and_sample(3)
    idle = slot_seconds(client)
    assert idle == (0, 3), "one picture waits, and two slots are free"

    lanes.pause(lanes.SENDING, "somebody")
    pass_and_sample(3)

    assert slot_seconds(client) == idle


def test_calls_of_the_provider_are_counted_by_code(
    client, drawn, provider, monkeypatch
):
    """Those too that ended nothing, as it was only busy; each with its time."""
    provider.submits = [ProviderError("full", code="rate_limited", transient=True)]
    provider.polls = [Progress("r", done=True, urls=("https://example.com/a.png",))]
    tries = iter([FetchFailed("cut off")])

    def fetch(url: str, **options: object) -> bytes:
        for error in tries:
            raise error
        return png()

    monkeypatch.setattr(picture, "fetch_picture", fetch)
    drawn()

    found = scrape(client)

    calls = {
        (call, code): n
        for (name, *labels), n in found.items()
        if name == "jimeng_provider_calls_total"
        for call, code, _ in [labels]
    }
    assert calls["submit", "rate_limited"] == calls["submit", "ok"] == 1
    assert calls["download", "fetch_failed"] == calls["download", "ok"] == 1
    took = "jimeng_provider_call_seconds_count"
    assert found[took, "submit", "volcengine_jimeng"] == 2


def test_requests_and_refusals_are_told_apart(client):
    """By door, kind and code, whoever has found what is refused."""
    create(client)
    client.get(f"{API}/models")
    client.get(f"{API}/tasks/nothing")
    client.post(f"{API}/ai/image/task", json={"prompt": ""})
    client.get("/v1/models")
    client.get("/v1/models")
    client.get("/v1/nothing")
    client.get("/nothing")
    client.get("/")

    found = scrape(client)

    requests = {k[1:]: n for k, n in found.items() if k[0] == "jimeng_requests_total"}
    assert requests == {
        ("api", "submit", "202"): 1,
        ("api", "submit", "422"): 1,
        ("api", "read", "200"): 1,
        ("api", "read", "404"): 1,
        ("openai", "read", "200"): 2,
        ("openai", "none", "404"): 1,
        ("pages", "none", "404"): 1,
        ("pages", "read", "200"): 1,
    }
    refusals = {k[1:]: n for k, n in found.items() if k[0] == "jimeng_refusals_total"}
    assert refusals == {
        ("validation_failed", "api"): 1,
        ("task_not_found", "api"): 1,
        ("not_found", "openai"): 1,
        ("not_found", "pages"): 1,
    }
    assert found["jimeng_request_seconds_count", "openai", "read"] == 2
    assert found["jimeng_request_seconds_sum", "pages", "read"] > 0


def test_processes_add_to_one_another(app):
    """However many count at once, nothing is lost and nothing counts twice."""
    processes = [Counts() for _ in range(4)]

    def work(number: int) -> None:
        process = processes[number % 4]
        for n in range(200):
            process.add("calls", "p", "submit", "ok")
            process.observe("picture", "m", seconds=n)
            if n % 50 == 0:
                process.flush()
        process.flush()

    at_once(8, work)

    found = Counts().read()
    assert found["calls", "p", "submit", "ok"] == 1600
    assert sum(found["picture", "m", top] for top in metric_counts.BUCKETS) == 1600
    assert found["picture", "m", "ms"] == 8 * 1000 * sum(range(200))


def test_bounds_of_another_release_are_understood():
    """What it has counted falls under the next bound of ours."""
    found = Counter(
        {
            ("picture", "m", "40"): 3,
            ("picture", "m", "45"): 1,
            ("picture", "m", "5000"): 2,
            ("picture", "m", "ms"): 9000,
            ("picture", "m", "of another", "kind"): 7,
        }
    )

    samples = database_metrics.histogram(found, "picture").samples

    tops = {s.labels["le"]: s.value for s in samples if s.name.endswith("_bucket")}
    assert (tops["30"], tops["45"], tops["1800"], tops["+Inf"]) == (0, 4, 4, 6)
    assert [s.value for s in samples if s.name.endswith("_sum")] == [9]


def test_given_pictures_are_measured(client):
    before = scrape(client)
    upload(client)
    after = scrape(client)

    grown = after["jimeng_inputs_kept",] - before["jimeng_inputs_kept",]
    assert grown == 1
    assert after["jimeng_inputs_kept_bytes",] > before["jimeng_inputs_kept_bytes",]


def test_a_picture_adds_no_command(drawn, monkeypatch):
    """It is counted in the process; Redis is told of all at once."""
    told = []
    monkeypatch.setattr(counts, "flush", lambda: told.append(1))
    monkeypatch.setattr(counts, "_next", float("inf"))

    drawn(n=4)

    assert told == []
