"""Invitations: a link, once, within a day."""

from datetime import timedelta

import pytest
from pymongo.errors import ExecutionTimeout

from jimeng import accounts
from jimeng.accounts import password_hashing, users
from jimeng.documents import Invitation, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors.access import AdminsOnly
from tests.access.conftest import OPERATOR
from tests.each import for_each
from tests.page import POST

NEW = "another good password"


@pytest.fixture
def eve(secured):
    return users.create(OPERATOR, email="eve@example.com", name="Eve <b>")


@pytest.fixture
def token(eve) -> str:
    return accounts.invite(OPERATOR, eve.id)


def accept(client, token: str, password: str = NEW):
    path = f"/invitations/{token}"
    return client.post(path, data={"password": password}, headers=POST)


def test_link_sets_a_password_once(nobody, token, eve):
    """Whoever follows it is in; the second time it is worth nothing."""
    page = nobody.get(f"/invitations/{token}")
    taken = accept(nobody, token)

    assert "Eve &lt;b&gt;" in page.text
    assert (taken.status_code, taken.location) == (303, "/")
    assert nobody.get("/").status_code == 200
    assert accept(nobody, token, "yet another one!").status_code == 404
    assert nobody.get(f"/invitations/{token}").status_code == 404


def test_looking_uses_nothing_up(nobody, token):
    """Programs that look at links in letters do no harm."""
    for _ in range(3):
        assert nobody.get(f"/invitations/{token}").status_code == 200

    assert accept(nobody, token).status_code == 303


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 300, "aaaaaaaaaaaa", "eve@example.com"]
)
def test_weak_password_is_refused_and_the_link_stays(nobody, token, password):
    """With words beside the field."""
    answer = accept(nobody, token, password)

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert accept(nobody, token).status_code == 303


def test_link_stays_where_setting_the_password_is_cut_off(nobody, token, monkeypatch):
    """Hashing takes time; a request that ends in it has used nothing up."""

    def too_long(*_: object) -> str:
        raise ExecutionTimeout("the request's time is over")

    with monkeypatch.context() as patch:
        patch.setattr(password_hashing, "generate_password_hash", too_long)
        assert accept(nobody, token).status_code == 503

    assert accept(nobody, token).status_code == 303


def test_link_ends_after_a_day(nobody, token):
    """Whether its record is still there or not."""
    past = utcnow() - timedelta(seconds=1)
    Invitation.collection().update_many({}, {"$set": {"expires_at": past}})

    assert nobody.get(f"/invitations/{token}").status_code == 404
    assert accept(nobody, token).status_code == 404


def test_token_is_not_kept(token, stored):
    """Who reads the database cannot follow the link."""
    assert token not in str(list(stored.invitations.find()))


def test_others_invite_nobody(eve):
    """Only an operator lets people in."""
    with pytest.raises(AdminsOnly):
        accounts.invite(Principal("user_x"), eve.id)


def test_setting_a_password_ends_other_sessions(ada):
    """Whoever had the old one is out."""
    ada.sign_in()
    token = accounts.invite(OPERATOR, ada.id)

    accounts.accept(token, NEW)

    assert ada.client.get("/").status_code == 303


@for_each("token", ["x", "x" * 5000, "%00", "..%2f", "$gt"])
def test_odd_links_are_404(nobody, token):
    """Never an error of the server's."""
    assert nobody.get(f"/invitations/{token}").status_code == 404
    assert accept(nobody, token).status_code == 404
