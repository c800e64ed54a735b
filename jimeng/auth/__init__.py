"""
Who is asking, and may this request be believed.

`http`, `schemas`, `app`, `wsgi` and the doors may import it.
"""

from jimeng.auth.devices import known_people, remember
from jimeng.auth.requests import (
    SAFE_METHODS,
    address,
    check_host,
    door,
    guard,
    reject_cross_site,
)
from jimeng.auth.sessions import (
    begin_session,
    confirm_session,
    end_session,
    had_session,
    is_confirmed,
    setup,
)
from jimeng.auth.start import require_access
from jimeng.auth.tickets import read_ticket, ticket
from jimeng.auth.who import (
    check_scope,
    count,
    current_session,
    current_user,
    lacks_second_factor,
    needs_sign_in,
    require_operator_of_api,
    require_scope,
    viewer_of,
    viewer_of_api,
    viewer_of_page,
)
