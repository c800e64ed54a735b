"""
The door for clients of OpenAI's images API: it translates, and calls `tasks`.

Only `app` may import it.
"""

from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.auth import reject_cross_site, require_scope, viewer_of_api
from jimeng.http.bodies import take_in
from jimeng.openai.described import ERRORS
from jimeng.openai.failures import PREFIX, failure
from jimeng.openai.names import check

bp = DescribedBlueprint("openai", __name__, url_prefix=PREFIX, shape=ERRORS)
bp.before_request(reject_cross_site)
bp.before_request(require_scope)
take_in(bp, viewer_of_api)

from jimeng.openai import images, models  # noqa: E402 (routes)
