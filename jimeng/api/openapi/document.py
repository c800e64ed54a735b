"""The OpenAPI document: smorest's, completed with texts, keys, errors and models."""

import json
import re
from collections.abc import Callable
from threading import Lock
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin, OpenAPIConverter
from flask_smorest import Api, Blueprint
from flask_smorest.spec import openapi_cli
from flask_smorest.spec.plugins import FlaskPlugin

from jimeng import jobs
from jimeng.api.openapi import errors
from jimeng.api.openapi.parts import (
    as_text,
    described,
    shaped,
    shared_components,
)
from jimeng.config.version import VERSION
from jimeng.i18n import language
from jimeng.providers.models import Makes
from jimeng.schemas.reference_texts import translated

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
    Converter = Converter


class Document(APISpec):
    """
    The document in the request's language. Building it takes longer than the rest of
    startup, so it is built on the first request.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._later: list[Callable[[], None]] = []
        self._describing = Lock()

    def describe_later(self, describe: Callable[[], None]) -> None:
        self._later.append(describe)

    def to_dict(self) -> dict[str, Any]:
        with self._describing:
            while self._later:
                self._later.pop(0)()
            found = super().to_dict()
        used = re.findall(r"#/components/examples/(\w+)", json.dumps(found))
        found["components"]["examples"] = {
            code: errors.example(code) for code in sorted(set(used))
        }
        found["tags"] = [{"name": n, "description": w} for n, w in TAGS.items()]
        chosen = translated(found, language())
        for name, makes in MAKING.items():
            models = sorted({m.id for m in jobs.runtime().registry.making(makes)})
            field = chosen["components"]["schemas"][name]["properties"]["model"]
            field.update({"examples": models} if models else {})
        return chosen


class DescribedApi(Api):
    """smorest's `Api` with our `Document`."""

    DEFAULT_ERROR_RESPONSE_NAME = None  # each operation names its own

    def register_blueprint(
        self, blp: Blueprint, *, parameters: list | None = None, **options: Any
    ) -> None:
        """As smorest's, but views are described on the first request."""
        name = options.get("name", blp.name)
        self._app.extensions["flask-smorest"]["blp_name_to_api"][name] = self
        self._app.register_blueprint(blp, **options)
        views = blp.register_views_in_doc
        doc = {"name": name, "parameters": parameters}
        self.spec.describe_later(lambda: views(self, self._app, self.spec, **doc))

    def _init_spec(self, **options: Any) -> None:
        self.flask_plugin, self.ma_plugin = FlaskPlugin(), Plugin()
        parts: dict = shared_components()
        whole: dict = {"components": parts}
        if self._app.config["JIMENG"].sign_in:
            key = {"type": "http", "scheme": "bearer"}
            parts["securitySchemes"] = {"ApiKey": {**key, "description": API_KEY}}
            whole["security"] = [{"ApiKey": []}]
        self.spec = Document(
            "",
            VERSION,
            "3.1.0",
            [self.flask_plugin, self.ma_plugin],
            info={
                "title": TITLE,
                "description": DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            servers=[{"url": "/"}],
            **whole,
        )
        self._app.cli.add_command(openapi_cli)
