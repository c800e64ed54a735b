"""The words of signing in and of invitations."""

SIGN_IN: dict[str, tuple[str, str]] = {}
