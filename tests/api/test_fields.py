"""Wrong fields: each is refused by its name, with a reason."""

import json

from tests.api.refusing import client
from tests.each import for_each
from tests.rest import API, CAT, CREATE, GENERAL, USERS, errors_of

__all__ = ["client"]

JSON = "application/json"


@for_each(
    "field, value",
    [
        *[("n", value) for value in ("2", True, 1.5, 1e30, None, 0, 5, [1], {})],
        *[("seed", value) for value in (2**31, -2, "1", True, 0.5, None, 10**30)],
        *[("prompt", value) for value in ({"$gt": ""}, ["a"], 1, None, True)],
        *[("prompt", value) for value in ("", " \n\t　", "猫" * 801, "a\0b", "\ud800")],
        *[("user_id", value) for value in ("a b", "a" * 65, "", "猫", {"$ne": None})],
        *[("user_id", value) for value in ("a\n", "a/b", "$where", 5, None, "\0")],
        *[("size", value) for value in (1024, None, "", "1" * 21, ["1:1"], "\ud800")],
        *[("quality", value) for value in ("HD", "best", "", None, 1, {"$in": []})],
        *[("style", value) for value in ("", " ", "a" * 65, 1, None, {"$gt": ""})],
        *[("model", value) for value in ("nope", "", None, 3, {"$gt": ""}, "a" * 101)],
        *[("provider", value) for value in ("nope", "", None, 3, {"$gt": ""})],
        *[("negative_prompt", value) for value in ("blurry", "", {"$gt": ""})],
        *[("delay", 5), ("type", "image"), ("input", {}), ("$where", "1"), ("a.b", 1)],
        *[("id", "x"), ("status", "completed"), ("_schema", 1), ("", 1)],
        *[("Prompt", ""), ("\ud800", 1)],
    ],
)
def test_wrong_field_is_refused_by_its_name(client, field, value):
    # As ASCII, so that half a character can be sent.
    body = json.dumps({**CAT, field: value})

    errors = errors_of(client.post(CREATE, data=body, content_type=JSON))

    name = {"_schema": "body", "": "body", "\ud800": "\\ud800"}.get(field, field)
    assert list(errors) == [name]
    assert all(errors[name])


def test_each_wrong_field_is_named_at_once(client):
    """Nobody has to come back once a mistake."""
    wrong = {"prompt": " ", "n": 9, "seed": "x", "colour": 1}
    errors = errors_of(client.post(CREATE, json=wrong))

    assert set(errors) == {"user_id", *wrong}


def test_refused_names_list_those_there_are(client):
    model = errors_of(client.post(CREATE, json={**CAT, "model": "dall-e"}))
    provider = errors_of(client.post(CREATE, json={**CAT, "provider": "openai"}))

    assert "doubao-seedream-3.0-t2i" in model["model"][0]
    assert "volcengine_jimeng" in provider["provider"][0]


@for_each(
    "method, path",
    [
        *[("GET", f"{API}/{path}") for path in ("models", "tasks/x", "tasks/user/a")],
        *[("GET", f"{API}/ai/image/{path}") for path in ("result/x", "tasks")],
        *[("GET", USERS), ("GET", f"{USERS}/x"), ("DELETE", f"{USERS}/x")],
        *[("POST", CREATE), ("POST", f"{API}/tasks/x/retry")],
    ],
)
def test_unknown_query_parameter_is_refused(client, method, path):
    """A misspelt parameter is an error on every route."""
    answer = client.open(path, method=method, query_string={"limt": "5", "$where": "1"})

    assert {"limt", "$where"} <= set(errors_of(answer))


@for_each(
    "size",
    [
        *("4K", "511x512", "512x511", "2049x512", "0x0", "1024*1024", "1024", "x"),
        *("1024x", "-512x512", "1e3x1e3", "５１２x512", "512x512x512", "5:4"),
        "0512x512",
    ],
)
def test_size_that_no_model_draws_is_refused(client, size):
    errors = errors_of(client.post(CREATE, json={**CAT, "size": size}))

    (words,) = errors["size"]
    assert "512" in words and "2048" in words and "21:9" in words and "2K" in words


def test_field_inside_and_beside_is_refused(client):
    """Where a field stands twice nobody can tell which is meant."""
    body = {"type": "image", **CAT, "input": {"prompt": "一只狗"}}

    assert list(errors_of(client.post(GENERAL, json=body))) == ["prompt"]


@for_each("name", ["type", "delay", "input", "colour"])
def test_input_takes_no_other_fields(client, name):
    """What belongs beside the input, or nowhere, is refused inside it."""
    body = {"input": {**CAT, name: 1}, "type": "image"}

    assert name in errors_of(client.post(GENERAL, json=body))


@for_each(
    "field, value",
    [
        *[("input", value) for value in (None, [], "x", 5, True)],
        *[("type", value) for value in ("audio", "", None, 1, ["image"])],
        *[("delay", value) for value in (-1, -0.001, 86_401, True, "5", None, [])],
        *[("delay", value) for value in ({"$gt": 0}, float("inf"))],
    ],
)
def test_wrong_field_of_the_general_form_is_refused(client, field, value):
    """Pictures and videos alone, whose fields are an object, within a day."""
    body = json.dumps({"type": "image", **CAT, field: value})
    body = body.replace("Infinity", "1e999")  # JSON, but no number of seconds

    answer = client.post(GENERAL, data=body, content_type=JSON)

    assert list(errors_of(answer)) == [field]


@for_each(
    "field, value",
    [
        *[("email", value) for value in ("a@example.org*", "a..b@example.org", "")],
        *[("email", value) for value in ("a@-example.org", "a")],
        *[("email", value) for value in ("@", "a@b", "a b@c.de", "a@b.c@d.ef", "a@b.")],
        *[("email", value) for value in ("a\0@b.cd", "\ta\n@b.c", "a＠b.cd", None, 5)],
        *[("email", value) for value in (True, ["a@b.cd"], {"$gt": ""})],
        ("email", "a" * 250 + "@b.cd"),
        *[("name", value) for value in ("", " \n ", "a" * 101, None, 5, ["a"])],
        ("name", {"$gt": ""}),
    ],
)
def test_impossible_user_is_refused(client, field, value):
    """Nothing can be sent to the address; a name is text of 1 to 100 characters."""
    body = {"email": "a@example.com", "name": "b", field: value}

    assert list(errors_of(client.post(USERS, json=body))) == [field]
