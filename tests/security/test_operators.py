"""Operators where values belong, and fields that nobody may set."""

from jimeng import accounts
from jimeng.documents import Task, User
from tests.access.conftest import OPERATOR, PASSWORD
from tests.each import for_each
from tests.page import POST, send
from tests.rest import API, CREATE, GENERAL, USERS, data_of

OPERATORS = [
    *({"$gt": ""}, {"$ne": None}, {"$regex": ".*"}, {"$where": "sleep(9)"}),
    *([{"$gt": ""}], {"$in": ["x"]}, {"": ""}, {"a.b": 1}, {"__proto__": {}}),
]
ROUTES = [
    ("POST", CREATE, {"prompt": "x"}, ("prompt", "model", "size", "style", "user_id")),
    ("POST", GENERAL, {"type": "image", "prompt": "x"}, ("type", "prompt", "delay")),
    ("POST", f"{API}/tasks/cancel", {"ids": ["x"]}, ("ids", "user_id", "status")),
    ("POST", f"{API}/tasks/retry", {"ids": ["x"]}, ("ids", "user_id", "status")),
    ("POST", f"{API}/tasks/x/retry", {}, ("accept_double_charge",)),
    ("POST", USERS, {"email": "e@x.org", "name": "x"}, ("email", "name")),
    ("PUT", f"{USERS}/{{id}}", {}, ("email", "name")),
    ("POST", f"{USERS}/{{id}}/keys", {"name": "x"}, ("name", "scopes", "expires_at")),
]
# What a record has and a request does not.
NOT_YOURS = [
    *({"role": "admin"}, {"id": "user_x"}, {"_id": "user_x"}, {"password": "x" * 12}),
    *({"created_at": "2001-01-01T00:00:00Z"}, {"updated_at": "2001-01-01T00:00:00Z"}),
    *({"sessions": 0}, {"disabled_at": None}, {"daily_quota": 10**6}, {"ended": []}),
    *({"email_key": "root@example.com"}, {"$set": {"role": "admin"}}, {"sha256": "x"}),
    *({"user": {"role": "admin"}}, {"role.": "admin"}, {"Role": "admin"}),
    *({"status": "x"}, {"charged": "x"}, {"outcomes": "x"}, {"result": "x"}),
    *({"open": "x"}, {"not_before": "2001-01-01"}, {"lane": "x"}),
    *({"provider_task_ids": "x"}, {"retried_from": "x"}, {"deleted_at": "2001-01-01"}),
]


@for_each("method, path, body, fields", ROUTES)
def test_operator_is_no_value(method, path, body, fields, admin):
    path = path.format(id=admin.id)
    for field in fields:
        for value in OPERATORS:
            answer = admin.api(method, path, json={**body, field: value})

            assert answer.status_code == 422, (field, value, answer.text)
            assert field in str(answer.json["errors"])


@for_each("body", [*OPERATORS, [], "x", 1, True])
def test_body_is_an_object_of_known_fields(body, admin):
    for method, path, *_ in ROUTES:
        answer = admin.api(method, path.format(id=admin.id), json=body)
        assert answer.status_code in {404, 422}, (path, body)


def test_operators_of_forms_and_queries_are_names(ada, admin):
    """``email[$ne]=x`` is a field of that name, and no field of ours."""
    form = {"email[$ne]": "x", "password[$ne]": "x", "email": "", "password": ""}
    answer = ada.client.post("/sign-in", data=form, headers=POST)
    assert answer.status_code == 422

    for query in ({"email[$ne]": "x"}, {"email": "x", "$where": "1"}):
        found = admin.api("GET", USERS, query_string=query)
        assert found.status_code == 422
    for email in ('{"$gt": ""}', "[$ne]", ".*@.*", "*"):
        found = admin.api("GET", USERS, query_string={"email": email})
        assert found.status_code in {404, 422}


@for_each("words", [".*", "^", "(a+)+$", "$where", "[", "\\", "a|b"])
def test_search_takes_words_as_they_stand(words, ada, admin, work_off):
    """No pattern: it finds nothing, breaks nothing, and takes no time."""
    ada.sign_in()
    admin.sign_in()
    data_of(ada.api("POST", CREATE, json={"prompt": "aaaaaaaaaaaaaaaaaaaaaaaa!"}), 202)
    work_off()

    listed = ada.api("GET", f"{API}/tasks/user/{ada.id}", query_string={"q": words})
    query = {"query_string": {"q": words, "show": "all"}}
    pages = [ada.client.get(path, **query) for path in ("/", "/gallery")]
    users = admin.client.get("/admin/users", **query)

    assert data_of(listed) == []
    assert [page.status_code for page in (*pages, users)] == [200] * 3
    assert not any("aaaaaaaaaaaaaaaaaaaaaaaa!" in page.text for page in pages)
    assert ada.user.email not in users.text


@for_each("fields", NOT_YOURS)
def test_record_is_not_written_by_request(fields, ada, admin):
    """Not when a user is made, not when one is changed, by whomever; nor is it for a
    user to say what becomes of a task."""
    before = User.collection().find_one({"_id": ada.id})
    new = {"email": "e@x.org", "name": "x"}
    answers = [
        admin.api("POST", USERS, json={**new, **fields}),
        admin.api("PUT", f"{USERS}/{ada.id}", json={"name": "y", **fields}),
        ada.api("PUT", f"{USERS}/{ada.id}", json={"name": "y", **fields}),
        ada.api("POST", f"{USERS}/{ada.id}/keys", json={"name": "y", **fields}),
        ada.api("POST", CREATE, json={"prompt": "x", **fields}),
    ]

    for answer in answers:
        assert answer.status_code == 422
        assert next(iter(fields)) in answer.json["errors"]
    assert User.collection().find_one({"_id": ada.id}) == before
    assert Task.collection().count_documents({}) == 0


def test_form_writes_what_it_shows_only(ada):
    """More fields in a form than the page has are not looked at."""
    ada.sign_in()
    kept = ("_id", "role", "email", "created_at", "password", "sessions")
    before = User.collection().find_one({"_id": ada.id})
    form = {name: "admin" for each in NOT_YOURS for name in each}

    saved = ada.client.post("/account", data={**form, "name": "Y"}, headers=POST)
    ada.client.post("/account/defaults", data={**form, "n": "2"}, headers=POST)

    after = User.collection().find_one({"_id": ada.id})
    assert saved.status_code == 303 and after["name"] == "Y"
    assert [after.get(name) for name in kept] == [before.get(name) for name in kept]
    assert set(after) - set(before) <= {"language", "theme", "defaults", "ended"}


def test_invitation_sets_a_password_and_nothing_else(secured, ada, admin):
    """Whoever follows the link does not choose who they are."""
    token = accounts.invite(OPERATOR, ada.id)
    form = {"password": PASSWORD, "role": "admin", "email": "x@x.org", "user": admin.id}

    answer = send(secured.test_client(), f"/invitations/{token}", **form)

    row = User.collection().find_one({"_id": ada.id})
    assert answer.status_code == 303
    assert (row["role"], row["email"]) == ("user", ada.user.email)
