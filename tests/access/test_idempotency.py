"""Idempotency keys belong to whoever calls."""

from tests.rest import CREATE, data_of

KEY = {"Idempotency-Key": "order-1"}


def test_key_of_one_is_not_the_key_of_another(ada, bob, admin):
    """The same key and words make a task for each, and a second time none."""
    body = {"prompt": "一只猫"}
    made = [
        data_of(each.api("POST", CREATE, json=body, headers=KEY), 202)["task_id"]
        for each in (ada, bob, ada, bob)
    ]

    assert made[:2] == made[2:]
    assert made[0] != made[1]


def test_admin_who_acts_for_a_user_has_other_keys(ada, admin):
    """So neither is answered with what the other asked for."""
    body = {"prompt": "一只猫", "user_id": ada.id}
    own = data_of(ada.api("POST", CREATE, json=body, headers=KEY), 202)
    theirs = data_of(admin.api("POST", CREATE, json=body, headers=KEY), 202)

    assert own["task_id"] != theirs["task_id"]
