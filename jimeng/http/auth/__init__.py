"""Authentication, and protection against requests forged by other sites."""

from jimeng.http.auth.authentication import (
    check_scope,
    confirm_session,
    count_request,
    current_session,
    current_user,
    end_session,
    has_session_cookie,
    is_confirmed,
    lacks_second_factor,
    needs_sign_in,
    principal_of,
    principal_of_api,
    principal_of_page,
    require_access,
    require_operator_of_api,
    require_scope,
    setup,
)
from jimeng.http.auth.cors import allow_origins
from jimeng.http.auth.cross_site import (
    SAFE_METHODS,
    add_security_headers,
    bearer_key,
    check_host,
    client_address,
    interface_of,
    reject_cross_site,
)
from jimeng.http.auth.known_devices import begin_session, known_users
from jimeng.http.auth.sign_in_tickets import create_ticket, verify_ticket
