"""The OpenAPI document, and a page to read it and try requests."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template

from jimeng import jobs
from jimeng.api.openapi.reference import parse_document
from jimeng.i18n import language

bp = Blueprint("openapi", __name__)


@bp.get("/openapi.json")
def document() -> Response:
    """The OpenAPI document, in the language of the request."""
    response = jsonify(cached("document", build_document))
    # Tools on other origins fetch it.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Content-Language"] = "zh-CN" if language() == "zh" else "en"
    response.headers["Cache-Control"] = "no-cache"
    response.vary.update(["Accept-Language", "Cookie"])
    return response


@bp.get("/docs")
def page() -> Response:
    """The document as a page of this site, where requests can be tried."""
    api = cached("page", lambda: parse_document(cached("document", build_document)))
    text = render_template("docs.html", api=api)
    # Its header has the signed-in user's name.
    return Response(text, headers={"Cache-Control": "no-store"})


def build_document() -> dict:
    return current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].to_dict()


def cached(name: str, make: Callable[[], Any]) -> Any:
    """The result of *make*, cached per language and set of models."""
    models = sorted({m.id for m in jobs.runtime().registry.models.values()})
    documents = current_app.extensions.setdefault("openapi", {})
    key = (name, language(), *models)
    if key not in documents:
        documents[key] = make()
    return documents[key]
