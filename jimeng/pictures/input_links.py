"""
Links under which a provider, and nobody else, fetches a picture that goes in.

A token names the picture, the generation that it goes into, and when it ends. It is
signed, so that nothing has to be stored, and one of letters, digits, ``-`` and ``_``.
"""

import hmac
from dataclasses import dataclass

from jimeng.documents.cursors import in_letters, of_letters

SIGNATURE = 16  # bytes
PURPOSE = b"links of pictures that go in"
MAX_LINK_CHARS = 400  # characters


@dataclass(frozen=True)
class LinkToken:
    """
    What a token names.

    Attributes:
        end: Unix time from which on it is of no use.
    """

    input_id: str
    generation_id: str
    end: int

    def signed(self, secret: str) -> str:
        """The token."""
        text = f"{self.input_id}\n{self.generation_id}\n{self.end}".encode()
        return in_letters(sign(secret, text) + text)


def opened(token: str, secret: str) -> LinkToken | None:
    """What *token* names; None for one that was not signed here."""
    if not secret or len(token) > MAX_LINK_CHARS:
        return None
    try:
        found = of_letters(token)
    except ValueError:
        return None
    signature, text = found[:SIGNATURE], found[SIGNATURE:]
    if not hmac.compare_digest(signature, sign(secret, text)):
        return None
    # From here on it is known to have been written here.
    input_id, generation_id, end = text.decode().split("\n")
    return LinkToken(input_id, generation_id, int(end))


def sign(secret: str, text: bytes) -> bytes:
    key = hmac.digest(secret.encode(), PURPOSE, "sha256")
    return hmac.digest(key, text, "sha256")[:SIGNATURE]
