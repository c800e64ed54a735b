"""Proving to be a user: API keys, passwords, invitations."""

from jimeng.accounts.invitations import (
    INVITATION,
    accept,
    invite,
    invited,
    make_link,
)
from jimeng.accounts.keys import (
    SCOPES,
    create_key,
    list_keys,
    revoke_key,
    user_of_key,
)
from jimeng.accounts.passwords import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    confirm,
    end_session,
    end_sessions,
    password_problem,
    set_password,
    user_of_password,
)

__all__ = [
    "INVITATION",
    "LONGEST_PASSWORD",
    "SCOPES",
    "SHORTEST_PASSWORD",
    "accept",
    "confirm",
    "create_key",
    "end_session",
    "end_sessions",
    "invite",
    "invited",
    "make_link",
    "list_keys",
    "password_problem",
    "revoke_key",
    "set_password",
    "user_of_key",
    "user_of_password",
]
