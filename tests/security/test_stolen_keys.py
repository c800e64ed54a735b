"""A key that got out: what it is good for, and what takes the password."""

from jimeng import accounts
from jimeng.documents import ApiKey, Session, User
from tests.access.conftest import OPERATOR, call
from tests.each import for_each
from tests.page import POST
from tests.rest import API, USERS, data_of, refused


def key_of(person, *scopes: str) -> str:
    return accounts.create_key(OPERATOR, person.id, name="k", scopes=list(scopes))[1]


@for_each("scopes", [("read",), ("write",), ("read", "write")])
def test_it_makes_no_key_and_ends_no_account(ada, scopes):
    key = key_of(ada, *scopes)
    before = ApiKey.collection().count_documents({})
    path = f"{USERS}/{ada.id}"

    made = call(ada.client, "POST", f"{path}/keys", key=key, json={"name": "x"})
    ended = call(ada.client, "DELETE", path, key=key)

    refused(made, 403, "scope_too_small")
    refused(ended, 403, "scope_too_small")
    if "write" in scopes:
        assert "account" in made.json["message"]
    assert ApiKey.collection().count_documents({}) == before
    assert User.find_one({"_id": ada.id}) is not None


def test_it_makes_no_key_with_more_scopes(ada):
    """
    The scope account is nothing that write could give itself; whoever has it ends the
    account, as with the password.
    """
    ada.sign_in()
    key = key_of(ada, "write", "account")
    path = f"{USERS}/{ada.id}/keys"

    more = {"name": "x", "scopes": ["read"]}
    beyond = call(ada.client, "POST", path, key=key, json=more)
    made = {"name": "x", "scopes": ["write", "account"]}
    within = call(ada.client, "POST", path, key=key, json=made)

    assert "scopes" in beyond.json["errors"]
    assert data_of(within, 201)["scopes"] == ["write", "account"]
    data_of(call(ada.client, "DELETE", f"{USERS}/{ada.id}", key=key))
    assert User.find_one({"_id": ada.id}) is None
    assert Session.collection().count_documents({"user_id": ada.id}) == 0


def test_admins_key_does_it_for_others(ada, admin):
    """Without the scope account: that is what admin is."""
    key = key_of(admin, "read", "write", "admin")
    path = f"{USERS}/{ada.id}"

    body = {"name": "x", "scopes": ["write", "account"]}
    made = call(admin.client, "POST", f"{path}/keys", key=key, json=body)
    ended = call(admin.client, "DELETE", path, key=key)

    assert data_of(made, 201)["scopes"] == ["write", "account"]
    data_of(ended)


def test_it_still_revokes(ada):
    """Whoever finds it out is not kept from ending it: that takes no more than it."""
    key = key_of(ada, "write")
    rows = data_of(call(ada.client, "GET", f"{USERS}/{ada.id}/keys", key=key))

    for row in rows:
        call(ada.client, "DELETE", f"{USERS}/{ada.id}/keys/{row['id']}", key=key)

    assert call(ada.client, "GET", f"{API}/models", key=key).status_code == 401


def test_page_offers_the_scope_unticked(ada):
    """And says that it is as good as the password."""
    ada.client.set_cookie("lang", "en")
    ada.sign_in()

    page = ada.client.get("/account/keys").text
    form = {"name": "script", "scopes": ["write", "account"]}
    made = ada.client.post("/account/keys", data=form, headers=POST)

    assert '<input type="checkbox" name="scopes" value="account">' in page
    assert "equivalent to your password" in page
    assert made.status_code == 201
