"""
The door for agents: tools by the Model Context Protocol, which it only translates.

Only `app` may import it.
"""

from flask import Blueprint

from jimeng.auth import reject_cross_site, viewer_of_api
from jimeng.mcp.refusals import PATH, failure

bp = Blueprint("mcp", __name__)
bp.before_request(reject_cross_site)


@bp.before_request
def require_key() -> None:
    """Whoever asks has a key; what it is good for depends on the tool."""
    viewer_of_api()


from jimeng.mcp import endpoint  # noqa: E402 (routes)
