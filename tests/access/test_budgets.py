"""Budgets of keys and of users who sign in, and who may change them."""

from concurrent.futures import ThreadPoolExecutor

from jimeng.billing import budgets
from jimeng.documents import ApiKey, AuditEntry, CostSum, Generation, QuotaUsage
from tests.access.conftest import call
from tests.access.test_keys import GENERATIONS, ask, new_key
from tests.billing.conftest import PRICE, settle
from tests.billing.test_raised_prices import send, set_price, spent
from tests.page import send as page_send
from tests.rest import API, CREATE, USERS, data_of, errors_of, refused


def test_key_has_a_budget_of_its_own(ada):
    """Beside it its owner may go on; what is charged is added up by key. OpenAI's
    clients are told with OpenAI's name for it, and the state of the budget."""
    key = new_key(ada, daily_budget_micros=2 * PRICE)
    assert key["daily_budget_micros"] == 2 * PRICE
    assert key["monthly_budget_micros"] is None

    data_of(ask(ada, key, n=2), 202)
    body = refused(ask(ada, key), 402, "budget_exceeded")

    assert (body["budget"]["whose"], body["budget"]["held"]) == ("key", "0.40")
    of_v1 = call(ada.client, "POST", GENERATIONS, key=key["key"], json={"prompt": "猫"})
    assert of_v1.status_code == 402
    assert of_v1.json["error"]["code"] == "insufficient_quota"
    assert of_v1.json["error"]["budget"]["limit_micros"] == 2 * PRICE
    data_of(ada.api("POST", CREATE, json={"prompt": "一只猫"}), 202)
    stored = ApiKey.find_one({"_id": key["id"]})
    assert (stored.day_micros, stored.month_micros) == (2 * PRICE, 2 * PRICE)
    assert QuotaUsage.find_one({"_id": ada.id}).day_micros == 3 * PRICE


def test_key_gets_back_what_was_not_spent(ada, work_off):
    """Cancelled before it was sent: the key may spend it again."""
    key = new_key(ada, monthly_budget_micros=PRICE)
    task_id = data_of(ask(ada, key), 202)["task_id"]
    body = refused(ask(ada, key), 402, "budget_exceeded")
    assert body["budget"]["period"] == "month"

    ada.api("POST", f"{API}/tasks/{task_id}/cancel")
    settle()
    data_of(ask(ada, key), 202)
    work_off()
    settle()

    found = CostSum.find_all({"key_id": key["id"]})
    assert [each.micros for each in found] == [PRICE, PRICE]  # of the day, the month
    assert found[0].user_id == ada.id


def test_budgets_are_the_operators_to_change(ada, admin):
    """By the API, in the audit trail; at once, also when it is spent."""
    path = f"{USERS}/{ada.id}"
    refused(ada.api("PUT", path, json={"daily_budget_micros": 9}), 403, "admins_only")

    changed = data_of(admin.api("PUT", path, json={"daily_budget_micros": PRICE}))

    assert changed["daily_budget_micros"] == PRICE
    key = new_key(ada)
    data_of(ask(ada, key), 202)
    body = refused(ask(ada, key), 402, "budget_exceeded")
    assert body["budget"]["whose"] == "user"
    admin.api("PUT", path, json={"daily_budget_micros": 2 * PRICE})
    data_of(ask(ada, key), 202)
    refused(ask(ada, key), 402, "budget_exceeded")
    restored = data_of(admin.api("PUT", path, json={"daily_budget_micros": None}))
    assert restored["daily_budget_micros"] is None
    data_of(ask(ada, key), 202)
    entries = AuditEntry.find_all({"action": "users.update"})
    assert [each.details for each in entries][0] == {"daily_budget": "0.20"}


def test_budgets_of_a_key_are_changed_by_its_owner(ada, admin):
    """What is left out stays, null removes; an operator's change is audited."""
    key = new_key(ada, daily_budget_micros=PRICE, monthly_budget_micros=9 * PRICE)
    path = f"{USERS}/{ada.id}/keys/{key['id']}"
    data_of(ask(ada, key), 202)
    refused(ask(ada, key), 402, "budget_exceeded")

    raised = data_of(ada.api("PUT", path, json={"daily_budget_micros": 2 * PRICE}))

    assert raised["daily_budget_micros"] == 2 * PRICE
    assert raised["monthly_budget_micros"] == 9 * PRICE
    data_of(ask(ada, key), 202)
    refused(ask(ada, key), 402, "budget_exceeded")
    same = data_of(ada.api("PUT", path, json={}))
    assert same["budgets"][0]["remaining_micros"] == 0
    assert same | {"budgets": []} == raised | {"budgets": []}
    gone = data_of(admin.api("PUT", path, json={"daily_budget_micros": None}))
    assert gone["daily_budget_micros"] is None
    data_of(ask(ada, key), 202)
    # A user's own actions are in no audit trail, as when the key is created.
    (entry,) = AuditEntry.find_all({"action": "keys.update"})
    assert entry.details == {"key": key["prefix"], "daily_budget": None}


def test_change_of_a_keys_budgets_is_checked_as_its_creation(ada, bob):
    """The same bounds and scopes; another user's key is not there."""
    keys = f"{USERS}/{ada.id}/keys"
    key = new_key(ada, daily_budget_micros=PRICE)
    path = f"{keys}/{key['id']}"
    for wrong in (0, -1, 10**12 + 1, "1", 1.5, True):
        for name in ("daily_budget_micros", "monthly_budget_micros"):
            made = ada.api("POST", keys, json={"name": "x", name: wrong})
            changed = ada.api("PUT", path, json={name: wrong})
            assert errors_of(changed) == errors_of(made), wrong
    assert "name" in errors_of(ada.api("PUT", path, json={"name": "x"}))
    refused(bob.api("PUT", path, json={}), 404, "user_not_found")
    nothing = ada.api("PUT", f"{keys}/key_{'0' * 24}", json={})
    refused(nothing, 404, "api_key_not_found")
    strong = new_key(ada, scopes=["account"])
    budget = {"daily_budget_micros": PRICE}
    changed = ada.api("PUT", f"{keys}/{strong['id']}", json=budget)
    made = ada.api("POST", keys, json={"name": "x", "scopes": ["account"], **budget})
    assert errors_of(changed) == errors_of(made) != {}
    weak = {"key": key["key"]}
    refused(call(ada.client, "PUT", path, json=budget, **weak), 403, "scope_too_small")
    assert ApiKey.find_one({"_id": key["id"]}).daily_budget_micros == PRICE


def test_form_says_what_is_left(ada, admin):
    ada.sign_in()
    assert "预算" not in ada.client.get("/").text
    changes = {"daily_budget_micros": 3 * PRICE, "monthly_budget_micros": 9 * PRICE}
    admin.api("PUT", f"{USERS}/{ada.id}", json=changes)
    data_of(ask(ada, new_key(ada), n=2), 202)

    assert "今天的预算还剩 ¥0.20" in ada.client.get("/").text


def test_commands_set_a_budget(secured, ada):
    runner = secured.test_cli_runner()
    args = ["users", "set-budget", ada.user.email]

    wrong = runner.invoke(args=[*args, "--daily", "much"])
    right = runner.invoke(args=[*args, "--daily", "0.2", "--monthly", "20"])

    assert wrong.exit_code == 1
    assert "must be yuan" in wrong.output
    assert right.output == "daily: ¥0.20\nmonthly: ¥20.00\n"
    assert budgets.Budgets(PRICE, 100 * PRICE) == type(ada.user).find_one({}).budgets
    back = runner.invoke(args=[*args, "--daily", "default"])
    assert back.output == "daily: default\n"


def test_exactly_what_fits_a_key(secured, ada):
    """60 requests at once against a budget for 20; none is counted anew meanwhile."""
    key = new_key(ada, daily_budget_micros=20 * PRICE)
    headers = {"Authorization": f"Bearer {key['key']}"}

    def once(_: int) -> int:
        client = secured.test_client()
        body = {"prompt": "一只猫"}
        return client.post(CREATE, json=body, headers=headers).status_code

    with ThreadPoolExecutor(12) as pool:
        answers = [*pool.map(once, range(60))]
    assert (answers.count(202), answers.count(402)) == (20, 40)


def test_raised_price_counts_for_the_key_and_its_owner(ada, admin, provider):
    """What is sent above its hold is reserved from both; from neither what one of them
    does not cover, and then it is not sent."""
    key = new_key(ada, daily_budget_micros=9 * PRICE)
    data_of(ask(ada, key), 202)
    set_price(3 * PRICE)
    send()
    assert len(provider.requests) == 1
    assert spent(ApiKey, key["id"]) == spent(QuotaUsage, ada.id) == (3, 3)
    data_of(ask(ada, key), 202)
    set_price(4 * PRICE)
    limit = {"daily_budget_micros": 6 * PRICE}
    admin.api("PUT", f"{USERS}/{ada.id}", json=limit)

    send()

    assert len(provider.requests) == 1
    (failed,) = Generation.find_all({"state": "failed"})
    assert failed.error["code"] == "budget_exceeded"
    settle()
    assert spent(ApiKey, key["id"]) == spent(QuotaUsage, ada.id) == (3, 3)


def test_raised_price_is_bounded_by_the_key(ada, provider):
    key = new_key(ada, monthly_budget_micros=2 * PRICE)
    data_of(ask(ada, key), 202)
    set_price(3 * PRICE)

    send()

    assert provider.requests == []
    settle()
    assert spent(ApiKey, key["id"]) == spent(QuotaUsage, ada.id) == (0, 0)


def test_other_limits_of_a_key_are_changed_like_its_budgets(ada, admin):
    """What it has done counts; on the page, too, where an older form leaves them."""
    key = new_key(ada, tasks_per_minute=1)
    path = f"{USERS}/{ada.id}/keys/{key['id']}"
    data_of(ask(ada, key, n=2), 202)
    refused(ask(ada, key), 429, "key_too_many_submissions")

    limits = {"tasks_per_minute": None, "pictures_per_day": 3}
    changed = data_of(admin.api("PUT", path, json=limits))

    assert (changed["tasks_per_minute"], changed["pictures_per_day"]) == (None, 3)
    data_of(ask(ada, key), 202)
    refused(ask(ada, key), 429, "key_quota_exceeded")
    assert {*errors_of(ada.api("PUT", path, json=dict.fromkeys(limits, 0)))} == {
        *limits
    }
    ada.sign_in()
    form = f"/account/keys/{key['id']}/budgets"
    page = page_send(ada.client, form, pictures_per_day="5", tasks_per_minute="")
    assert page.status_code == 303
    page_send(ada.client, form, daily_budget="1")
    stored = ApiKey.find_one({"_id": key["id"]})
    assert (stored.per_day, stored.per_minute) == (5, None)
    assert stored.daily_budget_micros == 1_000_000
    (entry,) = AuditEntry.find_all({"action": "keys.update"})
    assert entry.details == {"key": key["prefix"], **limits}
