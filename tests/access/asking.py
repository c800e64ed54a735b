"""Each route that there is, asked for with what its owner could send."""

import io

from flask import Flask
from werkzeug.routing import Rule

from tests.access.walk import METHODS, PICTURE, ROUTES
from tests.given_pictures import photo
from tests.page import POST

# How paths begin that are for programs, with a key.
PROGRAMS = ("/api/", "/v1/", "/mcp", "/metrics")
# These end the session of whoever sends them, so they come last.
LAST = ("web.end_sessions", "web.sign_out")


def walk(app: Flask) -> list[tuple[Rule, str]]:
    """Each route with each of its methods."""
    found = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in METHODS
        if method in (rule.methods or ())
    ]
    return sorted(found, key=lambda each: each[0].endpoint in LAST)


def filled(value: object, places: dict[str, str]) -> object:
    """*value* with the names of what is Ada's put in."""
    if isinstance(value, str):
        return value.format_map(places) if "{" in value else value
    if isinstance(value, list):
        return [filled(each, places) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, places) for key, each in value.items()}
    return value


def ask(client, rule: Rule, method: str, places: dict[str, str], key: str = ""):
    """Send what the route's owner could send, with *key* if it is the API's."""
    route = ROUTES[rule.endpoint]
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(placeholder(rule, name), places[name])
    headers = dict(POST)
    if key and path.startswith(PROGRAMS):
        headers["Authorization"] = f"Bearer {key}"
    options: dict = {"query_string": filled(route.query, places), "headers": headers}
    if PICTURE in route.form.values():
        options["data"] = {"file": (io.BytesIO(photo()), PICTURE)}
    elif method != "GET" and path.startswith(PROGRAMS):
        options["json"] = filled(route.json or {}, places)
    elif method != "GET":
        options["data"] = filled(route.form, places)
    return client.open(path, method=method, **options)


def placeholder(rule: Rule, name: str) -> str:
    """``<name>`` as it stands in the rule, with its converter if it has one."""
    (found,) = [p for p in rule.rule.split("<")[1:] if p.split(">")[0].endswith(name)]
    return "<" + found.split(">")[0] + ">"
