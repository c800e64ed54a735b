"""Which delivery is claimed next, given what is in flight."""

from collections import Counter, defaultdict
from urllib.parse import urlsplit

import pytest

from jimeng.documents import (
    User,
    WebhookAddress,
    WebhookDelivery,
    WebhookEndpoint,
    utcnow,
)
from jimeng.process import activity
from jimeng.webhooks import deliveries, outbox
from jimeng.webhooks.deliveries import (
    FAILING,
    MAX_IN_FLIGHT,
    MAX_PER_LANE,
    UNTRIED,
    WORKING,
)
from tests.billing.conftest import settle
from tests.commands import counted, own
from tests.jobs.test_idle import examined
from tests.rest import API, create
from tests.waiting import PATIENCE_S, wait_for
from tests.webhooks.conftest import USER, WEBHOOKS, claim_any, later

ANSWERS = {WORKING: True, FAILING: False}  # of the latest attempt


def ready(
    user: str, host: str, group: str, *, n: int = 1, owner: str | None = None
) -> None:
    """Have *n* deliveries ready for a host: events of a user, or of an owner's
    customer."""
    lane = outbox.lane_of(owner or user, f"https://{host}/")
    if group in ANSWERS:
        WebhookAddress.collection().update_one(
            {"_id": lane}, {"$set": {"answers": ANSWERS[group]}}, upsert=True
        )
    endpoint = WebhookEndpoint(id="webhook_x", user_id=owner or user, fingerprint="x")
    at, data, url = utcnow(), {"user_id": user}, f"https://{host}/"
    name = f"{user} {host}"
    outbox.insert(
        [
            outbox.new_delivery(
                endpoint, "test", f"{name} {each}", at, data, url=url, owner=owner
            )
            for each in range(n)
        ]
    )


def claimed(n: int, group: str) -> list[str]:
    """Claim up to *n* without sending them; return whose events they are, in order."""
    found = (deliveries.claim(group) for _ in range(n))
    return [each.customer for each in found if each]


def test_lanes_have_turns(database):
    """Whoever has one waiting is not behind another's hundred."""
    for host in "abc":
        ready("ada", host, WORKING, n=30)
    ready("bob", "a", WORKING)
    ready("eve", "a", WORKING)

    assert claimed(5, WORKING) == ["ada", "ada", "ada", "bob", "eve"]


@pytest.mark.parametrize("group", deliveries.FILTERS)
def test_some_are_in_flight_where_they_arrive_and_else_one(database, group):
    """The next goes once one has ended, or its lease has."""
    ready("ada", "a", group, n=9)
    most = MAX_PER_LANE[group]
    assert claimed(9, group) == ["ada"] * most

    later(31)
    deliveries.make_due_ready()
    assert claimed(9, group) == ["ada"] * most
    flights = [each["flight"] for each in deliveries.in_flight()]
    assert len({*flights}) == most and min(flights) == "ada a"


def test_another_process_takes_a_place_first(database, monkeypatch):
    """Then the next place is taken, and the limit holds."""
    ready("ada", "a", WORKING, n=9)
    in_flight, counted = deliveries.in_flight, []

    def see_late() -> list[dict]:
        counted.append(in_flight())
        return counted[-2] if len(counted) in (2, 4) else counted[-1]

    monkeypatch.setattr(deliveries, "in_flight", see_late)

    assert claimed(9, WORKING) == ["ada"] * MAX_PER_LANE[WORKING]


def test_group_has_places_of_its_own(database):
    """Tar pits of all owners delay none that arrive, new ones none that failed."""
    for each in range(200):
        ready(f"pit{each:03}", f"pit{each}", UNTRIED)
        ready(f"old{each:03}", f"old{each}", FAILING)
    for group in (UNTRIED, FAILING):
        assert len(claimed(200, group)) >= MAX_IN_FLIGHT[group]
    ready("zoe", "good", WORKING)

    assert claimed(2, WORKING) == ["zoe"]


def by_owner(n: int) -> dict:
    return {"user": f"shop:{n:03}", "host": f"pit{n}", "owner": "shop"}


def by_user(n: int) -> dict:
    return {"user": "pit", "host": f"pit{n}"}


def by_host(n: int) -> dict:
    return {"user": f"pit{n:03}", "host": "pit"}


@pytest.mark.parametrize("group", [UNTRIED, FAILING])
@pytest.mark.parametrize(("alike", "part"), [(by_owner, 2), (by_user, 4), (by_host, 2)])
def test_owner_customer_and_host_leave_places_to_others(database, group, alike, part):
    """At most half of what others leave, and a customer half of the owner's half; an
    owner without customers is one himself."""
    for n in range(200):
        ready(**alike(n), group=group)
    most = MAX_IN_FLIGHT[group] // part
    assert len(claimed(200, group)) == most
    ready("zoe", "new", group)
    assert claimed(2, group) == ["zoe"]

    later(31)  # with another in flight it is less
    deliveries.make_due_ready()
    users = claimed(200, group)
    assert users.count("zoe") == 1
    assert 1 < len(users) <= most + 1


def test_customers_of_one_owner_leave_places_to_each_other(database):
    """Whoever names many dead receivers holds half of what is his owner's."""
    for n in range(200):
        ready("shop:a", f"pit{n}", UNTRIED, owner="shop")
    ready("shop:b", "new", UNTRIED, owner="shop")

    found = Counter(claimed(200, UNTRIED))

    assert found["shop:b"] == 1
    assert found["shop:a"] == MAX_IN_FLIGHT[UNTRIED] // 4


def test_customers_own_endpoint_counts_for_the_owner(client, endpoint, database):
    """Also its test event, and what waits when its address is changed."""
    User(id="shop", email="a", email_key="a", name="a", user_prefixes=["s:"]).add()
    made = endpoint("https://dead.example.com/", user_id="s:m1")
    client.post(f"{WEBHOOKS}/{made['id']}/test")
    new = {"url": "https://New.example.com:8443/x"}

    assert lanes() == ["shop dead.example.com"]
    assert client.patch(f"{WEBHOOKS}/{made['id']}", json=new).status_code == 200
    assert lanes() == ["shop new.example.com:8443"]


def lanes() -> list[str]:
    return [row["lane"] for row in WebhookDelivery.collection().find()]


def test_delivery_of_an_earlier_release_is_claimed(database):
    """It has no customer, and its flight names one place."""
    ready("ada", "a", WORKING, n=3)
    WebhookDelivery.collection().update_many({}, {"$unset": {"customer": ""}})

    assert claimed(3, WORKING) == [None] * 3


def test_new_receiver_is_told_beside_untried_tar_pits(
    client, endpoint, receivers, monkeypatch
):
    """While all of them that are being tried are still open."""
    monkeypatch.setattr(deliveries, "ATTEMPT_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(deliveries, "MAX_IN_FLIGHT", {**MAX_IN_FLIGHT, UNTRIED: 8})
    pit, good = receivers(), receivers()
    pit.held.clear()
    users = {f"pit{each:02}": pit for each in range(20)} | {"zoe": good}
    for user, receiver in users.items():
        made = endpoint(receiver.url, user_id=user)
        assert client.post(f"{WEBHOOKS}/{made['id']}/test").status_code == 202
    deliveries.start_threads()

    wait_for(lambda: good.received, what="the new receiver is told")

    assert not pit.held.is_set()
    assert len(pit.received) <= 4
    pit.held.set()
    await_threads()
    assert len(pit.received) == 20


def test_first_attempt_ends_sooner_while_others_wait_for_theirs(
    client, receivers, monkeypatch
):
    """A good receiver of a shop is told behind its many tar pits, which answer nothing
    as long as the test takes; their second attempt has all the time."""
    monkeypatch.setattr(deliveries, "ATTEMPT_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(deliveries, "FIRST_TIMEOUT_S", 0.2)
    monkeypatch.setattr(deliveries, "MAX_IN_FLIGHT", {**MAX_IN_FLIGHT, UNTRIED: 8})
    pits, good = [receivers() for _ in range(9)], receivers()
    for pit in pits:
        pit.held.clear()
    shop = WebhookEndpoint(id=outbox.ensure_default("shop").id, user_id="shop")
    hosts = sorted((urlsplit(each.url).netloc, each.url) for each in (*pits, good))
    monkeypatch.setattr(deliveries, "_last_lane", defaultdict(lambda: f"shop {last}"))
    last = urlsplit(good.url).netloc
    outbox.insert(
        [
            outbox.new_delivery(
                *(shop, "test", host, utcnow(), {"user_id": f"shop:{host}"}),
                url=url,
                owner="shop",
            )
            for host, url in hosts
        ]
    )
    deliveries.start_threads()

    wait_for(lambda: good.received, what="the good receiver is told")

    assert not any(each.held.is_set() for each in pits)
    for pit in pits:
        pit.held.set()
    await_threads()
    failed = WebhookDelivery.find_one({"state": "pending"})
    assert (failed.attempts[0]["outcome"], failed.untried) == ("answer_timeout", None)
    assert deliveries.timeout_of(failed) == PATIENCE_S


def test_first_attempt_has_all_the_time_where_none_waits(database):
    """Or where a user asked for it: then it is the only one. What waits for the same
    host waits for this attempt in any case."""
    ready("shop:a", "slow", UNTRIED, n=2, owner="shop")
    claimed_one = deliveries.claim(UNTRIED)
    assert deliveries.timeout_of(claimed_one) == deliveries.ATTEMPT_TIMEOUT_S

    ready("shop:b", "other", UNTRIED, owner="shop")

    assert deliveries.timeout_of(claimed_one) == deliveries.FIRST_TIMEOUT_S
    claimed_one.once = True
    assert deliveries.timeout_of(claimed_one) == deliveries.ATTEMPT_TIMEOUT_S


def test_worker_is_not_idle_after_a_delivery(client, endpoint, receivers):
    """One that failed is due again in seconds."""
    made = endpoint(receivers().url)
    client.post(f"{WEBHOOKS}/{made['id']}/test")
    assert activity.is_idle()

    deliveries.start_threads()
    await_threads()

    assert not activity.is_idle()
    assert deliveries.RETRY_S[0] * 1.2 < activity.IDLE_AFTER_S


def await_threads() -> None:
    """Wait until no thread attempts anything any more."""
    for group, free in deliveries._free.items():
        most = MAX_IN_FLIGHT[group]
        for _ in range(most):
            assert free.acquire(timeout=60), group
        free.release(most)


def test_failure_at_one_address_says_nothing_of_the_others(client, receivers, work_off):
    """Though one endpoint signs what goes to the addresses of all tasks."""
    good, dead = receivers(), receivers()
    dead.answer(500)
    for url in (good.url, dead.url):
        create(client, webhook_url=url)
        work_off()
        outbox.sweep()
        deliveries.deliver(claim_any())
    for seed, url in enumerate((good.url, dead.url)):
        create(client, webhook_url=url, seed=seed)
    work_off()
    outbox.sweep()

    groups = {
        outbox.lane_of(USER, good.url): WORKING,
        outbox.lane_of(USER, dead.url): FAILING,
    }
    assert {each["lane"]: deliveries.group_of(each) for each in pending()} == groups
    good.answer(500)  # and what waits for the other is not moved
    deliveries.deliver(deliveries.claim(WORKING))
    dead.answer(204)
    deliveries.deliver(deliveries.claim(FAILING))
    assert {deliveries.group_of(each) for each in pending()} == {FAILING, WORKING}


def pending() -> list[dict]:
    return list(WebhookDelivery.collection().find({"state": "pending"}))


def test_receiver_that_begins_to_answer_is_one_of_the_quick(client, endpoint, receiver):
    """And the other way round, with what waits."""
    endpoint(receiver.url)
    for seed in range(3):
        client.post(f"{API}/tasks/{create(client, seed=seed)}/cancel")
    settle()
    outbox.sweep()
    for before, status, after in (
        (UNTRIED, 500, FAILING),
        (FAILING, 204, WORKING),
        (WORKING, 500, FAILING),
    ):
        receiver.answer(status)
        deliveries.deliver(deliveries.claim(before))

        assert {deliveries.group_of(each) for each in pending()} == {after}


@pytest.mark.parametrize("group", deliveries.FILTERS)
def test_claim_looks_at_few_of_many(database, config, group):
    """Of lanes, owners and customers that are full it passes over what waits."""
    for n in range(60):
        ready("shop:a", f"pit{n}", group, n=5, owner="shop")
        ready(f"shop2:{n}", f"pit{n}", group, owner="shop2")
    claimed(100, group)
    ready("zoe", "new", group)

    with counted(config) as commands:
        assert deliveries.next_ready(group, deliveries.in_flight()) is not None

    assert len(own(commands)) <= 4
    assert all(examined(each) <= len(deliveries.in_flight()) for each in own(commands))
