"""
Sign-in tickets: a hidden form field that proves the password step to the code step.

A ticket alone does not authenticate; a second-factor code is needed too. It is signed,
so that nothing is stored for sign-ins that are abandoned.
"""

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from jimeng.documents import User
from jimeng.errors.access import TicketInvalid

LIFETIME_S = 10 * 60


def create_ticket(purpose: str, user: User, *more: str) -> str:
    """Sign a ticket for *purpose*; ending the user's sessions invalidates it."""
    return _serializer(purpose).dumps([user.id, user.sessions, *more])


def verify_ticket(purpose: str, text: str) -> tuple[User, list[str]]:
    """
    The user of a ticket, and the extra values that it was created with.

    Raises:
        TicketInvalid: it is forged, for another purpose, expired or revoked.
    """
    try:
        user_id, sessions, *more = _serializer(purpose).loads(text, max_age=LIFETIME_S)
    except BadSignature as error:
        raise TicketInvalid(f"{purpose}: bad signature or expired") from error
    user = User.find_one({"_id": user_id, "sessions": sessions})
    if user is None or user.disabled_at:
        raise TicketInvalid(f"{purpose}: revoked for user {user_id}")
    return user, more


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=purpose)
