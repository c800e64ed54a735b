"""The REST interface: JSON requests, JSON responses in one envelope."""

from werkzeug.routing import Map, UnicodeConverter

from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.http.auth import principal_of_api, reject_cross_site, require_scope
from jimeng.http.requests import check_query, limit_large_bodies

RESERVED_NAMES = ("cancel", "retry", "secret", "replay")  # /tasks/cancel is not a task


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
blp.before_request(check_query)


from jimeng.api import (
    batches,
    collections,
    costs,
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
