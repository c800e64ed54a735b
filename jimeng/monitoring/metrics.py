"""
``/metrics`` for Prometheus.

All metrics are read from MongoDB and Redis when they are scraped, so that every web
process returns the same. Work is counted in pictures: a task of four is four. No label
contains user data.
"""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from flask import Response, current_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from pymongo.errors import ConnectionFailure, PyMongoError

from jimeng import jobs, operations
from jimeng.api.openapi.blueprint import TEXT, DescribedBlueprint
from jimeng.billing import cost_reports, usage
from jimeng.billing.budgets import states_of_installation
from jimeng.billing.counters import count_spent
from jimeng.config.version import COMMIT, VERSION
from jimeng.documents import Budget, Image, Input, utcnow
from jimeng.documents.principal import Principal
from jimeng.documents.spending import INSTALLATION
from jimeng.errors import QueueUnavailable
from jimeng.http import auth, waiters
from jimeng.jobs import video_fetching
from jimeng.lanes import SWITCHES, is_paused
from jimeng.monitoring import database_metrics, readiness
from jimeng.monitoring.database_metrics import Values, family
from jimeng.operations import backup
from jimeng.operations.lane_status import AccountView
from jimeng.operations.queue import QueueView
from jimeng.providers.models.model import FEN
from jimeng.upkeep import retention
from jimeng.webhooks import deliveries

log = logging.getLogger(__name__)

bp = DescribedBlueprint("metrics", __name__)

EXAMPLE = """\
# HELP jimeng_mongodb_up Whether MongoDB answers.
# TYPE jimeng_mongodb_up gauge
jimeng_mongodb_up 1.0
"""
CACHE_S = 3.0  # seconds
OPERATOR = Principal("metrics", is_operator=True)

_asking = threading.Lock()


@bp.get("/metrics", tags=["system"])
@bp.response(200, TEXT, content_type="text/plain", example=EXAMPLE)
@bp.describe(errors=["admins_only"])
def metrics() -> Response:
    """
    Metrics for Prometheus: the queue, model queues, ended pictures, workers.

    Every process returns the same; work is counted in pictures. If MongoDB is
    unavailable there is `jimeng_mongodb_up 0` and little else. With sign-in on the key
    needs the scope `admin`.
    """
    try:
        auth.require_operator_of_api()
        text = cached_text()
    except PyMongoError as error:
        if not (error.timeout or isinstance(error, ConnectionFailure)):
            raise
        # Keys cannot be checked either, so only the outage is reported, which
        # /health/ready shows without a key, too.
        log.warning("database unavailable", exc_info=error)
        text = generate_latest(
            Measured([up_metrics(mongodb=False, redis=redis_answers())])
        )
    return Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def cached_text() -> bytes:
    """Return the metrics, at most `CACHE_S` seconds old."""
    cache = current_app.extensions.setdefault("metrics", {})
    with _asking:
        if time.monotonic() >= cache.get("until", 0.0):
            cache["text"] = generate_latest(Measured(list(measure())))
            cache["until"] = time.monotonic() + CACHE_S
        return cache["text"]


def redis_answers() -> bool:
    try:
        jobs.check_queue()
    except QueueUnavailable:
        return False
    return True


class Measured(Collector):
    """A collector of metrics that are already measured, for `generate_latest`."""

    def __init__(self, groups: list[list[Metric]]) -> None:
        self.groups = groups

    def collect(self) -> Iterator[Metric]:
        for group in self.groups:
            yield from group


def measure() -> Iterator[list[Metric]]:
    """
    All metrics. Whatever Redis is asked for is asked at the same time: while it does
    not answer, each of these waits for its timeout.
    """
    with ThreadPoolExecutor(3, "metrics") as pool:
        reading = [
            pool.submit(copy_context().run, each)
            for each in (waiting, ready, database_metrics.read_metrics)
        ]
        found = operations.queue.read_queue(OPERATOR)
        told = [each.result() for each in reading]
    yield up_metrics(mongodb=True, redis=found.jobs is not None)
    yield queue(found)
    yield lanes(found)
    yield workers(found)
    yield ends()
    yield stored()
    yield videos_waiting()
    yield backed_up()
    yield inputs_stored()
    yield webhooks()
    yield money()
    yield budgets()
    yield from told


def money() -> list[Metric]:
    """Costs, as the ledger says since its beginning."""
    fen = CounterMetricFamily(
        "jimeng_charged_fen",
        "Cost of the charged pictures by the ledger, in fen (1/100 yuan).",
        labels=["model"],
    )
    unpriced = CounterMetricFamily(
        "jimeng_charged_unpriced",
        "Charged pictures whose price is not known.",
        labels=["model"],
    )
    for model, cost in cost_reports.of_models().items():
        fen.add_metric([model], cost.micros / FEN)
        unpriced.add_metric([model], cost.unpriced)
    documentation = "Pictures whose charge is unknown until an operator decides."
    undecided = operations.costs.count_undecided()
    return [
        fen,
        unpriced,
        GaugeMetricFamily("jimeng_charges_undecided", documentation, undecided),
    ]


def budgets() -> list[Metric]:
    """The budgets of all users together; no values without a limit."""
    limit, spent, held, exceeded = Values(), Values(), Values(), Values()
    for state in states_of_installation(jobs.runtime().config):
        period = (state.period,)
        found = count_spent(Budget, INSTALLATION, state.begin)
        limit[period] = state.limit / FEN
        spent[period] = found.used / FEN
        held[period] = found.reserved / FEN
        exceeded[period] = state.is_exceeded
    values = {
        "limit_fen": ("Budget of all users together, in fen.", limit),
        "spent_fen": ("What was charged of it in this period, in fen.", spent),
        "held_fen": ("What is reserved of it in addition, in fen.", held),
        "exceeded": ("Whether it is spent, so that requests are refused.", exceeded),
    }
    return [
        family(f"jimeng_budget_{name}", documentation, ["period"], by_period)
        for name, (documentation, by_period) in values.items()
    ]


def webhooks() -> list[Metric]:
    documentation = "Webhook deliveries that wait for their first or next attempt."
    return [
        GaugeMetricFamily(
            "jimeng_webhooks_waiting", documentation, deliveries.count_waiting()
        )
    ]


def up_metrics(*, mongodb: bool, redis: bool) -> list[Metric]:
    release = {"version": VERSION, "commit": COMMIT}
    about = InfoMetricFamily("jimeng", "Version and commit.", release)
    return [
        about,
        GaugeMetricFamily("jimeng_mongodb_up", "Whether MongoDB answers.", mongodb),
        GaugeMetricFamily("jimeng_redis_up", "Whether Redis answers.", redis),
    ]


def queue(found: QueueView) -> list[Metric]:
    oldest = 0.0
    if found.oldest_at is not None:
        oldest = max((found.measured_at - found.oldest_at).total_seconds(), 0.0)
    figures: list[Metric] = [
        family(
            "jimeng_queue_pictures",
            "Pictures that wait (pending), wait after a refusal (retry), or are "
            "being submitted, generated or stored (active).",
            ["state"],
            {
                ("pending",): found.pending,
                ("retry",): found.retry,
                ("active",): found.active,
            },
        ),
        GaugeMetricFamily(
            "jimeng_queue_oldest_wait_seconds",
            "Wait of the oldest waiting picture; 0 if none waits.",
            oldest,
        ),
        family(
            "jimeng_paused",
            "Whether an operator has paused new tasks (intake), sending or webhooks.",
            ["switch"],
            {(name,): is_paused(name) for name in SWITCHES},
        ),
    ]
    if found.jobs is not None:
        documentation = "Jobs in Redis that no worker has taken."
        figures.append(
            GaugeMetricFamily("jimeng_queue_jobs", documentation, found.jobs)
        )
    return figures


def lanes(found: QueueView) -> list[Metric]:
    """
    A lane is the queue of one provider's model; its limit is how many pictures may be
    generated at a time, for each account.
    """
    names = ["lane", "provider", "model"]
    labels = {
        each.id: (each.id, each.provider, each.model or "") for each in found.lanes
    }
    account_lanes = {
        (*labels[lane.id], each.account): each
        for lane in found.lanes
        for each in lane.accounts
    }
    by_account: dict[str, tuple[str, Values]] = {
        "slots_in_use": (
            "Slots in use: pictures that the provider may be generating.",
            {its: each.slots_in_use for its, each in account_lanes.items()},
        ),
        "slots_limit": (
            "Current limit of the slots; 0 if the model or the account was removed.",
            {its: each.limit or 0 for its, each in account_lanes.items()},
        ),
        "slots_configured": (
            "Configured limit of the slots; the current one is lower after refusals.",
            {its: each.configured or 0 for its, each in account_lanes.items()},
        ),
        "slots_lowered": (
            "Whether the limit is lower, and pictures wait or were refused within ten "
            "minutes.",
            {its: each.is_lowered for its, each in account_lanes.items()},
        ),
        "account_refused": (
            "Whether the account is suspended because the provider refused it.",
            {its: is_account_suspended(each) for its, each in account_lanes.items()},
        ),
    }
    by_account["failures_in_a_row"] = (
        "Submissions in a row that were refused because of the account, or not "
        "answered; 0 if the latest is over a quarter of an hour old.",
        {
            its: each.failures.count if each.failures else 0
            for its, each in account_lanes.items()
        },
    )
    figures: dict[str, tuple[str, Values]] = {
        "pictures_waiting": (
            "Pictures waiting in the model queue.",
            {labels[each.id]: each.pending + each.retry for each in found.lanes},
        ),
        "backing_off": (
            "Whether the model queue backs off at the provider's request.",
            {labels[each.id]: each.back_off_until is not None for each in found.lanes},
        ),
    }
    return [
        *(
            family(f"jimeng_lane_{name}", documentation, [*names, "account"], values)
            for name, (documentation, values) in by_account.items()
        ),
        *(
            family(f"jimeng_lane_{name}", documentation, names, values)
            for name, (documentation, values) in figures.items()
        ),
    ]


def is_account_suspended(account_lane: AccountView) -> bool:
    return account_lane.refused is not None and account_lane.back_off_until is not None


def workers(found: QueueView) -> list[Metric]:
    ages: Values = {
        (f"{each.host}:{each.pid}",): (found.measured_at - each.seen_at).total_seconds()
        for each in found.workers
    }
    return [
        GaugeMetricFamily(
            "jimeng_workers_alive",
            "Workers whose heartbeat is recent.",
            sum(each.is_alive for each in found.workers),
        ),
        family(
            "jimeng_worker_heartbeat_age_seconds",
            "Seconds since the last heartbeat of each worker seen within the hour.",
            ["worker"],
            ages,
        ),
    ]


def waiting() -> list[Metric]:
    found = waiters.read()
    return [
        GaugeMetricFamily(
            "jimeng_waiters",
            "Clients that wait for the end of a task or batch, or follow one.",
            sum(each.count for each in found),
        ),
        GaugeMetricFamily(
            "jimeng_watcher_poll_age_seconds",
            "Seconds since a web process with waiters polled for them, of the one that "
            "is latest; 0 if nobody waits.",
            max((each.poll_age_s for each in found), default=0.0),
        ),
    ]


def ends() -> list[Metric]:
    ways, uncertain = usage.totals(OPERATOR)
    total = CounterMetricFamily(
        "jimeng_pictures_ended",
        "Pictures that have ended: done, failed, unknown (perhaps accepted by the "
        "provider) or cancelled before submission; code is the error code.",
        labels=["model", "outcome", "charged", "code"],
    )
    for way, n in sorted(ways.items(), key=lambda item: str(item[0])):
        total.add_metric([way.model, way.outcome, way.charged, way.code], n)
    young = family(
        "jimeng_pictures_uncertain",
        "Failures of the last day whose pictures may still arrive; these are counted "
        "as ended once more then.",
        ["code"],
        {(code,): n for code, n in uncertain.items()},
    )
    return [total, young]


def stored() -> list[Metric]:
    return [
        GaugeMetricFamily(
            "jimeng_pictures_stored",
            "Pictures stored, including the trash.",
            Image.collection().estimated_document_count(),
        ),
        GaugeMetricFamily(
            "jimeng_pictures_stored_bytes",
            "Bytes of the stored pictures and their thumbnails.",
            jobs.runtime().store.size(),
        ),
        *disk(),
    ]


def videos_waiting() -> list[Metric]:
    count, seconds = video_fetching.count_waiting()
    return [
        GaugeMetricFamily(
            "jimeng_videos_fetching",
            "Videos that the provider has finished and that are not stored yet.",
            count,
        ),
        GaugeMetricFamily(
            "jimeng_videos_fetching_oldest_seconds",
            "How long the first of these has been finished; 0 if there is none.",
            seconds,
        ),
    ]


def backed_up() -> list[Metric]:
    """Omit the value without a known backup: other tools may make backups."""
    at = backup.last_at()
    about = "Seconds since the last backup by `flask backup` began."
    values: Values = {(): (utcnow() - at).total_seconds()} if at else {}
    return [family("jimeng_backup_age_seconds", about, [], values)]


def disk() -> list[Metric]:
    """Free disk space; nothing if it is not known."""
    free = retention.free_bytes()
    about = "Bytes free on the disk of MongoDB, or of the pictures if they are fewer."
    found = GaugeMetricFamily("jimeng_disk_free_bytes", about, free)
    return [] if free is None else [found]


def inputs_stored() -> list[Metric]:
    return [
        GaugeMetricFamily(
            "jimeng_inputs_kept",
            "Input pictures stored.",
            Input.collection().estimated_document_count(),
        ),
        GaugeMetricFamily(
            "jimeng_inputs_kept_bytes",
            "Bytes of the stored input pictures.",
            jobs.runtime().inputs.size(),
        ),
    ]


def ready() -> list[Metric]:
    """One value for every possible reason: 1 if it applies now."""
    found = {reason.code for reason in readiness.current().reasons}
    documentation = "Whether this code is currently a reason in /health/ready."
    values: Values = {(code,): code in found for code in readiness.CODES}
    return [family("jimeng_not_ready", documentation, ["code"], values)]
