"""
Signed links under which a provider fetches an input.

A token contains the input, the generation that it is for, and the expiry. It is signed,
so that nothing has to be stored, and URL-safe.
"""

import hmac
from dataclasses import dataclass

from jimeng.documents.cursors import in_letters, of_letters

SIGNATURE_BYTES = 16
PURPOSE = b"links of pictures that go in"
MAX_LINK_CHARS = 400


@dataclass(frozen=True)
class LinkToken:
    """
    The content of a token.

    Attributes:
        end: The expiry, as Unix time.
    """

    input_id: str
    generation_id: str
    end: int

    def signed(self, secret: str) -> str:
        """Sign and encode it as a token."""
        text = f"{self.input_id}\n{self.generation_id}\n{self.end}".encode()
        return in_letters(sign(secret, text) + text)


def verify(token: str, secret: str) -> LinkToken | None:
    """Decode a token; None if its signature is invalid."""
    if not secret or len(token) > MAX_LINK_CHARS:
        return None
    try:
        found = of_letters(token)
    except ValueError:
        return None
    signature, text = found[:SIGNATURE_BYTES], found[SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, sign(secret, text)):
        return None
    # The signature is valid, so the text is well-formed.
    input_id, generation_id, end = text.decode().split("\n")
    return LinkToken(input_id, generation_id, int(end))


def sign(secret: str, text: bytes) -> bytes:
    key = hmac.digest(secret.encode(), PURPOSE, "sha256")
    return hmac.digest(key, text, "sha256")[:SIGNATURE_BYTES]
