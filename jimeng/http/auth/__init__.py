"""Who is asking, and may this request be believed."""

from jimeng.http.auth.authentication import (
    check_scope,
    count,
    current_session,
    current_user,
    lacks_second_factor,
    needs_sign_in,
    principal_of,
    principal_of_api,
    principal_of_page,
    require_operator_of_api,
    require_scope,
)
from jimeng.http.auth.cors import allow_origins
from jimeng.http.auth.cross_site import (
    SAFE_METHODS,
    address,
    check_host,
    door,
    guard,
    reject_cross_site,
)
from jimeng.http.auth.known_devices import known_people, remember
from jimeng.http.auth.session_cookies import (
    begin_session,
    confirm_session,
    end_session,
    had_session,
    is_confirmed,
    setup,
)
from jimeng.http.auth.sign_in_tickets import read_ticket, ticket
from jimeng.http.auth.startup_check import require_access
