"""The REST door: JSON in, JSON out, in one envelope."""

from flask import current_app, request
from marshmallow import ValidationError

from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.auth import reject_cross_site, require_scope

blp = DescribedBlueprint("api", __name__, url_prefix="/api/v1")
blp.before_request(reject_cross_site)
blp.before_request(require_scope)


@blp.before_request
def refuse_unknown_queries() -> None:
    """A misspelt parameter is an error where a route takes none, too."""
    if not request.args or request.endpoint is None:
        return
    view = current_app.view_functions[request.endpoint]
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    if any(each["in"] == "query" for each in arguments.get("parameters", [])):
        return
    raise ValidationError({name: ["invalid.unknown_field"] for name in request.args})


from jimeng.api import (  # noqa: E402 (routes)
    bulk,  # noqa: F401
    images,  # noqa: F401
    keys,  # noqa: F401
    queue,  # noqa: F401
    tasks,  # noqa: F401
    usage,  # noqa: F401
    users,  # noqa: F401
)
