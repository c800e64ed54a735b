"""smorest's description of the API, finished: words, keys, errors and models."""

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
from jimeng.api.openapi.parts import as_text, described, shared, translated
from jimeng.i18n import LANGUAGES, language
from jimeng.i18n.routes import REQUEST_TEXTS, TAGS
from jimeng.version import VERSION


class Converter(OpenAPIConverter):
    """Tells what each field means, and what schemas ask for beside their fields."""

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()
        self.attribute_functions.remove(self.field2default)
        self.add_attribute_function(described)
        self.add_attribute_function(as_text)

    def schema2jsonschema(self, schema: Any) -> dict:
        return super().schema2jsonschema(schema) | getattr(schema, "rules", {})


class Plugin(MarshmallowPlugin):
    Converter = Converter


class Document(APISpec):
    """
    The document, in the language of whoever asks. Describing takes longer than all else
    that a start does: it begins when somebody asks.
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
        chosen = translated(found, LANGUAGES.index(language()))
        models = sorted({m.id for m in jobs.runtime().registry.models.values()})
        for name in ("NewImageTask", "NewGeneralTask", "NewBatch"):
            field = chosen["components"]["schemas"][name]["properties"]["model"]
            field.update({"examples": models} if models else {})
        return chosen


class DescribedApi(Api):
    """smorest's, with this document."""

    DEFAULT_ERROR_RESPONSE_NAME = None  # each operation names its own

    def register_blueprint(
        self, blp: Blueprint, *, parameters: list | None = None, **options: Any
    ) -> None:
        """As smorest's, but that its views are described once somebody asks."""
        name = options.get("name", blp.name)
        self._app.extensions["flask-smorest"]["blp_name_to_api"][name] = self
        self._app.register_blueprint(blp, **options)
        views = blp.register_views_in_doc
        told = {"name": name, "parameters": parameters}
        self.spec.describe_later(lambda: views(self, self._app, self.spec, **told))

    def _init_spec(self, **options: Any) -> None:
        self.flask_plugin, self.ma_plugin = FlaskPlugin(), Plugin()
        parts: dict = shared()
        whole: dict = {"components": parts}
        if self._app.config["JIMENG"].sign_in:
            key = {"type": "http", "scheme": "bearer"}
            parts["securitySchemes"] = {
                "ApiKey": {**key, "description": REQUEST_TEXTS["api_key"]}
            }
            whole["security"] = [{"ApiKey": []}]
        self.spec = Document(
            "",
            VERSION,
            "3.1.0",
            [self.flask_plugin, self.ma_plugin],
            info={
                "title": REQUEST_TEXTS["title"],
                "description": REQUEST_TEXTS["description"],
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            servers=[{"url": "/"}],
            **whole,
        )
        self._app.cli.add_command(openapi_cli)
