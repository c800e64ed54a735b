"""The REST interface: JSON requests, JSON responses in one envelope."""

from flask import current_app, request
from marshmallow import ValidationError, fields
from werkzeug.routing import Map, UnicodeConverter

from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.http.auth import principal_of_api, reject_cross_site, require_scope
from jimeng.http.requests import limit_large_bodies, reject_repeated

RESERVED_NAMES = ("cancel", "retry", "secret")  # /tasks/cancel is not a task


class IdConverter(UnicodeConverter):
    """URL converter for ids that excludes names of sibling routes."""

    def __init__(self, map: Map) -> None:
        super().__init__(map)
        self.regex = rf"(?!(?:{'|'.join(RESERVED_NAMES)})$){self.regex}"


blp = DescribedBlueprint("api", __name__, url_prefix="/api/v1")
blp.record(
    lambda state: state.app.url_map.converters.update(
        task=IdConverter, webhook=IdConverter
    )
)
blp.before_request(reject_cross_site)
blp.before_request(require_scope)
limit_large_bodies(blp, principal_of_api)


@blp.before_request
def check_query() -> None:
    """
    Reject repeated query parameters, whose value would be ambiguous unless it is a
    list, and any parameter of a route that declares none.
    """
    if not request.query_string or request.endpoint is None:
        return
    view = current_app.view_functions[request.endpoint]
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    schemas = [
        each["schema"]
        for each in arguments.get("parameters", [])
        if each["in"] == "query"
    ]
    declared = {
        name: field
        for schema in schemas
        for name, field in schema._declared_fields.items()
    }
    reject_repeated(
        name
        for name, _ in request.args.items(multi=True)
        if not isinstance(declared.get(name), fields.List)
    )
    if not schemas:
        unknown = {name: ["invalid.unknown_field"] for name in request.args}
        raise ValidationError(unknown)


from jimeng.api import (
    batches,
    collections,
    events,
    images,
    saved_prompts,
    shares,
    system,
    tasks,
    uploads,
    users,
    webhooks,
)
