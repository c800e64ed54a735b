"""A shop with many customers takes its turns as one user; they take turns within."""

import pytest

from jimeng import lanes
from jimeng.documents import Generation, OwnerBudget, User
from jimeng.errors import TooManyPending
from jimeng.lanes.queue import promote
from tests.billing.test_raised_prices import send
from tests.conftest import come_due
from tests.forgetting import forget_lanes
from tests.rest import API, GENERAL, create, data_of, result

DAY = "2026-01-31"


@pytest.fixture
def shop(database) -> str:
    """The id of a user who owns ``shop:``."""
    row = {"_id": "user_bob", "email": "b", "email_key": "b", "name": "Bob"}
    User.collection().insert_one({**row, "user_prefixes": ["shop:"]})
    return "user_bob"


def order(client, customer: str, **fields: object) -> str:
    return create(client, user_id=f"shop:{customer}", **fields)


def sent(provider) -> list[int]:
    return [request.seed for request in provider.requests]


def test_stranger_is_not_behind_all_customers(client, shop, provider, work_off):
    """Of each five that are sent one is a stranger's; who is told so at once."""
    ids = [order(client, f"m{number}", seed=number) for number in range(6)]
    forget_lanes()
    ids += [create(client, user_id="ada", seed=100 + number) for number in range(2)]
    forget_lanes()

    places = [result(client, task_id)["position"] for task_id in ids]
    work_off()

    assert sent(provider) == [0, 100, 1, 101, 2, 3, 4, 5]
    order_of = dict(zip([0, 1, 2, 3, 4, 5, 100, 101], places, strict=True))
    assert [order_of[seed] for seed in sent(provider)] == list(range(8))


def test_customers_of_one_owner_take_turns(client, shop, provider, work_off):
    """One who orders much does not keep the others from theirs; each place is right,
    also the one that the answer to the order says."""
    ids = [order(client, "much", seed=number) for number in range(4)]
    forget_lanes()
    body = {"prompt": "x", "user_id": "shop:late", "seed": 9}
    answer = client.post(f"{API}/ai/image/task", json=body).json["data"]
    ids.append(answer["task_id"])
    forget_lanes()

    places = [result(client, task_id)["position"] for task_id in ids]
    work_off()

    assert sent(provider) == [0, 9, 1, 2, 3]
    assert places == [0, 2, 3, 4, 1]
    assert answer["position"] == 1


def test_own_tasks_of_the_owner_are_among_those_of_the_customers(
    client, shop, provider, work_off
):
    for number in range(2):
        order(client, "m1", seed=number)
    create(client, user_id=shop, seed=9)
    create(client, user_id="ada", seed=100)
    create(client, user_id="ada", seed=101)

    work_off()

    assert sent(provider) == [0, 100, 9, 101, 1]


def test_cancelling_closes_the_gaps_of_the_owner(client, shop, provider, work_off):
    """Also where nothing of that customer's remains."""
    gone = [order(client, "m1") for _ in range(5)]
    order(client, "m2", seed=2)
    for task_id in gone:
        client.post(f"{API}/tasks/{task_id}/cancel")
    for number in range(3):
        create(client, user_id="ada", seed=100 + number)

    order(client, "m3", seed=3)
    work_off()

    assert sent(provider) == [2, 100, 101, 3, 102]  # of one ticket the older first


def test_delayed_picture_has_a_ticket_of_the_owner(client, shop, provider, work_off):
    for customer in ("m1", "m1", "m2"):
        body = {"prompt": "x", "user_id": f"shop:{customer}", "type": "image"}
        data_of(client.post(GENERAL, json={**body, "delay": 60}), 202)
    come_due()
    send()

    found = Generation.find_all({})
    assert sorted(each.turn for each in found) == [3, 4, 5]
    assert {each.user_turn is None for each in found} == {False}


def test_all_customers_together_have_so_many_waiting(database, shop, lane):
    for number in range(4):
        row = {"_id": f"g{number}_0", "task_id": f"g{number}", "index": 0}
        row |= {"user_id": f"shop:m{number}", "owner_id": shop, "lane": lane}
        row |= {"provider": "x", "req_key": "x", "user_turn": 0, "turn": number}
        Generation.collection().insert_one({**row, "state": "queued"})
    reserve = lanes.reserve_owner_tickets

    with pytest.raises(TooManyPending):
        reserve(lane, shop, 2, day=DAY, max_waiting=5)

    assert reserve(lane, shop, 1, day=DAY, max_waiting=5) == 0
    assert reserve(lane, shop, 3, day=DAY, max_waiting=9) == 1
    assert OwnerBudget.find_one({"_id": shop}).day_micros == 0


def test_promotion_exchanges_two_tickets_or_none(database, shop, lane):
    """What another process has claimed meanwhile keeps its own."""
    for name, user_turn, turn in (("a", 5, 1), ("b", 2, 7), ("c", 3, 4)):
        row = {"_id": name, "task_id": name, "index": 0, "user_id": f"shop:{name}"}
        row |= {"owner_id": shop, "lane": lane, "user_turn": user_turn, "turn": turn}
        row |= {"provider": "x", "req_key": "x", "state": "queued"}
        Generation.collection().insert_one(row)

    promote(lane, shop)
    promote(lane, shop)

    turns = {each.id: each.turn for each in Generation.find_all({})}
    assert turns == {"a": 7, "b": 1, "c": 4}


def test_places_are_known_while_an_index_is_being_built(client, shop):
    """Those of customers by their tickets as they are."""
    order(client, "m1")
    forget_lanes()
    Generation.collection().drop_index("owner_waiting")

    place = result(client, order(client, "m1"))["position"]

    assert place == 1


def test_customer_who_comes_later_is_not_behind_all_of_one_who_orders_much(
    client, shop, lane
):
    """Although many tickets of the owner are used up by then."""
    ids = [order(client, "much") for _ in range(5)]
    for number in range(6):
        order(client, f"m{number}")
    for _ in range(7):  # the first of each
        assert lanes.claim(lane, {"main": 9})
    forget_lanes()

    late = order(client, "late")
    forget_lanes()

    places = [result(client, task_id)["position"] for task_id in (*ids[1:], late)]
    assert places == [0, 2, 3, 4, 1]


def test_customer_who_cancels_some_keeps_the_place_of_the_rest(client, shop, lane):
    """The rest closes up to where the customers are, not the lane."""
    ids = [order(client, "much") for _ in range(5)]
    others = [order(client, f"m{number}", n=2) for number in range(4)]
    for _ in range(5):  # the first of each
        assert lanes.claim(lane, {"main": 9})
    forget_lanes()

    for task_id in ids[1:4]:
        client.post(f"{API}/tasks/{task_id}/cancel")
    late = order(client, "late")
    forget_lanes()

    rest, last = (result(client, task_id)["position"] for task_id in (ids[4], late))
    assert rest < len(others)
    assert last == len(others) + 1
