"""The OpenAPI document: smorest's, completed with texts, keys, errors and models."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin, OpenAPIConverter
from flask import Flask
from flask_smorest import Api, Blueprint
from flask_smorest.spec import openapi_cli

from jimeng import jobs
from jimeng.api.openapi import errors
from jimeng.api.openapi.parts import (
    as_text,
    described,
    path_parameter,
    shaped,
    shared_components,
)
from jimeng.config.version import VERSION
from jimeng.i18n import language
from jimeng.providers.models import Makes
from jimeng.schemas.reference_texts import translated
from jimeng.schemas.responses import Refusal

TITLE = "jimeng API"  # ASCII in both languages: generators name packages after it
DESCRIPTION = (
    "Asynchronous generation of pictures and videos: submit a task, poll it by "
    "`Retry-After`, get the result.\n\n"
    'A success is `{"success": true, "data": …}`, a failure is `{"success": false, '
    '"error": "code", "message": "sentence", "request_id": "…"}`, with `errors` '
    "by field for invalid parameters.\n\n"
    "`message` is Chinese unless `Accept-Language` prefers English. Times are UTC "
    "and end in `Z`. An integer may be written 2.0. Unknown fields in bodies and "
    "queries are 422, and so is a repeated query parameter, or text that contains "
    "NUL or a lone surrogate. The language of this document follows "
    "`Accept-Language`, too.\n\n"
    "`/v1` is compatible with OpenAI's images API, in successes and in errors.\n\n"
    "`POST /mcp` is for agents and not part of this document: it describes its tools "
    "itself (`tools/list`) by the Model Context Protocol (JSON-RPC 2.0), and accepts "
    "the same keys. See <https://modelcontextprotocol.io>.\n\n"
    "`/api/v3/contents/generations/tasks` is for programs that make videos with Ark's "
    "SDK, and not part of it either: it is as Ark describes it, see "
    "<https://www.volcengine.com/docs/82379/1520757>."
)
API_KEY = "An API key, from the account page or `POST /api/v1/users/{user_id}/keys`"
# Schema of a request -> what its models make.
MAKING: dict[str, Makes] = {
    "NewImageTask": "image",
    "NewGeneralTask": "image",
    "NewBatch": "image",
    "NewVideoTask": "video",
}
TAGS = {
    "images": "Create image tasks and get their pictures.",
    "videos": "Create video tasks and get their videos.",
    "tasks": "Read, cancel and retry tasks.",
    "batches": "Batches of prompts: create, follow, cancel, retry what is missing.",
    "uploads": "Upload pictures for tasks to use.",
    "collections": "Organise pictures in collections; share collections and pictures.",
    "prompts": "Saved prompts with their settings.",
    "webhooks": "Notify your programs when tasks end: endpoints, secrets, the log, "
    "replays.",
    "users": "Users, their usage, and their API keys.",
    "openai": "For clients of OpenAI's images API, with its fields, responses and "
    "errors.",
    "system": "Models, styles, the queue, health.",
}


class Converter(OpenAPIConverter):
    """Adds descriptions of fields, and the rules of schemas across fields."""

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()
        self.attribute_functions.remove(self.field2default)
        self.add_attribute_function(described)
        self.add_attribute_function(as_text)
        self.add_attribute_function(shaped)

    def schema2jsonschema(self, schema: Any) -> dict:
        return super().schema2jsonschema(schema) | getattr(schema, "rules", {})


class Plugin(MarshmallowPlugin):
    """Completes the operations that smorest describes."""

    Converter = Converter

    def __init__(self, app: Flask, *, sign_in: bool) -> None:
        super().__init__()
        self.app = app
        self.sign_in = sign_in

    def path_helper(self, *args: Any, parameters: Any = (), **options: Any) -> None:
        for each in parameters:
            each.update(path_parameter(each["name"]))

    def operation_helper(
        self, path: Any = None, operations: Any = None, **options: Any
    ):
        rule = options["rule"]
        blueprint: Any = self.app.blueprints[rule.endpoint.partition(".")[0]]
        view = self.app.view_functions[rule.endpoint]
        for method, doc in operations.items():
            blueprint.complete(
                doc, view, spec=self.spec, method=method, sign_in=self.sign_in
            )
        super().operation_helper(path=path, operations=operations, **options)


class DescribingApi(Api):
    DEFAULT_ERROR_RESPONSE_NAME = None  # each operation names its own
    ERROR_SCHEMA = Refusal


class Document:
    """
    The document of some blueprints, which ``flask openapi`` prints.

    To describe them takes longer than the rest of a start, so it is done when the
    document is first asked for, in an application of its own.
    """

    def __init__(self, app: Flask, blueprints: Sequence[Blueprint]) -> None:
        self._sign_in = app.config["JIMENG"].sign_in
        self._blueprints = blueprints
        self._describing = Lock()
        app.extensions["flask-smorest"] = {"apis": {"": {"ext_obj": self}}}
        app.cli.add_command(openapi_cli)

    @property
    def spec(self) -> "Document":
        """What ``flask openapi`` asks for."""
        return self

    @cached_property
    def _described(self) -> dict[str, Any]:
        """In English."""
        app = Flask(__name__)
        parts: dict = shared_components()
        whole: dict = {"components": parts}
        if self._sign_in:
            key = {"type": "http", "scheme": "bearer"}
            parts["securitySchemes"] = {"ApiKey": {**key, "description": API_KEY}}
            whole["security"] = [{"ApiKey": []}]
        api = DescribingApi(
            app,
            spec_kwargs={
                "title": TITLE,
                "version": VERSION,
                "openapi_version": "3.1.0",
                "marshmallow_plugin": Plugin(app, sign_in=self._sign_in),
                "info": {
                    "description": DESCRIPTION,
                    "license": {"name": "MIT", "identifier": "MIT"},
                },
                "servers": [{"url": "/"}],
                **whole,
            },
        )
        for blueprint in self._blueprints:
            api.register_blueprint(blueprint)
        found = api.spec.to_dict()
        found["components"]["schemas"].pop("PaginationMetadata")  # smorest's, unused
        used = re.findall(r"#/components/examples/(\w+)", json.dumps(found))
        found["components"]["examples"] = {
            code: errors.example(code) for code in sorted(set(used))
        }
        found["tags"] = [{"name": n, "description": w} for n, w in TAGS.items()]
        return found

    def to_dict(self) -> dict[str, Any]:
        """The document in the request's language, with the models of this server."""
        with self._describing:
            chosen = translated(self._described, language())
        for name, makes in MAKING.items():
            models = sorted({m.id for m in jobs.runtime().registry.making(makes)})
            field = chosen["components"]["schemas"][name]["properties"]["model"]
            field.update({"examples": models} if models else {})
        return chosen
