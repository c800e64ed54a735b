"""Counters and histograms for Prometheus, shared by all processes in the database."""

from collections import defaultdict

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from jimeng.process.metric_counts import BUCKETS, MILLISECONDS, MetricCounts, counts

Values = dict[tuple[str, ...], float]  # label values -> the metric's value

# Name in `counts` -> the metric's name, help text and labels.
COUNTERS: dict[str, tuple[str, str, list[str]]] = {
    "requests": (
        "jimeng_requests",
        "Answered requests, by interface (label door): api (REST), openai (/v1), ark "
        "(/api/v3), mcp, or pages; and by kind.",
        ["door", "kind", "status"],
    ),
    "refusals": (
        "jimeng_refusals",
        "Requests answered with an error, by its code.",
        ["door", "code"],
    ),
    "calls": (
        "jimeng_provider_calls",
        "Calls to a provider (submit, poll, download), by result: ok, or the error's "
        "code.",
        ["provider", "call", "code"],
    ),
    "slots_used_ms": (
        "jimeng_slot_seconds_used",
        "Slots in use, times seconds, sampled every few seconds.",
        ["model"],
    ),
    "slots_idle_ms": (
        "jimeng_slot_seconds_idle",
        "Slots idle while a picture waited for one, times seconds; not counted: slots "
        "beyond the current limit, during a back-off, or while sending is paused.",
        ["model"],
    ),
    "polls": (
        "jimeng_picture_polls",
        "Polls that it took to find pictures ready; jimeng_picture_provider_seconds "
        "counts these pictures.",
        ["model"],
    ),
    "webhook_attempts": (
        "jimeng_webhook_attempts",
        "Attempts to deliver webhooks, by outcome: delivered, or the error's code.",
        ["outcome"],
    ),
}
DURATIONS: dict[str, tuple[str, str, list[str]]] = {
    "request": (
        "jimeng_request_seconds",
        "Duration of requests, including waits for pictures.",
        ["door", "kind"],
    ),
    "call": (
        "jimeng_provider_call_seconds",
        "Duration of calls to a provider.",
        ["provider", "call"],
    ),
    "picture": (
        "jimeng_picture_seconds",
        "From the request to the stored picture.",
        ["model"],
    ),
    "picture_wait": (
        "jimeng_picture_wait_seconds",
        "From the request until the picture was submitted to the provider.",
        ["model"],
    ),
    "picture_provider": (
        "jimeng_picture_provider_seconds",
        "The provider's own time: from accepted to ready.",
        ["model"],
    ),
    "picture_unnoticed": (
        "jimeng_picture_unnoticed_seconds",
        "Maximum time from ready to noticed: from the previous poll (or acceptance) to "
        "the one that found the picture ready. The provider does not say when it "
        "became ready.",
        ["model"],
    ),
    "picture_saving": (
        "jimeng_picture_saving_seconds",
        "From ready to stored: download, check, store.",
        ["model"],
    ),
}


def read_metrics() -> list[Metric]:
    found = counts.read()
    plain = [counter(found, name) for name in COUNTERS]
    return [*plain, *(histogram(found, name) for name in DURATIONS)]


def counter(found: MetricCounts, name: str) -> CounterMetricFamily:
    figure, documentation, labels = COUNTERS[name]
    family = CounterMetricFamily(figure, documentation, labels=labels)
    for (kind, *values), n in sorted(found.items()):
        if kind == name and len(values) == len(labels):
            family.add_metric(values, n / 1000 if name.endswith(MILLISECONDS) else n)
    return family


def histogram(found: MetricCounts, name: str) -> HistogramMetricFamily:
    """Build a histogram; buckets of another release count in our next larger one."""
    figure, documentation, labels = DURATIONS[name]
    family = HistogramMetricFamily(figure, documentation, labels=labels)
    rows: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for (kind, *values), n in sorted(found.items()):
        if kind == name and len(values) == len(labels) + 1:
            rows[tuple(values[:-1])].append((values[-1], n))
    for label_values, parts in rows.items():
        took = sum(n for bound, n in parts if bound == MILLISECONDS)
        sizes = [(float(b), n) for b, n in parts if b != MILLISECONDS]
        buckets = [
            (
                "+Inf" if top == "inf" else top,
                sum(n for b, n in sizes if b <= float(top)),
            )
            for top in BUCKETS
        ]
        family.add_metric(list(label_values), buckets=buckets, sum_value=took / 1000)
    return family


def family(
    name: str, documentation: str, labels: list[str], values: Values
) -> GaugeMetricFamily:
    """A gauge with one value for each combination of labels."""
    found = GaugeMetricFamily(name, documentation, labels=labels)
    for value_labels, value in values.items():
        found.add_metric(value_labels, float(value))
    return found
