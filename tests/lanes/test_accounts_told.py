"""Several accounts as an operator sees them: by name, never by key."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng import jobs, lanes, operations
from jimeng.cli.checks import accounts
from jimeng.cli.queue import report
from jimeng.documents import Generation, Lane, Worker, utcnow
from jimeng.lanes import limits
from jimeng.monitoring import metrics, readiness
from jimeng.operations import queue_actions
from jimeng.providers import Registry
from tests.admin.pages import ENGLISH, OPERATOR, actions, text_of
from tests.cli.test_provider_check import OF_VISUAL
from tests.conftest import FakeProvider
from tests.forgetting import forget_lanes
from tests.lanes.test_accounts import suspend
from tests.monitoring.test_metrics import scrape
from tests.test_core import create
from tests.test_guards import work

NAME = "volcengine_jimeng"
MODEL = "doubao-seedream-3.0-t2i"
OVERDUE = "error.account_overdue"


class Checked(FakeProvider):
    concurrency = 3

    def check(self, req_key: str) -> bool:
        return True


@pytest.fixture
def registry() -> Registry:
    others = {"studio": {NAME: Checked()}}
    return Registry({NAME: Checked()}, {NAME: 2}, others=others)


@pytest.fixture
def resting(client, lane) -> None:
    """The account ``studio`` was refused for arrears, and main draws two pictures."""
    suspend(lane, OVERDUE.removeprefix("error."))
    create(client, n=3)
    forget_lanes()
    work()


def worker_is_there() -> None:
    soon = utcnow() + timedelta(minutes=5)
    Worker(id="w", started_at=utcnow(), seen_at=soon).save()


def told_by_command() -> str:
    return "\n".join(report(operations.queue.read_queue(OPERATOR)))


def shown_by_rest(client, lane: str) -> dict:
    lanes = client.get("/api/v1/queue").json["data"]["lanes"]
    return next(each for each in lanes if each["id"] == lane)


def without_studio(config) -> None:
    main = Registry({NAME: Checked()}, {NAME: 2})
    jobs.configure(config, main)


def held_by_studio() -> None:
    """As if it had been given a picture before."""
    mine = {"account": "studio", "slot": "studio/0"}
    found = Generation.collection().find_one({"slot": {"$exists": True}})
    Generation.collection().update_one({"_id": found["_id"]}, {"$set": mine})


def test_resting_account_is_told_everywhere(client, config, lane, resting):
    """On the board, by REST, in figures, to a probe, by commands and the doctor."""
    worker_is_there()
    shown = shown_by_rest(client, lane)
    figures = scrape(client)
    share = (lane, MODEL, NAME)

    studio, main = sorted(shown["accounts"], key=lambda each: each["account"])[::-1]
    assert (main["account"], main["slots_in_use"], main["limit"]) == ("main", 2, 2)
    assert (studio["refused"], studio["limit"]) == ("account_overdue", 3)
    assert studio["back_off_until"] and shown["back_off_until"] is None
    assert shown["limit"] == 5
    assert figures["jimeng_lane_slots_in_use", "main", *share] == 2
    assert figures["jimeng_lane_slots_limit", "studio", *share] == 3
    assert figures["jimeng_lane_account_refused", "studio", *share] == 1
    assert figures["jimeng_lane_account_refused", "main", *share] == 0
    answer = client.get("/health/ready").json
    assert (answer["status"], answer["resting"]) == ("ready", ["studio"])
    words = text_of(client.get("/admin/queue", headers=ENGLISH))
    assert "Account studio 0 / 3 Refused by the provider (account_overdue)" in words
    status = told_by_command()
    assert "account studio: 0 of 3 slots, refused (account_overdue)" in status
    (finding,) = accounts.refusals(config)
    assert finding.check == f"submissions of {MODEL} (studio)"
    assert (finding.status, finding.advice) == ("failed", OVERDUE)


def test_lowered_limit_is_told_everywhere(client, config, lane):
    """With what is configured: the same places, and who resets it is written down."""
    worker_is_there()
    until = utcnow() + timedelta(hours=1)
    lowered = {"limit": 1, "limit_until": until, "limit_refused_at": utcnow()}
    Lane(id=f"studio@{lane}", **lowered).save()
    forget_lanes()
    share = (lane, MODEL, NAME)

    shown = shown_by_rest(client, lane)
    assert (shown["limit"], shown["configured_limit"]) == (3, 5)
    figures = scrape(client)
    assert figures["jimeng_lane_slots_limit", "studio", *share] == 1
    assert figures["jimeng_lane_slots_configured", "studio", *share] == 3
    assert figures["jimeng_lane_slots_lowered", "studio", *share] == 1
    assert figures["jimeng_lane_slots_lowered", "main", *share] == 0
    answer = client.get("/health/ready").json
    assert (answer["status"], answer["lowered"]) == ("ready", [f"studio@{lane}"])
    words = text_of(client.get("/admin/queue", headers=ENGLISH))
    assert "Account studio 0 / 1 Limit lowered from 3" in words
    status = told_by_command()
    assert "account studio: 0 of 1 slots, limit lowered from 3" in status
    (finding,) = accounts.limits(config)
    assert (finding.status, finding.found) == ("warning", "1 at a time, 3 configured")

    queue_actions.reset_lane(OPERATOR, lane)

    assert "lowered" not in told_by_command()
    assert list(accounts.limits(config)) == []
    assert actions() == [("lane.reset", None)]
    assert "Reset a model queue" in text_of(client.get("/admin/audit", headers=ENGLISH))


def test_lowered_limit_of_a_quiet_lane_is_not_told(client, config, lane, monkeypatch):
    """Its number is kept. What waits, or a refusal, tells it again."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    worker_is_there()
    account_lane = f"studio@{lane}"
    long_ago = utcnow() - limits.LOWERED_TOLD_FOR - timedelta(seconds=1)
    Lane(id=account_lane, limit=1, limit_refused_at=long_ago).save()
    share = (lane, MODEL, NAME)

    assert told_as_lowered(client, config, share) == 5 * [False]
    assert shown_by_rest(client, lane)["limit"] == 3
    assert scrape(client)["jimeng_lane_slots_limit", "studio", *share] == 1

    create(client)
    assert told_as_lowered(client, config, share) == 5 * [True]

    Generation.collection().delete_many({})
    assert told_as_lowered(client, config, share) == 5 * [False]
    lanes.back_off(lane, "studio", full=True)
    assert told_as_lowered(client, config, share) == 5 * [True]


def told_as_lowered(client, config, share: tuple[str, str, str]) -> list[bool]:
    """By a probe, the doctor, the page, the command, and figures."""
    readiness._state.cached = None
    forget_lanes()
    return [
        client.get("/health/ready").json["lowered"] != [],
        list(accounts.limits(config)) != [],
        "Limit lowered" in text_of(client.get("/admin/queue", headers=ENGLISH)),
        "limit lowered" in told_by_command(),
        scrape(client)["jimeng_lane_slots_lowered", "studio", *share] == 1,
    ]


def test_removed_account_is_told(client, config, lane, resting):
    """With what becomes of its pictures: the board, commands, and the doctor."""
    held_by_studio()
    without_studio(config)

    words = text_of(client.get("/admin/queue", headers=ENGLISH))
    assert "Account studio 1 / – No longer in the settings" in words
    status = told_by_command()
    assert "account studio: 1 slots held, not in the settings" in status
    keys = {"VOLCENGINE_ACCESS_KEY": "key", "VOLCENGINE_SECRET_KEY": "secret"}
    (finding,) = accounts.accounts(replace(config, **keys))
    assert (finding.status, finding.advice) == ("failed", "doctor.account_removed")
    assert "1 pictures" in finding.found
    assert readiness.run_checks().resting == ()


def test_one_account_is_not_spoken_of(client, config, lane):
    """Whoever has but one never reads of others."""
    without_studio(config)
    create(client)

    assert "Account main" not in text_of(client.get("/admin/queue", headers=ENGLISH))
    status = told_by_command()
    assert "account" not in status


def test_each_account_is_checked(app):
    """A line for each model of each, which says whose it is."""
    ended = app.test_cli_runner().invoke(args=["provider", "check"])

    lines = [line.split() for line in ended.output.splitlines()]
    first = [line[2:4] for line in lines[:2]]
    assert (ended.exit_code, len(lines)) == (0, 2 * len(OF_VISUAL))
    assert first == [["main", MODEL], ["studio", MODEL]]
