"""Alert rules and dashboard: figures that there are, and alarms in time."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from jimeng import jobs
from jimeng.documents import Worker, utcnow
from jimeng.errors import ProviderError
from jimeng.jobs import metric_counters, picture
from jimeng.monitoring import metrics
from jimeng.operations.backup import rotation
from jimeng.process import metric_counts
from jimeng.providers import MODELS, Progress
from tests.billing.conftest import settle
from tests.conftest import png
from tests.rest import create

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "monitoring"
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
ALERTS = {rule["alert"]: rule for rule in RULES["groups"][0]["rules"]}
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text("utf-8"))
PANELS = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
ASKED = [target["expr"] for panel in PANELS for target in panel["targets"]]

DONE = 'jimeng_pictures_ended_total{model="m",outcome="done",charged="yes",code=""}'
FAILED = (
    'jimeng_pictures_ended_total{model="m",outcome="failed",charged="no",code="%s"}'
)
WAIT = "jimeng_queue_oldest_wait_seconds"
PAUSED = 'jimeng_paused{switch="sending"}'
BACKS = 'jimeng_lane_backing_off{lane="p:m",provider="p",model="m"}'
IN_LINE = 'jimeng_lane_pictures_waiting{lane="p:m",provider="p",model="m"}'
SLOTS = 'jimeng_lane_slots_%s{lane="p:m",provider="p",model="m",account="main"}'
REFUSED = 'jimeng_lane_account_refused{lane="p:m",provider="p",model="m",account="%s"}'
VIDEO = "doubao-seedance-2-5-260628"
REQUESTS = 'jimeng_requests_total{door="api",kind="read",status="%s"}'
GIB = 2**30


def calls(call: str, **codes: str) -> dict[str, str]:
    name = 'jimeng_provider_calls_total{provider="p",call="%s",code="%s"}'
    return {name % (call, code): values for code, values in codes.items()}


def slots(limit: str, lowered: str) -> dict[str, str]:
    values = {"limit": limit, "configured": "20x60", "lowered": lowered}
    return {SLOTS % name: value for name, value in values.items()}


def attempts(**outcomes: str) -> dict[str, str]:
    name = 'jimeng_webhook_attempts_total{outcome="%s"}'
    return {name % outcome: values for outcome, values in outcomes.items()}


def slot_seconds(idle: str, used: str) -> dict[str, str]:
    name = 'jimeng_slot_seconds_%s_total{model="m"}'
    return {name % "idle": idle, name % "used": used}


def drawn_within(seconds: dict[str, str], model: str = "m") -> dict[str, str]:
    name = 'jimeng_picture_provider_seconds_bucket{model="%s",le="%s"}'
    return {name % (model, le): values for le, values in seconds.items()}


def budget(spent: str, held: str, exceeded: str) -> dict[str, str]:
    name = 'jimeng_budget_%s{period="day"}'
    values = {"limit_fen": "100", "spent_fen": spent, "held_fen": held}
    values["exceeded"] = exceeded
    return {
        name % each: value if "x" in value else f"{value}x60"
        for each, value in values.items()
    }


def one(series: str, rings: list[str], silent: list[str]) -> list:
    """Cases of one series: values on which it rings, and on which it does not."""
    cases = [(values, True) for values in rings]
    cases += [(values, False) for values in silent]
    return [({series: values}, is_ringing) for values, is_ringing in cases]


# Alert -> series, a value a minute, and whether it rings on them, alone.
CASES: dict[str, list[tuple[dict[str, str], bool]]] = {
    "JimengDown": [
        ({'up{job="jimeng"}': "0x60"}, True),
        ({'up{job="jimeng"}': "1x60", 'up{job="other"}': "0x60"}, False),
    ],
    "JimengMongodbAway": one("jimeng_mongodb_up", ["0x60"], ["1x60"]),
    "JimengNotReady": one('jimeng_not_ready{code="worker"}', ["1x60"], ["1x58 0 1"]),
    "JimengWatcherStuck": one(
        "jimeng_watcher_poll_age_seconds", ["20+60x60"], ["2x60", "2x58 20 2"]
    ),
    "JimengOldestWait": [
        ({WAIT: "1900+60x60", PAUSED: "0x60"}, True),
        ({WAIT: "1900+60x60", PAUSED: "1x30 0 1x30"}, False),
        ({WAIT: "1700x60", PAUSED: "0x60"}, False),
    ],
    "JimengPaused": one('jimeng_paused{switch="intake"}', ["1x80"], ["0x20 1x55"]),
    "JimengBackingOff": [
        ({BACKS: "1x60", IN_LINE: "3x60"}, True),
        ({BACKS: "1x60", IN_LINE: "0x60"}, False),
        ({BACKS: "1x50 0 1x9", IN_LINE: "3x60"}, False),
    ],
    "JimengLimitLowered": [
        (slots("3x60", "1x60"), True),
        (slots("19 19 20 19x54 20 19x2", "1 1 0 1x54 0 1x2"), True),
        (slots("3x45 20x15", "1x45 0x15"), False),
        (slots("3x60", "1x45 0x15"), False),
        (slots("20x60", "0x60"), False),
    ],
    "JimengSlotsIdle": [
        (slot_seconds("0+400x60", "0+800x60"), True),
        (slot_seconds("0+60x60", "0x60"), True),
        (slot_seconds("0+100x60", "0+900x60"), False),
        (slot_seconds("0+1x60", "0x60"), False),
        (slot_seconds("0x40 0+60x8 480x12", "0+60x60"), False),
    ],
    "JimengFailing": [
        ({DONE: "0+2x60", FAILED % "provider_failed": "0+1x60"}, True),
        ({DONE: "0+9x60", FAILED % "provider_failed": "0+1x60"}, False),
        ({DONE: "0+2x60", FAILED % "content_refused_prompt": "0+1x60"}, False),
    ],
    "JimengProviderRefusesAccount": [
        (calls("submit", credentials_invalid="_x55 1x5"), True),
        (calls("poll", access_denied="3x57 4x3"), True),
        (calls("submit", credentials_invalid="7x60"), False),
        (calls("submit", rate_limited="0+1x60"), False),
    ],
    "JimengProviderRefuses": [
        ({REFUSED % "main": "1x60"}, True),
        ({REFUSED % "main": "1x58 0 1"}, True),
        ({REFUSED % "main": "1x60", REFUSED % "studio": "0x60"}, False),
        ({REFUSED % "main": "1x50 0x10"}, False),
    ],
    "JimengProviderAway": [
        (calls("submit", ok="0+1x60", provider_unreachable="0+3x60"), True),
        (calls("submit", ok="0+3x60", provider_unreachable="0+1x60"), False),
    ],
    "JimengSlow": [
        (drawn_within({"300": "0+1x60", "600": "0+9x60", "+Inf": "0+9x60"}), True),
        (drawn_within({"30": "0+9x60", "600": "0+9x60", "+Inf": "0+9x60"}), False),
        (drawn_within({"600": "0+9x60", "+Inf": "0+9x60"}, VIDEO), False),
    ],
    "JimengDownloadsFail": [
        (calls("download", fetch_failed="0+1x60"), True),
        (calls("download", fetch_failed="0+2x60", ok="0+1x60"), True),
        (calls("download", fetch_failed="0+1x60", ok="0+3x60"), False),
    ],
    "JimengVideosNotStored": one(
        "jimeng_videos_fetching_oldest_seconds", ["1000+60x60"], ["1000+60x50 0+60x10"]
    ),
    "JimengPerhapsPaid": one(
        'jimeng_pictures_uncertain{code="timed_out"}', ["2x60"], ["0x60"]
    ),
    "JimengServerErrors": [
        ({REQUESTS % "200": "0+10x60", REQUESTS % "503": "0+1x60"}, True),
        ({REQUESTS % "200": "0+99x60", REQUESTS % "503": "0+1x60"}, False),
        ({REQUESTS % "404": "0+9x60", REQUESTS % "200": "0+1x60"}, False),
    ],
    "JimengWebhooksFail": [
        (attempts(delivered="0+1x60", refused="0+2x60"), True),
        (attempts(connection_failed="0+2x60"), True),
        (attempts(delivered="0+2x60", refused="0+1x60"), False),
        (attempts(refused="0x54 1x6"), False),
        (attempts(disabled="0+9x60", interrupted="0+1x60"), False),
    ],
    "JimengSpending": one(
        'jimeng_charged_fen_total{model="m"}', ["0+400x60"], ["0+300x60"]
    ),
    "JimengBudgetNearlySpent": [
        (budget("60", "20", "0"), True),
        (budget("60", "19", "0"), False),
        (budget("70", "29", "0x58 1x2"), False),
    ],
    "JimengBudgetSpent": [
        (budget("70", "29", "1"), True),
        (budget("70", "9", "1x58 0x2"), False),
    ],
    "JimengChargesUndecided": one("jimeng_charges_undecided", ["2x60"], ["0x50 2x10"]),
    "JimengDiskFills": one(
        "jimeng_disk_free_bytes",
        [f"{GIB}x60", f"{40 * GIB}-{GIB // 10}x60"],
        [f"{40 * GIB}x60", f"{900 * GIB}-{GIB}x60"],
    ),
    "JimengBackupOld": one(
        "jimeng_backup_age_seconds",
        ["130000+60x60"],
        ["90000+60x60", "130000+60x50 0+60x10"],
    ),
}


def promtool(*words: str | Path) -> None:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def figures(
    client, config, registry, drawn, provider, work_off, monkeypatch
) -> dict[str, set[str]]:
    """Sample -> its labels, of a server where all that is counted has happened."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    monkeypatch.setattr(picture, "fetch_picture", lambda url, **options: png())
    Worker(id="web-1:7", started_at=utcnow(), seen_at=utcnow()).save()
    rotation.record_backup(utcnow())
    metric_counters.sample_slots()
    metric_counters.sample_slots()
    metric_counts.counts.add("webhook_attempts", "delivered")
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    provider.polls = [Progress("r", done=True, urls=("https://example.com/a.png",))]
    create(client, n=3)
    client.get("/nothing")
    work_off()
    monkeypatch.setattr("jimeng.providers.models.model.PRICES", {})
    drawn()
    settle()
    jobs.configure(replace(config, DAILY_BUDGET=1), registry)
    text = client.get("/metrics").text
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_figure_that_is_asked_for_is_there(figures):
    asked = [*ASKED, *(rule["expr"] for rule in ALERTS.values())]

    lost = {
        name
        for expression in asked
        for name in re.findall(r"\bjimeng_\w+", expression)
        if name not in figures
    }
    strange = {
        (name, label)
        for expression in asked
        for name, labels in re.findall(r"\b(jimeng_\w+)\{([^}]*)\}", expression)
        for label in re.findall(r"(\w+)[=!]", labels)
        if label not in figures[name]
    }
    by = {
        (label, expression)
        for expression in asked
        for labels in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in labels.split(", ")
        if not all(
            label in figures[name] for name in re.findall(r"\bjimeng_\w+", expression)
        )
    }

    assert (lost, strange, by) == (set(), set(), set())


def test_slow_is_said_of_pictures_alone():
    """Videos take their time; none of their models is missing in the rule."""
    (pattern,) = re.findall(r'model!~"([^"]+)"', ALERTS["JimengSlow"]["expr"])

    for model in MODELS:
        name = model.lane.partition(":")[2]
        assert bool(re.fullmatch(pattern, name)) is bool(model.video), name


def test_no_alert_tells_the_source_apart_by_what_may_be_secret():
    """Its words are filled in with models, codes, doors and periods alone."""
    used = set(re.findall(r"\$labels\.(\w+)", json.dumps(RULES)))

    assert used == {"code", "switch", "model", "provider", "door", "period"}


@pytest.mark.system
def test_rules_are_without_findings():
    promtool("check", "rules", "--lint-fatal", FOLDER / "alerts.yml")


@pytest.mark.system
def test_what_the_dashboard_asks_for_can_be_read(tmp_path):
    """As rules, since these are checked; with times in place of Grafana's own."""
    plain = [re.sub(r"\$__\w+", "5m", each) for each in ASKED]
    records = [{"record": f"asked:{n}", "expr": each} for n, each in enumerate(plain)]
    rules = {"groups": [{"name": "dashboard", "rules": records}]}
    (tmp_path / "rules.yml").write_text(json.dumps(rules))

    promtool("check", "rules", "--lint=none", tmp_path / "rules.yml")


def test_each_alert_has_been_tried():
    assert list(CASES) == list(ALERTS)
    for alert, cases in CASES.items():
        assert {rings for _, rings in cases} == {True, False}, alert


@pytest.mark.system
def test_alerts_ring_where_they_should_and_nowhere_else(tmp_path):
    """No other rings along: whoever is woken reads one name."""
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    tests = [
        {
            "name": f"{alert} {n} {rings}",
            "interval": "1m",
            "input_series": [
                {"series": name, "values": values} for name, values in series.items()
            ],
            "promql_expr_test": [
                {
                    "expr": firing,
                    "eval_time": "75m" if alert == "JimengPaused" else "60m",
                    "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}]
                    if rings
                    else [],
                }
            ],
        }
        for alert, cases in CASES.items()
        for n, (series, rings) in enumerate(cases)
    ]
    suite = {
        "rule_files": [str(FOLDER / "alerts.yml")],
        "evaluation_interval": "1m",
        "tests": tests,
    }
    (tmp_path / "tests.yml").write_text(json.dumps(suite))

    promtool("test", "rules", tmp_path / "tests.yml")


def test_dashboard_takes_any_source():
    """A fixed name of one is none of the reader's."""
    variables = {each["name"]: each["type"] for each in DASHBOARD["templating"]["list"]}
    rows = [each["title"] for each in DASHBOARD["panels"] if each["type"] == "row"]
    ids = [each["id"] for each in DASHBOARD["panels"]]

    assert variables == {"datasource": "datasource", "model": "query"}
    assert rows == ["Queue", "Latency", "Errors", "Money", "Storage"]
    assert len(ids) == len(set(ids))
    for panel in PANELS:
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        sources = {each["datasource"]["uid"] for each in panel["targets"]}
        assert sources == {"${datasource}"}
