"""The request to the encoding process."""

import json
from dataclasses import asdict, dataclass

FPS = 24


@dataclass(frozen=True)
class Clip:
    """
    What is to be encoded.

    Attributes:
        inputs: The input pictures, as JSON of `inputs.Order`.
        roles: The role of each input, in order.
        plain: One colour instead of a drawing.
        still: Only the last frame, as PNG.
        tracks: ``video``, ``video audio`` or ``audio``.
    """

    prompt: str
    seed: int
    width: int
    height: int
    frames: int
    inputs: str = ""
    roles: tuple[str, ...] = ()
    plain: bool = False
    still: bool = False
    tracks: str = "video"

    def dumps(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> "Clip":
        found = json.loads(text)
        return cls(**{**found, "roles": tuple(found["roles"])})
