"""The interface for agents: tools by the Model Context Protocol."""

from flask import Blueprint

from jimeng.http.auth import principal_of_api, reject_cross_site
from jimeng.mcp.errors import PATH, failure

bp = Blueprint("mcp", __name__)
bp.before_request(reject_cross_site)


@bp.before_request
def require_key() -> None:
    """Whoever asks has a key; what it is good for depends on the tool."""
    principal_of_api()


from jimeng.mcp import endpoint
