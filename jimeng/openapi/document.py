"""The OpenAPI document, made of the routes, their schemas, and words."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from flask import Flask
from werkzeug.routing import Rule

from jimeng import __version__
from jimeng.config import Config
from jimeng.i18n.operations import OPERATIONS as CHINESE
from jimeng.i18n.operations import REQUEST_TEXTS, TAGS
from jimeng.openapi import errors
from jimeng.openapi.operations import (
    EVERYWHERE,
    LIMITS,
    OF_THE_API,
    OPERATIONS,
    UNSAFE,
    WITH_BODY,
    WITH_KEYS,
    Operation,
)
from jimeng.openapi.parts import common_parts, described, reference, wrapped
from jimeng.schemas import (
    NestedTask,
    NewGeneralTask,
    Nothing,
    Retry,
    UserChanges,
    replies,
)

EXAMPLES = json.loads((Path(__file__).parent / "examples.json").read_text("utf-8"))
BLUEPRINTS = {"api", "health", "metrics"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EMPTY_BODIES = (Nothing, Retry, UserChanges)  # they may be left out
# Tasks are named by their ids, or by their user and status.
ONE_WAY = [
    {
        "required": ["ids"],
        "not": {"anyOf": [{"required": ["status"]}, {"required": ["user_id"]}]},
    },
    {"required": ["status", "user_id"], "not": {"required": ["ids"]}},
]
HEALTH = {"health.health", "health.ready"}


def build(app: Flask, language: str, models: list[str]) -> dict:
    """
    Describe every route of the API.

    Args:
        language: ``zh`` or ``en``.
        models: The names that this server offers.
    """
    builder = Builder(app, 0 if language == "zh" else 1)
    document = builder.document()
    if models:
        model = document["components"]["schemas"]["NewImageTask"]["properties"]["model"]
        model["examples"] = models
    return document


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Each route that is described, with each of its methods."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in BLUEPRINTS:
            for method in METHODS:
                if method in (rule.methods or ()):
                    yield rule, method


class Builder:
    """Makes one document, in one language."""

    def __init__(self, app: Flask, language: int) -> None:
        self.app = app
        config: Config = app.config["JIMENG"]
        self.sign_in = config.sign_in
        self.language = language
        self.spec = APISpec(
            title=self.say("title"),
            version=__version__,
            openapi_version="3.1.0",
            info={
                "description": self.say("description"),
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            servers=[{"url": "/"}],
            tags=[
                {"name": words[2 * language], "description": words[2 * language + 1]}
                for words in TAGS.values()
            ],
            plugins=[MarshmallowPlugin()],
        )

    def say(self, name: str) -> str:
        return REQUEST_TEXTS[name][self.language]

    def document(self) -> dict:
        for rule, method in rules(self.app):
            path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
            operation = self.operation(rule, method)
            self.spec.path(path, operations={method.lower(): operation})
        found = self.spec.to_dict()
        parts = found["components"]
        for name in ("CancelSeveral", "RetrySeveral"):
            parts["schemas"][name]["oneOf"] = ONE_WAY
        if self.sign_in:
            key = {"type": "http", "scheme": "bearer"}
            key["description"] = self.say("api_key")
            parts["securitySchemes"] = {"ApiKey": key}
            found["security"] = [{"ApiKey": []}]
        else:
            parts["schemas"]["NewImageTask"]["required"].append("user_id")
            parts["schemas"]["NewGeneralTask"]["required"].append("user_id")
        for kind, named in common_parts(self.language).items():
            parts.setdefault(kind, {}).update(named)
        codes = sorted(errors.statuses())
        used = set(re.findall(r"#/components/examples/(\w+)", json.dumps(found)))
        parts["examples"] = {
            code: errors.example(code, self.language) for code in codes if code in used
        }
        return described(found, self.language)

    def operation(self, rule: Rule, method: str) -> dict:
        endpoint = rule.endpoint
        name = endpoint.partition(".")[2]
        more = OPERATIONS.get(endpoint, Operation())
        view = self.app.view_functions[endpoint]
        docs = getattr(view, "_apidoc", {})
        taken = docs.get("arguments", {}).get("parameters", [])
        bodies = [
            resolve_schema_instance(each["schema"])
            for each in taken
            if each["in"] == "json"
        ]
        queries = [each for each in taken if each["in"] == "query"]
        found: dict = {
            **self.words(endpoint, view.__doc__ or name),
            "operationId": name,
            "tags": [TAGS[more.tag][2 * self.language]],
            "parameters": [
                *self.places(rule),  # apispec makes references of names
                *({"in": "query", "schema": each["schema"]} for each in queries),
                *(*more.takes, "X-Request-ID", "Accept-Language"),
            ],
            "responses": {
                **self.successes(endpoint, docs, more),
                **self.failures(endpoint, method, more, has_body=bool(bodies)),
            },
        }
        if self.sign_in and endpoint in HEALTH:
            found["security"] = []
        if bodies and not isinstance(bodies[0], Nothing):
            found["requestBody"] = self.body(name, bodies[0])
        return found

    def places(self, rule: Rule) -> list[str]:
        """The parameters in the path; of lists by user any id is fine."""
        anybody = {"user_id": "any_user_id"} if "/tasks/user/" in rule.rule else {}
        return [anybody.get(name, name) for name in sorted(rule.arguments)]

    def words(self, endpoint: str, english: str) -> dict[str, str]:
        text = english if self.language else CHINESE.get(endpoint, english)
        summary, _, rest = text.strip().partition("\n")
        paragraphs = rest.strip().split("\n\n")
        joint = " " if self.language else ""
        lines = [joint.join(p.split() if joint else p.split("\n")) for p in paragraphs]
        description = "\n\n".join(line for line in lines if line)
        return {"summary": summary.strip(), "description": description or summary}

    def body(self, name: str, schema: object) -> dict:
        shape: object = schema
        if isinstance(schema, NewGeneralTask):
            shape = {"anyOf": [schema, NestedTask()]}
        content: dict = {"schema": shape}
        given = EXAMPLES.get(name, {}).get("requests")
        if given:
            content["examples"] = {key: {"value": body} for key, body in given.items()}
        required = type(schema) not in EMPTY_BODIES
        return {"required": required, "content": {"application/json": content}}

    def successes(self, endpoint: str, docs: dict, more: Operation) -> dict:
        name = endpoint.partition(".")[2]
        found: dict = {}
        replied = docs.get("response", {}).get("responses", {})
        if endpoint in HEALTH:
            replied = {200: [{"schema": replies.Health()}]}
        if more.plain:
            replied = {200: [{"schema": {"type": "string"}}]}
        for status, (reply, *_) in replied.items():
            schema = reply.get("schema", {})
            beside = endpoint == "api.list_tasks"
            bare = more.bare or more.plain
            content: dict = {
                "schema": schema if bare else wrapped(schema, next_page=beside)
            }
            if "response" in EXAMPLES.get(name, {}):
                content["example"] = EXAMPLES[name]["response"]
            found[str(int(status))] = {
                "description": self.say("ok"),
                "headers": headers(more.headers, more.always),
                "content": {
                    "text/plain" if more.plain else "application/json": content
                },
                **ways_on(more),
            }
        if more.conditional:
            found["304"] = {
                "description": self.say("not_modified"),
                "headers": headers(more.headers, more.always),
            }
        return found

    def failures(
        self, endpoint: str, method: str, more: Operation, *, has_body: bool
    ) -> dict:
        codes = [*EVERYWHERE, *more.errors]
        if endpoint not in HEALTH:
            codes += OF_THE_API
            codes += UNSAFE if method != "GET" else ()
            codes += WITH_KEYS if self.sign_in else ()
            codes += WITH_BODY if has_body else ()
        found = {
            str(status): self.failure(status, those)
            for status, those in errors.by_status(codes).items()
        }
        # The web server refuses what is longer before anybody has read it.
        html = {"text/html": {"schema": {"type": "string"}}}
        return {**found, "414": {"description": self.say("too_long"), "content": html}}

    def failure(self, status: int, codes: list[str]) -> dict:
        said = [f"`{code}`: {errors.words(code, self.language)}" for code in codes]
        later = ("Retry-After",) if status in errors.RETRY_LATER else ()
        more = LIMITS if status == 429 else ()
        content = {
            "schema": replies.Refusal(),
            "examples": {code: {"$ref": reference("examples", code)} for code in codes},
        }
        return {
            "description": "\n\n".join(said),
            "headers": headers((*later, *more), later),
            "content": {"application/json": content},
        }


def ways_on(more: Operation) -> dict:
    """The operations that what was made can be given to, as OpenAPI's links."""
    if more.makes is None:
        return {}
    field, place, later = more.makes
    given = {place: f"$response.body#/data/{field}"}
    return {
        "links": {name: {"operationId": name, "parameters": given} for name in later}
    }


def headers(names: tuple[str, ...], always: tuple[str, ...]) -> dict:
    """Those of every answer, and *names*; *always* are never left out."""
    always = (*always, "X-Request-ID")
    return {
        name: {
            "$ref": reference("headers", name if name in always else f"{name}-if-any")
        }
        for name in (*names, "X-Request-ID")
    }
