"""Tokens of forms: what is sent twice counts once."""

import re
import secrets
from collections.abc import Mapping

FORM = "form-"  # how the tokens of our forms begin
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def token_of(form: Mapping[str, str]) -> str:
    """The token that came with a form; one that no page of ours holds is none."""
    given = form.get("token", "")
    return given if TOKEN.fullmatch(given) else new_token()


def new_token() -> str:
    """What makes a form that is sent twice count once."""
    return f"{FORM}{secrets.token_urlsafe(16)}"
