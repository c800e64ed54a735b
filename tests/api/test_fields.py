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
        *[
            ("id", "x"),
            ("status", "completed"),
            ("_schema", 1),
            ("", 1),
            ("Prompt", ""),
        ],
    ],
)
def test_wrong_field_is_refused_by_its_name(client, field, value):
    """Exactly the wrong or unknown field is named, with a reason."""
    # As ASCII, so that half a character can be sent.
    body = json.dumps({**CAT, field: value})

    errors = errors_of(client.post(CREATE, data=body, content_type=JSON))

    name = "body" if field in {"_schema", ""} else field
    assert list(errors) == [name]
    assert all(errors[name])


def test_each_wrong_field_is_named_at_once(client):
    """Nobody has to come back once a mistake."""
    errors = errors_of(client.post(CREATE, json={"n": 9, "seed": "x", "colour": 1}))

    assert set(errors) == {"prompt", "user_id", "n", "seed", "colour"}


def test_name_that_is_half_a_character_is_named(client):
    """A field name that is no Unicode text can still be answered."""
    body = json.dumps({**CAT, "\ud800": 1})

    errors = errors_of(client.post(CREATE, data=body, content_type=JSON))

    assert list(errors) == ["\\ud800"]


def test_refused_names_list_those_there_are(client):
    """Whoever asks for an unknown model or provider learns the known ones."""
    model = errors_of(client.post(CREATE, json={**CAT, "model": "dall-e"}))
    provider = errors_of(client.post(CREATE, json={**CAT, "provider": "openai"}))

    assert "doubao-seedream-3.0-t2i" in model["model"][0]
    assert "volcengine_jimeng" in provider["provider"][0]


@for_each(
    "method, path",
    [
        ("GET", f"{API}/models"),
        ("POST", CREATE),
        ("GET", f"{API}/tasks/x"),
        ("GET", f"{API}/ai/image/result/x"),
        ("GET", f"{API}/ai/image/tasks"),
        ("GET", f"{API}/tasks/user/a"),
        ("GET", USERS),
        ("GET", f"{USERS}/x"),
        ("DELETE", f"{USERS}/x"),
        ("POST", f"{API}/tasks/x/retry"),
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
        *(
            "1024x",
            "-512x512",
            "1e3x1e3",
            "５１２x512",
            "512x512x512",
            "5:4",
            "0512x512",
        ),
    ],
)
def test_size_that_no_model_draws_is_refused(client, size):
    """The refusal says what the model takes."""
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


@for_each("inner", [None, [], "x", 5, True])
def test_input_is_an_object(client, inner):
    """Any other input is a wrong field."""
    body = {"type": "image", **CAT, "input": inner}

    assert list(errors_of(client.post(GENERAL, json=body))) == ["input"]


@for_each("kind", ["audio", "", None, 1, ["image"]])
def test_unknown_type_is_refused(client, kind):
    """There are pictures and videos."""
    answer = client.post(GENERAL, json={**CAT, "type": kind})

    assert list(errors_of(answer)) == ["type"]


@for_each("delay", [-1, -0.001, 86_401, True, "5", None, [], {"$gt": 0}])
def test_delay_is_a_number_of_seconds_up_to_a_day(client, delay):
    """Everything else is refused by the name of the field."""
    answer = client.post(GENERAL, json={"type": "image", **CAT, "delay": delay})

    assert list(errors_of(answer)) == ["delay"]


def test_number_too_large_for_a_float_is_refused(client):
    """1e999 is JSON, but no number of seconds."""
    body = '{"type": "image", "prompt": "a", "user_id": "a", "delay": 1e999}'

    answer = client.post(GENERAL, data=body, content_type=JSON)

    assert list(errors_of(answer)) == ["delay"]


@for_each(
    "email",
    [
        "a@example.org*",
        "a..b@example.org",
        "a@-example.org",
        *(
            "",
            "a",
            "@",
            "a@b",
            "a b@c.de",
            "a@b.c@d.ef",
            "a@b.",
            "a\0@b.cd",
            "\ta\n@b.c",
        ),
        *(None, 5, True, ["a@b.cd"], {"$gt": ""}, "a" * 250 + "@b.cd", "a＠b.cd"),
    ],
)
def test_impossible_address_is_refused(client, email):
    """Nothing can be sent there."""
    answer = client.post(USERS, json={"email": email, "name": "b"})

    assert list(errors_of(answer)) == ["email"]


@for_each("name", ["", " \n ", "a" * 101, None, 5, ["a"], {"$gt": ""}])
def test_impossible_name_is_refused(client, name):
    """A name is text of 1 to 100 characters."""
    answer = client.post(USERS, json={"email": "a@example.com", "name": name})

    assert list(errors_of(answer)) == ["name"]
