"""The API's description for programs, and a page to read it and try it on."""

from flask import Blueprint, Response, current_app, jsonify, render_template

from jimeng import jobs
from jimeng.i18n import language

bp = Blueprint("openapi", __name__)


@bp.get("/openapi.json")
def document() -> Response:
    """The OpenAPI document, in the language of the request."""
    registry = jobs.runtime().registry
    spoken, models = language(), sorted({m.id for m in registry.models.values()})
    kept = current_app.extensions.setdefault("openapi", {})
    key = (spoken, *models)
    if key not in kept:
        api = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
        kept[key] = api.spec.to_dict()
    response = jsonify(kept[key])
    # Anybody may read it, from wherever: tools on other hosts fetch it.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Content-Language"] = "zh-CN" if spoken == "zh" else "en"
    response.headers["Cache-Control"] = "no-cache"
    response.vary.update(["Accept-Language", "Cookie"])
    return response


@bp.get("/docs")
def page() -> str:
    """The document as a page; its scripts and styles are this server's own."""
    return render_template("docs.html")
