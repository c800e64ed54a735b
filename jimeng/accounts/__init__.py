"""
Proving to be a user: API keys, passwords, invitations.

`auth`, `operations` and the doors may import it; it knows no Flask.
"""

from jimeng.accounts.invitations import accept, invite, invited, make_link
from jimeng.accounts.keys import SCOPES, create_key, list_keys, revoke_key, user_of_key
from jimeng.accounts.passwords import (
    SHORTEST_PASSWORD,
    confirm,
    end_session,
    end_sessions,
    set_password,
    user_of_password,
)
