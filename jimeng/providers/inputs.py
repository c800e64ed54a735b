"""The pictures that go in with a submission, as a provider is given them."""

import base64
from dataclasses import astuple, dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class InputPicture:
    """
    One picture, fitted to what the model takes.

    Attributes:
        data: Its bytes, encoded as *media_type*.
        media_type: ``image/jpeg`` or ``image/png``.
        width: Pixels.
        height: Pixels.
        link: Where the provider can fetch these bytes itself; only for a model whose
            pictures travel as links.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    link: str | None = field(default=None, repr=False)

    @cached_property
    def text(self) -> str:
        """The bytes in base64: most of the work of a body, and done once."""
        return base64.b64encode(self.data).decode()


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """How far a picture grows: at each edge a share of that side, 0 for not at all."""

    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    left: float = 0.0

    @property
    def shares(self) -> tuple[float, ...]:
        """Those of the four edges."""
        return astuple(self)

    def __bool__(self) -> bool:
        return any(self.shares)

    def applied(self, width: int, height: int) -> tuple[int, int]:
        """The sides, in pixels, that a picture of *width* by *height* grows to."""
        return (
            round(width * (1 + self.left + self.right)),
            round(height * (1 + self.top + self.bottom)),
        )
