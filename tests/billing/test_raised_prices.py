"""Nothing is sent above its hold: prices that rise between the order and that."""

from datetime import timedelta

import pytest
from pymongo.errors import ConnectionFailure

from jimeng.batches.capacity import WINDOW
from jimeng.billing import costs
from jimeng.billing import counters as lane_budgets
from jimeng.documents import Budget, Generation, PriceRow, QuotaUsage, utcnow
from jimeng.documents.spending import Budgets, Spend
from jimeng.jobs import picture, pump
from tests.batches.conftest import ask as order_batch
from tests.batches.conftest import draw_nothing, fill, lines, look
from tests.billing.conftest import PRICE, check_sums, only_generation, settle
from tests.conftest import run_queue
from tests.rest import CAT, CREATE, client_with, create, refused, result

USER = CAT["user_id"]
LIMITS = ["USER_DAILY_BUDGET", "USER_MONTHLY_BUDGET", "DAILY_BUDGET", "MONTHLY_BUDGET"]


@pytest.fixture
def limited(app, config, registry):
    """A server with budgets for so many pictures."""

    def with_budget(**pictures: int):
        changes = {name: n * PRICE for name, n in pictures.items()}
        return client_with(config, registry, USER_SUBMISSIONS_PER_MINUTE=0, **changes)

    return with_budget


def set_price(micros: int) -> None:
    """What a picture costs from now on."""
    lane, then = Generation.find_all({})[0].lane, utcnow() - timedelta(hours=1)
    row = {"lane": lane, "steps": [{"micros": micros}], "valid_from": then}
    PriceRow(account=None, by="boss", **row).add()
    costs.clear_price_cache()


def send() -> None:
    """Send what can be sent, and no more."""
    pump.tick()
    run_queue()


def spent(kind: type, row_id: str) -> tuple[int, int]:
    """In the day and month of its record, in prices of a picture."""
    found = kind.find_one({"_id": row_id})
    return found.day_micros // PRICE, found.month_micros // PRICE


@pytest.mark.parametrize("name", LIMITS)
def test_what_the_budget_does_not_cover_is_not_sent(limited, provider, work_off, name):
    """It ends without a charge; the rest of the task goes on as far as that fits."""
    with limited(**{name: 8}) as client:
        task_id = create(client, n=3)
        set_price(3 * PRICE)

        work_off()

        (error,) = result(client, task_id)["result"]["failed"]
        assert (error["code"], error["charged"]) == ("budget_exceeded", "no")
        assert error["retryable"] and "{" not in error["message"]
        assert len(provider.requests) == 2
        settle()
        check_sums()
        kind = QuotaUsage if "USER" in name else Budget
        whose = USER if "USER" in name else "installation"
        assert spent(kind, whose) == (6, 6)
        assert QuotaUsage.find_one({"_id": USER}).asked == 2


def test_orders_see_what_a_sent_picture_may_cost(limited):
    """It is held with its new price from before it is sent until it is settled."""
    with limited(USER_DAILY_BUDGET=5) as client:
        create(client)
        set_price(3 * PRICE)
        send()

        body = refused(client.post(CREATE, json=CAT), 402, "budget_exceeded")

        assert only_generation().state == "generating"
        assert only_generation().held_micros == 3 * PRICE
        assert body["budget"]["held_micros"] == 3 * PRICE


def test_without_a_hold_all_of_the_price_is_reserved(limited, monkeypatch):
    """Ordered while no price was known, or by an earlier release."""
    with limited() as client, monkeypatch.context() as patch:
        patch.setattr(costs, "highest_price", lambda *args, **more: None)
        create(client)
    with limited(DAILY_BUDGET=9) as client:
        assert only_generation().held_micros is None

        send()

        assert only_generation().held_micros == PRICE
        assert spent(Budget, "installation") == spent(QuotaUsage, USER) == (1, 1)


def test_lower_price_leaves_the_hold(limited):
    with limited(DAILY_BUDGET=9) as client:
        create(client)
        set_price(PRICE // 2)

        send()

        assert only_generation().held_micros == PRICE
        assert only_generation().price_micros == PRICE // 2


def test_what_is_not_sent_after_all_is_reserved_no_longer(limited, monkeypatch):
    """The task was deleted meanwhile, or the claim was lost."""
    with limited(DAILY_BUDGET=9) as client:
        create(client)
        set_price(3 * PRICE)
        monkeypatch.setattr(picture, "mark_submitting", lambda *args: None)

        send()

        assert spent(Budget, "installation") == spent(QuotaUsage, USER) == (1, 1)


@pytest.mark.parametrize("is_stored", [True, False])
def test_hold_that_may_be_stored_stays_reserved(
    limited, provider, work_off, monkeypatch, is_stored
):
    """MongoDB fails at the last write: what is counted may be too much, not too little.
    It waits, and is sent once."""
    mark = picture.mark_submitting

    def fail(*args: object) -> None:
        picture.mark_submitting = mark
        if is_stored:
            mark(*args)
        raise ConnectionFailure("away")

    with limited(DAILY_BUDGET=9) as client:
        create(client)
        set_price(3 * PRICE)
        monkeypatch.setattr(picture, "mark_submitting", fail)
        send()
        assert spent(Budget, "installation")[0] >= 3

        work_off()
        settle()

        assert len(provider.requests) == 1
        assert only_generation().cost_micros == 3 * PRICE
        assert spent(Budget, "installation")[0] == (3 if is_stored else 5)
        check_sums()


@pytest.mark.parametrize(
    ("name", "covers"), [("USER_DAILY_BUDGET", False), ("USER_MONTHLY_BUDGET", True)]
)
def test_order_of_an_earlier_day_counts_for_that(limited, provider, name, covers):
    """And not for the day of its sending; for the month, where it is the same."""
    with limited(**{name: 5}) as client:
        create(client)
        Generation.collection().update_one({}, {"$set": {"budget_day": "2999-01-30"}})
        later = {"spend_day": "2999-01-31", "day_micros": 4 * PRICE}
        QuotaUsage.collection().update_one({"_id": USER}, {"$set": later})
        set_price(3 * PRICE)

        send()

        assert len(provider.requests) == 1
        assert spent(QuotaUsage, USER) == (4, 3)


@pytest.mark.parametrize(("latest", "of_month"), [("2999-01-31", 2), ("2999-02-01", 0)])
def test_budget_of_an_earlier_day_is_counted(limited, provider, latest, of_month):
    """What others have spent of it is in no record any more."""
    with limited(USER_DAILY_BUDGET=5) as client:
        create(client, n=2)
        Generation.collection().update_many({}, {"$set": {"budget_day": "2999-01-30"}})
        later = {"spend_day": latest, "day_micros": 0, "month_micros": 0}
        QuotaUsage.collection().update_one({"_id": USER}, {"$set": later})
        set_price(3 * PRICE)

        send()

        assert len(provider.requests) == 1
        assert spent(QuotaUsage, USER) == (0, of_month)


def test_earlier_day_is_counted_again_if_others_reserve(limited, monkeypatch):
    """Somebody has reserved between the count and the write."""
    counted = lane_budgets.count_spent

    def meanwhile(*about: object):
        monkeypatch.setattr(lane_budgets, "count_spent", counted)
        found = counted(*about)
        changes = {"held_micros": 3 * PRICE}
        Generation.collection().update_one({"index": 1}, {"$set": changes})
        QuotaUsage.collection().update_one({}, {"$set": {"spend_at": utcnow()}})
        return found

    with limited(USER_DAILY_BUDGET=5) as client:
        create(client, n=2)
        Generation.collection().update_many({}, {"$set": {"budget_day": "2020-01-31"}})
        monkeypatch.setattr(lane_budgets, "count_spent", meanwhile)
        spend = Spend("2020-01-31", 2 * PRICE, Budgets(daily=5 * PRICE))

        period = lane_budgets.reserve_spending(QuotaUsage, USER, spend)

        assert period == "day"


def test_batch_says_that_prices_have_risen_since_its_order(client):
    """Its next tasks are held at what they cost by then."""
    batch_id = order_batch(client, lines(WINDOW + 5))["batch_id"]
    fill()
    before = look(client, batch_id)
    set_price(3 * PRICE)
    draw_nothing()

    fill()

    after = look(client, batch_id)
    prices = [(each["quoted_micros"], each["price_micros"]) for each in (before, after)]
    assert prices == [(PRICE, PRICE), (PRICE, 3 * PRICE)]
    page = client.get(f"/batches/{batch_id}", headers={"Accept-Language": "en"})
    assert "each has risen from ¥0.20 to ¥0.60" in page.text
