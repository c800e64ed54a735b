"""The interface for clients of OpenAI's APIs: translates, and calls `tasks`."""

from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.http.auth import principal_of_api, reject_cross_site, require_scope
from jimeng.http.requests import limit_large_bodies
from jimeng.openai.errors import PREFIX, failure
from jimeng.openai.model_names import check
from jimeng.openai.openapi import ERRORS

bp = DescribedBlueprint("openai", __name__, url_prefix=PREFIX, shape=ERRORS)
bp.before_request(reject_cross_site)
bp.before_request(require_scope)
limit_large_bodies(bp, principal_of_api)

from jimeng.openai import images, models, videos
