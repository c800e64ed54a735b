"""The installation's budgets as an operator sees them, spent or nearly so."""

from datetime import datetime, timedelta

import pytest

from jimeng.cli.checks import accounts
from jimeng.documents import Worker, utcnow
from jimeng.monitoring import metrics
from tests.admin.pages import ENGLISH, text_of
from tests.billing.conftest import PRICE, settle
from tests.monitoring.test_metrics import scrape
from tests.rest import CAT, CREATE, client_with, create, refused

FEN_OF_PRICE = PRICE / 10_000


@pytest.fixture
def told(app, config, registry, monkeypatch):
    """A server with a budget of ten pictures a day; a worker lives."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    soon = utcnow() + timedelta(hours=1)
    with client_with(config, registry, DAILY_BUDGET=10 * PRICE) as client:
        Worker(id="w", started_at=utcnow(), seen_at=soon).save()
        yield client


def doctor(client) -> list[tuple[str, str, str, str]]:
    config = client.application.config["JIMENG"]
    return [
        (each.check, each.status.value, each.found.partition(";")[0], each.advice)
        for each in accounts.budgets(config)
    ]


def figures(client) -> dict[str, float]:
    """Of the day, without the common beginning of their names."""
    begin = "jimeng_budget_"
    return {
        name.removeprefix(begin): value
        for (name, *labels), value in scrape(client).items()
        if name.startswith(begin) and labels == ["day"]
    }


def ready(client) -> tuple[int, list[str]]:
    answer = client.get("/health/ready")
    return answer.status_code, answer.json["spent"]


def usage_page(client) -> str:
    return text_of(client.get("/admin/usage", headers=ENGLISH))


def test_budget_is_told_before_it_is_spent(told):
    """From 80 % on the doctor warns; a probe says nothing yet."""
    create(told, n=4)
    create(told, n=3)

    assert doctor(told) == [("budget of the day", "ok", "¥1.40 of ¥2.00", "")]
    assert "¥1.40 of ¥2.00 today, including reserved; resets" in usage_page(told)
    create(told)

    advice = "doctor.budget_nearly_spent"
    assert doctor(told) == [("budget of the day", "warning", "¥1.60 of ¥2.00", advice)]
    assert ready(told) == (200, [])
    assert figures(told) == {
        "limit_fen": 10 * FEN_OF_PRICE,
        "spent_fen": 0,
        "held_fen": 8 * FEN_OF_PRICE,
        "exceeded": 0,
    }


def test_spent_budget_is_told_everywhere(told, work_off):
    """While all are refused: to a probe, in figures, by the doctor, on the page."""
    for n in (4, 4, 1):
        create(told, n=n)
    work_off()
    settle()
    refused(told.post(CREATE, json={**CAT, "n": 2}), 402, "budget_exceeded")

    advice = "doctor.budget_spent"
    assert doctor(told) == [("budget of the day", "warning", "¥1.80 of ¥2.00", advice)]
    assert ready(told) == (200, ["day"])
    assert figures(told) == {
        "limit_fen": 10 * FEN_OF_PRICE,
        "spent_fen": 9 * FEN_OF_PRICE,
        "held_fen": 0,
        "exceeded": 1,
    }
    page = told.get("/admin/usage", headers=ENGLISH)
    assert "¥1.80 of ¥2.00 today, including reserved; resets" in text_of(page)
    assert 'data-kind="error"' in page.text.partition('op-banner" ')[2]


def test_time_of_the_reset_is_told(told):
    (finding,) = accounts.budgets(told.application.config["JIMENG"])

    reset = datetime.fromisoformat(finding.found.rpartition(" ")[2])
    assert timedelta() < reset - utcnow() <= timedelta(days=1)


def test_request_that_was_only_too_large_spends_nothing(told):
    """Others still fit."""
    create(told, n=4)
    create(told, n=3)
    refused(told.post(CREATE, json={**CAT, "n": 4}), 402, "budget_exceeded")

    assert ready(told) == (200, [])
    assert figures(told)["exceeded"] == 0


def test_without_a_limit_nothing_is_told(client, config):
    create(client)

    assert list(accounts.budgets(config)) == []
    assert figures(client) == {}
    assert "including reserved" not in usage_page(client)
