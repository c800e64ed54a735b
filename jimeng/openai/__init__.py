"""
The door for clients of OpenAI's images API: it translates, and calls `tasks`.

Only `app` may import it.
"""

from flask import Blueprint

from jimeng.auth import reject_cross_site, require_scope
from jimeng.http.bodies import take_in
from jimeng.openai.failures import PREFIX, failure
from jimeng.openai.names import check

bp = Blueprint("openai", __name__, url_prefix=PREFIX)
bp.before_request(reject_cross_site)
bp.before_request(require_scope)
take_in(bp)

from jimeng.openai import images, models  # noqa: E402 (routes)
