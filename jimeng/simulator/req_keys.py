"""The models as data: what each req_key takes, and what it sends back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

Body = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class ReqKey:
    """
    Attributes:
        sides: Smallest and largest width and height, in pixels; None: any.
        area: Smallest and largest width times height, in pixels; None: any.
        max_ratio: Longer side through the shorter; 0: any.
        max_prompt: Characters.
        default_size: Width and height when neither was sent.
        picture: Pillow's name of the file format.
    """

    sides: tuple[int, int] | None = None
    area: tuple[int, int] | None = None
    max_ratio: float = 0
    max_prompt: int = 800
    default_size: tuple[int, int] = (1328, 1328)
    picture: str = "JPEG"

    def complaint(self, body: Body) -> str:
        """Say what is wrong with the parameters of a submission, or nothing."""
        prompt = body.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            return "prompt is required"
        if len(prompt) > self.max_prompt:
            return f"prompt can not be more than {self.max_prompt} chars"
        if not is_int(body.get("seed", -1)):
            return "seed must be an integer"
        if not isinstance(body.get("use_pre_llm", True), bool):
            return "use_pre_llm must be a boolean"
        return self._size_complaint(body.get("width"), body.get("height"))

    def size(self, body: Body) -> tuple[int, int]:
        """Width and height of the picture, for a body without complaint."""
        width, height = body.get("width"), body.get("height")
        if isinstance(width, int) and isinstance(height, int):
            return width, height
        return self.default_size

    def _size_complaint(self, width: object, height: object) -> str:
        if width is None and height is None:
            return ""
        if not (is_int(width) and is_int(height)):
            return "width and height must be integers, both or neither"
        low, high = self.sides or (1, 1 << 30)
        if not (low <= width <= high and low <= height <= high):
            return f"width and height must in [{low}, {high}]"
        low, high = self.area or (1, 1 << 60)
        if not low <= width * height <= high:
            return f"width*height must in [{low}, {high}]"
        if self.max_ratio and max(width, height) > self.max_ratio * min(width, height):
            return f"width/height must in [1/{self.max_ratio:g}, {self.max_ratio:g}]"
        return ""


def is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


REQ_KEYS = {
    "jimeng_t2i_v30": ReqKey(sides=(512, 2048)),
    "jimeng_t2i_v31": ReqKey(area=(512 * 512, 2048 * 2048), max_ratio=3),
}
