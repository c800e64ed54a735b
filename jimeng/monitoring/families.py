"""Figures of which there is one for each value of their labels."""

from prometheus_client.core import GaugeMetricFamily

Values = dict[tuple[str, ...], float]  # by the values of the labels


def family(
    name: str, words: str, labels: list[str], values: Values
) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, words, labels=labels)
    for value_labels, value in values.items():
        found.add_metric(value_labels, float(value))
    return found
