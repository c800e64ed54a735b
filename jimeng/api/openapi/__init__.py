"""The API's description for programs, and a page to read it and try it on."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template

from jimeng import jobs
from jimeng.api.openapi.reference import read
from jimeng.i18n import language

bp = Blueprint("openapi", __name__)


@bp.get("/openapi.json")
def document() -> Response:
    """The OpenAPI document, in the language of the request."""
    response = jsonify(kept("document", described))
    # Anybody may read it, from wherever: tools on other hosts fetch it.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Content-Language"] = "zh-CN" if language() == "zh" else "en"
    response.headers["Cache-Control"] = "no-cache"
    response.vary.update(["Accept-Language", "Cookie"])
    return response


@bp.get("/docs")
def page() -> Response:
    """The document as a page of this site, where it can be tried, too."""
    api = kept("page", lambda: read(kept("document", described)))
    text = render_template("docs.html", api=api)
    # Its head has the name of who is signed in.
    return Response(text, headers={"Cache-Control": "no-store"})


def described() -> dict:
    api = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return api.spec.to_dict()


def kept(name: str, make: Callable[[], Any]) -> Any:
    """What *make* makes, once for each language and set of models."""
    models = sorted({m.id for m in jobs.runtime().registry.models.values()})
    all_kept = current_app.extensions.setdefault("openapi", {})
    key = (name, language(), *models)
    if key not in all_kept:
        all_kept[key] = make()
    return all_kept[key]
