"""What is made for a shop's customers counts for the owner of their prefix as well."""

from dataclasses import replace

import pytest

from jimeng import jobs, limits
from jimeng.billing import spending
from jimeng.documents import Generation, OwnerBudget, Task, User
from jimeng.documents.principal import Customers, Principal
from jimeng.documents.spending import Budgets
from tests.access.conftest import call
from tests.access.test_act_for import Shop
from tests.billing.conftest import PRICE, settle
from tests.billing.test_raised_prices import send, set_price
from tests.openai.conftest import GENERATIONS
from tests.rest import API, CREATE, USERS, data_of, refused

CAT = {"prompt": "一只猫"}


@pytest.fixture
def shop(bob) -> Shop:
    return Shop(bob)


@pytest.fixture
def limit(admin, bob):
    """Set the budget of so many pictures a day, or a month, for Bob by name."""

    def change(pictures: int | None, period: str = "daily") -> None:
        micros = None if pictures is None else pictures * PRICE
        body = {f"{period}_budget_micros": micros}
        data_of(admin.api("PUT", f"{USERS}/{bob.id}", json=body))

    return change


def ask(shop: Shop, customer: str, **fields: object):
    body = {**CAT, "user_id": f"shop:{customer}", **fields}
    return shop.api("POST", CREATE, json=body)


def spent(bob) -> tuple[int, int]:
    """In the day and the month, in prices of a picture."""
    found = OwnerBudget.find_one({"_id": bob.id})
    return found.day_micros // PRICE, found.month_micros // PRICE


@pytest.mark.parametrize("period", ["daily", "monthly"])
def test_budget_by_name_bounds_the_owner_and_all_customers_together(
    bob, shop, limit, period
):
    """Whoever comes first; a second key of the shop, without limits, lifts nothing."""
    limit(3, period)
    data_of(ask(shop, "m1"), 202)
    data_of(ask(shop, "m2"), 202)
    data_of(bob.api("POST", CREATE, json=CAT), 202)
    other = Shop(bob)

    body = refused(ask(shop, "m3"), 402, "budget_exceeded")
    own = refused(bob.api("POST", CREATE, json=CAT), 402, "budget_exceeded")
    refused(ask(other, "m1"), 402, "budget_exceeded")

    assert (body["budget"]["whose"], own["budget"]["whose"]) == ("owner", "owner")
    assert body["budget"]["held_micros"] == 3 * PRICE
    assert body["budget"]["period"] == ("day" if period == "daily" else "month")
    of_v1 = {"prompt": "猫", "user": "shop:m4"}
    answer = shop.api("POST", GENERATIONS, json=of_v1)
    assert answer.json["error"]["code"] == "insufficient_quota"
    assert spent(bob) == (3, 3)


def test_nothing_is_made_for_the_customers_of_who_may_spend_nothing(shop, limit):
    limit(0)

    refused(ask(shop, "m1"), 402, "budget_exceeded")

    assert Task.find_all({}) == []


def test_budget_that_is_set_later_counts_what_was_spent(bob, shop, limit):
    """Also by a release that did not store whose customers they are."""
    data_of(ask(shop, "m1", n=2), 202)
    data_of(bob.api("POST", CREATE, json=CAT), 202)
    Generation.collection().update_many({}, {"$unset": {"owner_id": ""}})
    OwnerBudget.collection().delete_many({})

    limit(4)

    data_of(ask(shop, "m2"), 202)
    refused(ask(shop, "m2"), 402, "budget_exceeded")
    assert spent(bob) == (4, 4)


@pytest.fixture
def set_budget(secured):
    """Change the server's budget of this name to one picture."""
    runtime = jobs.runtime()

    def change(name: str) -> None:
        limited = replace(runtime.config, **{name: PRICE})
        jobs.configure(limited, runtime.registry)

    yield change
    jobs.configure(runtime.config, runtime.registry)


def test_what_the_installation_refuses_counts_for_nobody(bob, shop, set_budget):
    set_budget("DAILY_BUDGET")
    data_of(ask(shop, "m1"), 202)

    body = refused(ask(shop, "m2"), 402, "budget_exceeded")

    assert body["budget"]["whose"] == "installation"
    assert spent(bob) == (1, 1)


def test_defaults_bound_each_of_them_and_not_the_sum(bob, shop, set_budget):
    set_budget("USER_DAILY_BUDGET")

    data_of(ask(shop, "m1"), 202)
    data_of(ask(shop, "m2"), 202)
    data_of(bob.api("POST", CREATE, json=CAT), 202)

    body = refused(ask(shop, "m2"), 402, "budget_exceeded")
    own = refused(bob.api("POST", CREATE, json=CAT), 402, "budget_exceeded")
    assert (body["budget"]["whose"], own["budget"]["whose"]) == ("user", "user")
    assert spent(bob) == (3, 3)


def test_what_was_not_spent_is_free_again(bob, shop, limit, work_off):
    """Of a request that another budget refuses, at once; what is cancelled when it is
    settled."""
    limit(2)
    task_id = data_of(ask(shop, "m1", n=2), 202)["task_id"]
    refused(ask(shop, "m2"), 402, "budget_exceeded")

    shop.api("POST", f"{API}/tasks/{task_id}/cancel")
    settle()

    data_of(ask(shop, "m2"), 202)
    work_off()
    settle()
    assert spent(bob) == (1, 1)


@pytest.mark.parametrize("period", ["daily", "monthly"])
def test_what_one_customer_cancels_is_free_for_another_at_once(shop, limit, period):
    """Before a settler's turn comes."""
    limit(2, period)
    task_id = data_of(ask(shop, "m1", n=2), 202)["task_id"]
    shop.api("POST", f"{API}/tasks/{task_id}/cancel")

    data_of(ask(shop, "m2"), 202)
    data_of(ask(shop, "m3"), 202)

    refused(ask(shop, "m1"), 402, "budget_exceeded")


def test_raised_price_is_bounded_by_the_owners_budget(bob, shop, limit, provider):
    limit(4)
    data_of(ask(shop, "m1", n=2), 202)
    set_price(3 * PRICE)

    send()

    assert len(provider.requests) == 1
    settle()
    assert spent(bob) == (3, 3)


def test_whoever_orders_for_a_customer_it_counts_for_the_owner(bob, shop, admin, limit):
    """An operator; a batch of the shop's. Other names with a colon are nobody's."""
    limit(9)
    body = {**CAT, "user_id": "shop:m1"}
    data_of(call(admin.client, "POST", CREATE, key=admin.key, json=body), 202)
    batch = {"prompts": ["猫"], "user_id": "shop:m2"}
    data_of(shop.api("POST", f"{API}/batches", json=batch), 202)
    body = {**CAT, "user_id": "chop:m1"}
    data_of(call(admin.client, "POST", CREATE, key=admin.key, json=body), 202)

    found = {each.user_id: each.owner_id for each in Task.find_all({})}
    assert found == {"shop:m1": bob.id, "shop:m2": bob.id, "chop:m1": None}
    assert spent(bob) == (2, 2)


def test_longest_prefix_owns_a_customer(database):
    for name, prefixes in (("a", ["shop:"]), ("b", ["shop:eu:", "x:"])):
        row = {"_id": name, "email": name, "email_key": name, "name": name}
        User.collection().insert_one({**row, "user_prefixes": prefixes})

    owners = [
        User.owner_of(each) for each in ("shop:eu:1", "shop:us:1", "y:1", "shop:")
    ]

    assert owners == ["b", "a", None, None]


def test_estimate_knows_the_owners_budget(shop, limit):
    limit(1)
    data_of(ask(shop, "m1"), 202)
    body = {**CAT, "user_id": "shop:m2"}

    answer = data_of(shop.api("POST", f"{CREATE}?dry_run=true", json=body))

    assert not answer["estimate"]["allowed"]
    assert answer["estimate"]["reason"] == "budget_exceeded"


def test_form_of_the_owner_shows_what_the_customers_leave(bob, shop, limit):
    limit(9)
    data_of(ask(shop, "m1", n=4), 202)
    principal = Principal(
        bob.id,
        budgets=Budgets(daily=9 * PRICE),
        own_customers=Customers(("shop:",)),
    )

    assert limits.remaining_budget(principal, bob.id) == ("day", 5 * PRICE)


def test_lost_count_is_raised_again_within_a_minute(bob, shop, limit):
    """MongoDB was killed before it was journaled, or an older release wrote."""
    limit(9)
    data_of(ask(shop, "m1", n=4), 202)
    OwnerBudget.collection().update_one({}, {"$set": {"day_micros": 0}})

    spending.recount_shared()

    assert spent(bob) == (4, 4)
