"""Who is asking, and may this request be believed."""

from jimeng.auth.devices import known_people, remember
from jimeng.auth.headers import guard
from jimeng.auth.requests import (
    SAFE_METHODS,
    address,
    check_host,
    host_name,
    reject_cross_site,
    shown_path,
)
from jimeng.auth.sessions import begin_session, end_session, session_user, setup
from jimeng.auth.start import require_access
from jimeng.auth.who import (
    GUEST,
    current_user,
    needs_sign_in,
    require_operator_of_api,
    require_scope,
    viewer_of_api,
    viewer_of_page,
)

__all__ = [
    "GUEST",
    "SAFE_METHODS",
    "address",
    "begin_session",
    "check_host",
    "current_user",
    "end_session",
    "guard",
    "host_name",
    "known_people",
    "needs_sign_in",
    "reject_cross_site",
    "remember",
    "require_access",
    "require_operator_of_api",
    "require_scope",
    "session_user",
    "setup",
    "shown_path",
    "viewer_of_api",
    "viewer_of_page",
]
