"""The interface for agents: tools by the Model Context Protocol."""

from flask import Blueprint

from jimeng.http.auth import principal_of_api, reject_cross_site
from jimeng.http.requests import limit_large_bodies
from jimeng.mcp.errors import PATH, failure

bp = Blueprint("mcp", __name__)
bp.before_request(reject_cross_site)


@bp.before_request
def require_key() -> None:
    """Require a valid API key; each tool checks the scopes that it needs."""
    principal_of_api()


limit_large_bodies(bp, principal_of_api)

from jimeng.mcp import batch_handlers, endpoint, handlers
