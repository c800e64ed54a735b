"""Who may spend how much: in a day, in a month, alone and together."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest

from jimeng.billing import budgets, costs, settlement, spending
from jimeng.billing import counters as lane_budgets
from jimeng.billing.costs import Price
from jimeng.documents import ApiKey, Budget, Generation, QuotaUsage, User, utcnow
from jimeng.documents.principal import Principal
from jimeng.documents.spending import Spent, spending_decrements
from jimeng.jobs import bulk
from jimeng.operations.costs import decide
from jimeng.tasks import clear_queue
from tests.billing.conftest import PRICE, settle
from tests.billing.test_settlement import UNKNOWN
from tests.conftest import come_due
from tests.rest import API, CAT, CREATE, client_with, create, data_of, refused
from tests.test_core import refusal

USER = CAT["user_id"]
NAMES = ["USER_DAILY_BUDGET", "USER_MONTHLY_BUDGET", "DAILY_BUDGET", "MONTHLY_BUDGET"]


@pytest.fixture
def limited(app, config, registry):
    """A server with a budget of so many pictures for each user and day."""

    @contextmanager
    def with_budget(**pictures: int):
        changes = {name: n * PRICE for name, n in pictures.items()}
        changes |= {"USER_SUBMISSIONS_PER_MINUTE": 0, "USER_MAX_PENDING": 1000}
        with client_with(config, registry, **changes) as client:
            yield client

    return with_budget


def ask(client, **fields):
    return client.post(CREATE, json={**CAT, **fields})


def pass_time() -> None:
    """So that whatever was reserved for is stored, also if a process has died."""
    then = utcnow() - lane_budgets.STORED_AFTER - timedelta(seconds=1)
    for kind in (QuotaUsage, ApiKey, Budget):
        kind.collection().update_many({}, {"$set": {"spend_at": then}})


def installation() -> Budget:
    found = Budget.find_one({"_id": "installation"})
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_beyond_the_budget_is_402(limited, name):
    """It says what the limit is, what is spent and reserved, and until when."""
    with limited(**{name: 3}) as client:
        create(client, n=2)

        answer = ask(client, n=2)

        body = refused(answer, 402, "budget_exceeded")
        assert body["budget"]["limit_micros"] == 3 * PRICE
        assert body["budget"]["used_micros"] == 0
        assert body["budget"]["held_micros"] == 2 * PRICE
        assert body["budget"]["needed"] == "0.40"
        assert body["budget"]["period"] == ("day" if "DAILY" in name else "month")
        assert body["budget"]["whose"] == ("user" if "USER" in name else "installation")
        assert int(answer.headers["Retry-After"]) > 0
        create(client, n=1)
        refused(ask(client), 402, "budget_exceeded")


@pytest.mark.parametrize("name", ["USER_DAILY_BUDGET", "DAILY_BUDGET"])
def test_exactly_what_fits(limited, name):
    """200 requests at once against a budget for 50."""
    with limited(**{name: 50}) as client:
        app = client.application
        with ThreadPoolExecutor(16) as pool:
            asked = [pool.submit(ask, app.test_client()) for _ in range(200)]
            answers = [each.result().status_code for each in asked]

        assert answers.count(202) == 50
        assert answers.count(402) == 150
        assert Generation.collection().count_documents({}) == 50


@pytest.mark.parametrize("name", NAMES)
def test_unknown_price_is_refused_while_a_budget_applies(limited, monkeypatch, name):
    """Nothing could be reserved; it says who can do what. Until then it is free."""
    with limited(**{name: 3}) as client:
        monkeypatch.setattr(costs, "highest_price", lambda *args, **more: None)

        body = refused(ask(client, user_id="ada"), 402, "price_unknown")

        assert "doubao-seedream-3.0-t2i" in body["message"]
        assert "flask prices" in body["message"]
        assert Generation.collection().count_documents({}) == 0
        monkeypatch.setattr(costs, "highest_price", lambda *args, **more: Price("a", 0))
        create(client)
    with limited() as client:
        monkeypatch.setattr(costs, "highest_price", lambda *args, **more: None)
        create(client)


@pytest.mark.parametrize("name", ["USER_DAILY_BUDGET", "DAILY_BUDGET"])
def test_what_costs_less_than_held_is_free_again(limited, provider, work_off, name):
    """A refused picture costs nothing, so what was reserved for it may be spent."""
    with limited(**{name: 2}) as client:
        provider.submits = [refusal()]
        create(client, n=2)
        refused(ask(client), 402, "budget_exceeded")
        work_off()
        settle()

        create(client)

        body = refused(ask(client), 402, "budget_exceeded")
        assert body["budget"]["used_micros"] == PRICE
        assert body["budget"]["held_micros"] == PRICE


@pytest.mark.parametrize("how", ["refused", "cancelled", "deleted", "cleared"])
@pytest.mark.parametrize("name", NAMES)
def test_what_costs_nothing_is_free_again_at_once(
    limited, provider, work_off, name, how
):
    """Before a settler's turn comes: the refusal would contradict itself."""
    with limited(**{name: 5}) as client:
        provider.submits = [refusal()] if how == "refused" else []
        task_id = create(client)
        if how == "cancelled":
            data_of(client.post(f"{API}/tasks/{task_id}/cancel"))
        elif how == "deleted":
            data_of(client.delete(f"{API}/ai/image/task/{task_id}"))
        elif how == "cleared":
            bulk.work(clear_queue.clear(Principal("root", is_operator=True)))
        work_off()

        for _ in range(5):
            create(client)

        body = refused(ask(client), 402, "budget_exceeded")
        assert (body["budget"]["used_micros"], body["budget"]["held_micros"]) == (
            0,
            5 * PRICE,
        )
        settle()  # gives nothing back twice
        refused(ask(client), 402, "budget_exceeded")


@pytest.mark.parametrize("name", ["USER_DAILY_BUDGET", "DAILY_BUDGET"])
def test_refusal_waits_for_another_settler(
    limited, provider, work_off, name, monkeypatch
):
    """Which is about to give back what this request needs; but not for ever."""
    with limited(**{name: 1}) as client:
        provider.submits = [refusal()]
        create(client)
        work_off()
        claim, tries = settlement._claim, []
        monkeypatch.setattr(settlement, "WAIT_S", 0)
        monkeypatch.setattr(settlement, "_claim", lambda: tries.append(1))

        refused(ask(client), 402, "budget_exceeded")

        assert len(tries) >= settlement.MAX_WAITS

        def busy_once() -> None:
            monkeypatch.setattr(settlement, "_claim", claim)

        monkeypatch.setattr(settlement, "_claim", busy_once)
        create(client)


def test_what_fits_looks_for_nothing_to_settle(
    limited, provider, work_off, monkeypatch
):
    """Only a refusal pays for it."""
    with limited(USER_DAILY_BUDGET=5, DAILY_BUDGET=5) as client:
        provider.submits = [refusal()]
        create(client)
        work_off()
        monkeypatch.setattr(lane_budgets, "settle_held", None)

        create(client, n=4)


@pytest.mark.parametrize("name", ["USER_DAILY_BUDGET", "DAILY_BUDGET"])
def test_refusal_adds_up_while_others_are_being_stored(limited, monkeypatch, name):
    """Their pictures cannot be counted yet, but what they have reserved can."""
    with limited(**{name: 1}) as client:
        create(client)
        Generation.collection().delete_many({})

        body = refused(ask(client), 402, "budget_exceeded")

        assert (body["budget"]["used_micros"], body["budget"]["held_micros"]) == (
            0,
            PRICE,
        )


def test_unknown_stays_reserved_until_it_is_decided(limited, provider, work_off):
    """What may have been paid for cannot be spent again; what was never sent can."""
    with limited(USER_DAILY_BUDGET=1) as client:
        provider.submits = [UNKNOWN]
        task_id = create(client)
        work_off()
        come_due(state="unknown")
        work_off()
        settle()
        refused(ask(client), 402, "budget_exceeded")

        decide(Principal("root", is_operator=True), f"{task_id}_0", False)
        settle()

        task_id = create(client)
        refused(ask(client), 402, "budget_exceeded")
        client.post(f"{API}/tasks/{task_id}/cancel")
        settle()
        create(client)


@pytest.mark.parametrize("name", ["USER_DAILY_BUDGET", "DAILY_BUDGET"])
def test_repeated_request_takes_nothing_of_the_budget(limited, name):
    """It creates nothing, so what was reserved for it is given back."""
    with limited(**{name: 2}) as client:
        headers = {"Idempotency-Key": "k"}
        answers = [client.post(CREATE, json=CAT, headers=headers) for _ in range(3)]
        assert len({data_of(each, 202)["task_id"] for each in answers}) == 1

        create(client)

        refused(ask(client), 402, "budget_exceeded")


def test_hold_of_a_task_that_was_not_stored_is_forgotten(limited):
    """By a death between the two. Not at once: others may just be creating theirs."""
    with limited(USER_DAILY_BUDGET=1) as client:
        create(client)
        Generation.collection().delete_many({})
        refused(ask(client), 402, "budget_exceeded")
        assert QuotaUsage.find_one({"_id": USER}).day_micros == PRICE

        pass_time()

        create(client)


def test_next_day_begins_with_nothing_spent(limited):
    """In the day's budget, and in the next month also in the month's."""
    with limited(USER_DAILY_BUDGET=1, USER_MONTHLY_BUDGET=2) as client:
        create(client)
        yesterday = QuotaUsage.find_one({"_id": USER}).spend_day[:8] + "00"
        before = {"$set": {"spend_day": yesterday}}
        QuotaUsage.collection().update_one({"_id": USER}, before)

        create(client)

        body = refused(ask(client), 402, "budget_exceeded")
        assert body["budget"]["period"] == "day"
        QuotaUsage.collection().update_one({"_id": USER}, before)
        body = refused(ask(client), 402, "budget_exceeded")
        assert body["budget"]["period"] == "month"
        found = QuotaUsage.find_one({"_id": USER})
        assert (found.day_micros, found.month_micros) == (PRICE, 2 * PRICE)
        long_ago = {"$set": {"spend_day": "2020-02-29"}}
        QuotaUsage.collection().update_one({"_id": USER}, long_ago)
        create(client)
        found = QuotaUsage.find_one({"_id": USER})
        assert (found.day_micros, found.month_micros) == (PRICE, PRICE)


@pytest.mark.parametrize(
    ("day", "period", "expected"),
    [
        ("2026-02-28", "day", "2026-03-01"),
        ("2026-02-28", "month", "2026-03-01"),
        ("2026-01-31", "month", "2026-02-01"),
        ("2026-12-31", "day", "2027-01-01"),
        ("2028-02-01", "month", "2028-03-01"),
    ],
)
def test_reopens_at_midnight_in_shanghai(app, day, period, expected):
    assert budgets.reopens_at(day, period).isoformat() == f"{expected}T00:00:00+08:00"


def test_own_budget_goes_before_the_default(limited):
    """More than others have, or nothing at all."""
    with limited(USER_DAILY_BUDGET=1) as client:
        for user_id, own in (("user_rich", 3 * PRICE), ("user_none", 0)):
            row = {"_id": user_id, "email": user_id, "email_key": user_id}
            row |= {"name": user_id, "daily_budget_micros": own}
            User.collection().insert_one(row)

        create(client, n=3, user_id="user_rich")
        refused(ask(client, user_id="user_none"), 402, "budget_exceeded")
        refused(ask(client, n=2), 402, "budget_exceeded")


@pytest.mark.parametrize("name", ["DAILY_BUDGET", "MONTHLY_BUDGET"])
def test_new_budget_of_the_installation_counts_what_was_spent(limited, work_off, name):
    """From the first request on; also what is still reserved, and was once limited."""
    with limited(**{name: 9}) as client:
        create(client)
    with limited() as client:
        create(client, n=2)
        work_off()
        settle()
        create(client, n=2)
    with limited(**{name: 6}) as client:
        body = refused(ask(client, n=2), 402, "budget_exceeded")
        assert body["budget"]["used_micros"] == 3 * PRICE
        assert body["budget"]["held_micros"] == 2 * PRICE
        create(client)
        refused(ask(client), 402, "budget_exceeded")


def test_recount_corrects_the_installation(limited):
    """Too much is left by deaths; but orders of this minute may not be stored yet."""
    with limited(DAILY_BUDGET=100) as client:
        create(client)
        Budget.collection().update_one({}, {"$inc": {"day_micros": 50 * PRICE}})
        spending.recount_shared()
        assert installation().day_micros == 51 * PRICE

        pass_time()
        spending.recount_shared()

        assert installation().day_micros == PRICE
        tomorrow = {"$set": {"spend_day": "2999-01-31"}}  # of somebody's clock
        Budget.collection().update_one({}, tomorrow)
        pass_time()
        spending.recount_shared()
        assert installation().spend_day == "2999-01-31"


def test_recount_adds_what_processes_without_the_limit_have_accepted(limited):
    """As during a restart, one after the other; within a minute, also when busy."""
    with limited(DAILY_BUDGET=3) as client:
        create(client)
        Budget.collection().update_one({}, {"$set": {"day_micros": 0}})

        spending.recount_shared()

        create(client, n=2)
        refused(ask(client), 402, "budget_exceeded")


@pytest.mark.parametrize("is_settled", [True, False])
def test_recount_leaves_others_alone(
    limited, provider, work_off, monkeypatch, is_settled
):
    """It has counted before a settler returned holds, or somebody reserved."""
    counted, left = lane_budgets.count_spent, []

    def meanwhile(*about: object) -> Spent:
        monkeypatch.setattr(lane_budgets, "count_spent", counted)
        found = counted(*about)
        if is_settled:
            settle()
        else:
            create(client)
        left.append(installation().day_micros)
        return found

    with limited(DAILY_BUDGET=100) as client:
        provider.submits = [refusal()]
        create(client, n=2)
        work_off()
        pass_time()
        before = installation().day_micros
        monkeypatch.setattr(lane_budgets, "count_spent", meanwhile)

        spending.recount_shared()

        assert left[0] == before - PRICE if is_settled else left[0] > before
        assert installation().day_micros == left[0]


def test_recount_leaves_what_is_reserved_meanwhile(limited, monkeypatch):
    """What it has counted is from before that; nor is a day begun that is over."""
    counted = lane_budgets.count_spent

    def meanwhile(*about: object) -> Spent:
        monkeypatch.setattr(lane_budgets, "count_spent", counted)
        found = counted(*about)
        create(client)
        return found

    with limited(USER_DAILY_BUDGET=3) as client:
        create(client)
        pass_time()
        assert not lane_budgets.recount(QuotaUsage, USER, "2020-02-29")
        monkeypatch.setattr(lane_budgets, "count_spent", meanwhile)

        assert not lane_budgets.recount(QuotaUsage, USER, costs.billing_day(utcnow()))

        assert QuotaUsage.find_one({"_id": USER}).day_micros == 2 * PRICE


def test_subtracting_never_goes_below_nothing(database):
    """Nor does it change another day."""
    row = {"_id": "k", "spend_day": "2026-01-31", "day_micros": 5, "month_micros": 9}
    ApiKey.collection().insert_one(row)

    def left_after(days: dict[str, int]) -> tuple[int, int]:
        less = spending_decrements(days)
        ApiKey.collection().update_one({"_id": "k"}, [{"$set": less}])
        found = ApiKey.collection().find_one({"_id": "k"})
        return found["day_micros"], found["month_micros"]

    assert left_after({"2026-01-30": 1, "2025-12-31": 9}) == (5, 8)
    assert left_after({"2026-01-31": 7}) == (0, 1)
