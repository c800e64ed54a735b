"""Usage is its user's, and figures are the operators'."""

import pytest

from tests.rest import CREATE, data_of, refused


def usage(person, of) -> object:
    return person.api("GET", f"/api/v1/users/{of.id}/usage")


def test_usage_is_its_users_and_the_operators(secured, ada, bob, admin, work_off):
    """Another's is as if it had never been."""
    data_of(ada.api("POST", CREATE, json={"prompt": "灯塔"}), 202)
    work_off()

    assert data_of(usage(ada, ada))["totals"]["pictures"] == 1
    assert data_of(usage(admin, ada))["totals"]["pictures"] == 1
    assert data_of(usage(bob, bob))["totals"]["pictures"] == 0
    refused(usage(bob, ada), 404, "user_not_found")


def test_figures_are_the_operators(secured, ada, admin, nobody):
    """The key of an admin opens them, and no other does."""
    refused(nobody.get("/metrics"), 401, "unauthorized")
    refused(ada.api("GET", "/metrics"), 403, "admins_only")

    answer = admin.api("GET", "/metrics")

    assert answer.status_code == 200
    assert "jimeng_mongodb_up 1.0" in answer.text


@pytest.mark.parametrize("whose", ["ada", "admin"])
def test_headers_tell_of_the_one_who_asked(secured, ada, admin, whose):
    """An admin who asks for another uses up the other's."""
    who = {"ada": ada, "admin": admin}[whose]
    asked = {"prompt": "灯塔", "user_id": ada.id}

    first = who.api("POST", CREATE, json=asked)
    second = ada.api("POST", CREATE, json=asked)

    assert first.headers["RateLimit"].startswith('"submissions";r=299;')
    assert second.headers["RateLimit"].startswith('"submissions";r=298;')
