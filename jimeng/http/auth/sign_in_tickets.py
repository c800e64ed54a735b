"""
What a form carries from one step to the next: who has shown a password, and when.

It lets nobody in; it is worth something together with a code. Signed, so that nothing
has to be kept for those who never come to the next step.
"""

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from jimeng.documents import User
from jimeng.errors.access import TicketInvalid

LIFETIME = 10 * 60  # seconds


def ticket(purpose: str, user: User, *more: str) -> str:
    """Worth something for *purpose* alone, until the user's sessions end."""
    return _serializer(purpose).dumps([user.id, user.sessions, *more])


def read_ticket(purpose: str, text: str) -> tuple[User, list[str]]:
    """
    Raises:
        TicketInvalid: it is not ours, for something else, or of another time.
    """
    try:
        user_id, sessions, *more = _serializer(purpose).loads(text, max_age=LIFETIME)
    except BadSignature as error:
        raise TicketInvalid(f"{purpose}: none of ours, or too old") from error
    user = User.find_one({"_id": user_id, "sessions": sessions})
    if user is None or user.disabled_at:
        raise TicketInvalid(f"{purpose}: for user {user_id}, before")
    return user, more


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=purpose)
