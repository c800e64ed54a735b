"""Prices, as operators see and set them: on the page, and by ``flask prices``."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jimeng import documents, jobs, operations
from jimeng.billing import costs
from jimeng.documents import PriceRow, utcnow
from jimeng.providers.models.model import AS_OF, PriceBySize, Step
from tests.admin.pages import actions, done, text_of
from tests.each import for_each
from tests.page import error_at, send

PAGE = "/admin/prices"
MODEL = "doubao-seedream-4.0"
LANE = "volcengine_jimeng:jimeng_t2i_v40"
VIDEO = "volcengine_jimeng:video"


def rows() -> list[PriceRow]:
    return PriceRow.find_all({}, sort=[("valid_from", 1)])


def test_price_is_set_and_told_everywhere(client):
    """From the moment on that it says; the list, the button and the API follow."""
    lead = timedelta(seconds=costs.PRICE_LEAD_S - 1)  # stored in milliseconds
    earliest = utcnow() + lead
    page = done(client, PAGE, model=LANE, yuan="0.1855")

    assert "The new price was saved." in text_of(page)
    assert "¥0.1855" in text_of(page) and "¥0.22" in text_of(page)
    (row,) = rows()
    assert row.steps == [{"micros": 185_500}]
    assert row.valid_from > earliest
    assert actions() == [("prices.add", None)]
    assert price_in_api(client)["steps"][0]["micros"] == 220_000

    begin(row)

    step = {"up_to_pixels": None, "resolution": None, "sound": None}
    price = price_in_api(client)
    assert price["steps"] == [{**step, "micros": 185_500, "fen": 19}]
    assert (price["unit"], price["as_of"]) == ("picture", None)
    composer = client.get("/composer", query_string={"model": LANE, "n": "2"})
    assert "×2 · ¥0.371<" in composer.text


def price_in_api(client, model: str = MODEL) -> dict:
    models = client.get("/api/v1/models").json["data"]
    (found,) = [each["price"] for each in models if each["id"] == model]
    return found


def begin(row: PriceRow) -> None:
    """Let its moment have come."""
    now = {"$set": {"valid_from": utcnow()}}
    PriceRow.collection().update_one({"_id": row.id}, now)
    costs.clear_price_cache()


def test_price_begins_with_a_day_where_bills_are_made(client):
    """At midnight of the billing time zone; larger pictures may cost more. A second
    price of that moment is refused: it would be unclear which of them holds."""
    size = {"up_to": "2610000", "above": "0.60"}
    given = {"model": LANE, "yuan": "0.30", "day": "2199-01-01", **size}

    page = done(client, PAGE, **given)

    assert "¥0.30 (≤ 2,610,000 px), ¥0.60" in text_of(page)
    again = send(client, PAGE, **given)
    assert again.status_code == 422
    assert "已有一个价格" in text_of(again)
    (row,) = rows()
    assert row.valid_from == datetime(2198, 12, 31, 16, tzinfo=UTC)


def test_superseded_prices_stay_listed(client, monkeypatch):
    """Latest first, with their moment and who set them; in pages."""
    monkeypatch.setattr(operations.prices, "MAX_SUPERSEDED", 2)
    assert "Superseded" not in in_english(client, PAGE)
    for day in range(1, 5):
        PriceRow(
            lane=LANE,
            steps=[{"micros": day * 1_110_000}],
            valid_from=datetime(2026, 1, day, 10, tzinfo=UTC),
            by="boss",
        ).add()

    page = in_english(client, PAGE)

    past = page.partition("Superseded prices")[2]
    assert "¥4.44" in page and "¥4.44" not in past
    assert past.index("¥3.33") < past.index("¥2.22") and "¥1.11" not in past
    assert "2026-01-03 10:00 UTC" in past and "boss" in past
    (older,) = re.findall(r'rel="next" href="([^"]+)"', client.get(PAGE).text)
    last = in_english(client, older.partition("#")[0]).partition("Superseded")[2]
    assert "¥1.11" in last and "¥2.22" not in last


def in_english(client, path: str) -> str:
    return text_of(client.get(path, headers={"Accept-Language": "en"}))


def test_price_to_come_can_be_removed(client):
    """Until it is about to hold; then it can only be followed by another."""
    done(client, PAGE, model=LANE, yuan="1", day="2199-01-01")
    done(client, PAGE, model=LANE, yuan="2")
    soon, later = rows()

    refused = send(client, f"{PAGE}/{soon.id}/remove")

    assert refused.status_code == 422
    assert "不能删除" in text_of(refused)
    assert f"/{soon.id}/remove" not in refused.text
    page = done(client, f"{PAGE}/{later.id}/remove")
    assert "was removed" in text_of(page)
    assert [row.id for row in rows()] == [soon.id]
    assert actions()[-1] == ("prices.remove", later.id)


@pytest.fixture
def video(registry) -> str:
    """The lane of a model that is billed by tokens, as videos are."""
    its = PriceBySize((Step(micros=46_000_000),), AS_OF, "million_tokens")
    by_tokens = {"id": "a-video", "req_key": "video", "unit": its.unit, "aliases": ()}
    model = replace(registry.models[LANE], own_price=its, **by_tokens)
    registry.offer([*registry.models.values(), model])
    return model.lane


def test_price_of_videos_goes_by_their_unit(client, video):
    others = "1080p=51 4k=26 720p+silent=8"

    page = done(client, PAGE, model=video, yuan="44", others=others)

    said = "¥51.00 (1080p), ¥26.00 (4k), ¥8.00 (720p silent), ¥44.00 per million tokens"
    assert said in text_of(page)
    assert "¥46.00 per million tokens" in text_of(page)
    (row,) = rows()
    assert row.unit == "million_tokens"
    assert row.steps[2:] == [
        {"resolution": "720p", "sound": False, "micros": 8_000_000},
        {"micros": 44_000_000},
    ]
    begin(row)
    found = price_in_api(client, "a-video")
    assert found["unit"] == "million_tokens"
    resolutions = [each["resolution"] for each in found["steps"]]
    assert resolutions == ["1080p", "4k", "720p", None]


@for_each(
    ("field", "fields"),
    [
        ("yuan", {"yuan": "-1"}),
        ("yuan", {"yuan": "0.0000001"}),
        ("yuan", {"yuan": "1e3"}),
        ("yuan", {"yuan": ""}),
        ("up_to", {"up_to": "big"}),
        ("above", {"up_to": "1000000"}),
        ("up_to", {"above": "1"}),
        ("day", {"day": "2026-02-30"}),
        ("day", {"day": "2020-01-01"}),
        ("account", {"account": "studio"}),
        ("model", {"model": "none"}),
        ("others", {"others": "1080p=1"}),
        *(
            ("others", {"model": VIDEO, "others": others})
            for others in ("1080p", "1080p=x", "loud=1", "=1", "1080p+4k=1")
        ),
        ("others", {"model": VIDEO, "others": "sound+silent=1"}),
        ("up_to", {"model": VIDEO, "up_to": "1000000", "above": "1"}),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(client, video, field, fields):
    """Beside its field, where the form of that model has it."""
    page = send(client, PAGE, **{"model": LANE, "yuan": "0.22", **fields})

    assert page.status_code == 422
    has_none = field == "account" or (field == "others" and "model" not in fields)
    assert error_at(page, field) or has_none
    assert rows() == []


@pytest.fixture
def run(app, config, registry, configure, monkeypatch):
    """Runs a command with the test's providers."""
    usual = jobs.configure
    monkeypatch.setattr(jobs, "configure", lambda own, _=None: usual(own, registry))

    def command(*words: str):
        try:
            return app.test_cli_runner().invoke(args=["prices", *words])
        finally:
            documents.connect(config, timeout=documents.WORKER_TIMEOUT)
            configure(config, registry)

    return command


def test_commands_do_the_same(client, run, video):
    """Set, list, and remove; of videos with as many other prices as there are."""
    size = ["--up-to", "1000000", "--above", "0.5"]
    added = run("add", MODEL, "0.4", *size, "--from", "2199-01-01")
    assert added.exit_code == 0, added.output
    (row,) = rows()

    listed = run("list").output

    price = "¥0.40 (≤ 1,000,000 px), ¥0.50"
    said = f"{MODEL}  all accounts  {price}  from 2198-12-31 16:00:00Z  {row.id}"
    assert said in listed.splitlines()
    assert f"{MODEL}  all accounts  ¥0.22  built-in" in listed.splitlines()
    assert run("remove", row.id).exit_code == 0
    again = run("remove", row.id)
    assert (again.exit_code, rows()) == (1, [])
    assert "cannot be removed" in again.output
    assert run("add", MODEL, "much").exit_code == 1
    assert run("add", MODEL, "1", "--other", "sound=2").exit_code == 1
    assert [name for name, _ in actions()][:2] == ["prices.add", "prices.remove"]

    others = ["--other", "1080p=51", "--other", "silent=8"]
    added = run("add", "a-video", "46", *others)
    assert added.exit_code == 0, added.output
    listed = run("list").output
    assert "a-video  all accounts  ¥46.00 per million tokens  built-in" in listed
    assert "¥51.00 (1080p), ¥8.00 (silent), ¥46.00 per million tokens  from" in listed
