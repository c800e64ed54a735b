"""Accounts: users, API keys, passwords, second factors, sessions, invitations."""

from jimeng.accounts.invitations import accept, invite, make_link, user_of_invitation
from jimeng.accounts.keys import (
    SCOPES,
    change_limits,
    create_key,
    current_scopes,
    customers_of,
    list_keys,
    revoke_key,
    revoke_keys,
    scopes_of,
    use_of,
    user_of_key,
)
from jimeng.accounts.passwords import (
    MIN_PASSWORD_CHARS,
    KnownDevice,
    confirm,
    hash_password,
    set_password,
    user_of_password,
)
from jimeng.accounts.sessions import (
    MAX_SESSION_AGE,
    SESSION_IDLE,
    begin_session,
    confirm_session,
    end_session,
    end_sessions,
    is_confirmed,
    list_sessions,
    session_of,
)
