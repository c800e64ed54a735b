"""Files readable only by the current user, and secrets stored in them."""

import os
import secrets
from pathlib import Path

LENGTH = 64  # hexadecimal digits of a secret


def write_private(path: Path, text: str) -> None:
    """Write or overwrite a file with mode 0600."""
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)


def stored_secret(path: Path) -> str:
    """Read the secret stored in *path*; create a random one if it does not exist."""
    try:
        stored = path.read_text("utf-8").strip()
    except (OSError, ValueError):
        stored = ""
    if len(stored) != LENGTH or not stored.isalnum():
        stored = secrets.token_hex(LENGTH // 2)
        write_private(path, stored)
    return stored
