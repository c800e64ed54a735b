"""The provenance of a picture, in a form that every file format can contain."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

SOFTWARE = "Jimeng"
MAX_PROMPT_CHARS = 10_000  # no model accepts more
MAX_STYLE_CHARS, MAX_MODEL_CHARS, MAX_SEED = 64, 100, 2**32 - 1
MAX_SIDE_PX = 100_000
# Neither XML nor a text chunk of PNG can contain other characters.
REPRESENTABLE = "\ue000-\ufffd\U00010000-\U0010ffff"
UNREPRESENTABLE = re.compile(f"[^\t\n\r\x20-\ud7ff{REPRESENTABLE}]")
# Escaped in JSON, so that the text contains none of XML's special characters, < > & '.
ODD = re.compile(f"[^ -%(-;=?-~\xa0-\ud7ff{REPRESENTABLE}]")


@dataclass(frozen=True)
class Provenance:
    """
    Attributes:
        prompt: As entered.
        style: The name of a style, or free text; empty for none.
        model: The id of the model.
        width: In pixels.
        height: In pixels.
        seed: None if unknown.
        created_at: None if read from a file.
        asked: The requested size, if the picture's differs.
    """

    prompt: str
    style: str = ""
    model: str = ""
    width: int = 0
    height: int = 0
    seed: int | None = None
    created_at: datetime | None = None
    asked: str = ""

    @property
    def size(self) -> str:
        """The size as forms contain it; empty if unknown."""
        return f"{self.width}x{self.height}" if self.width and self.height else ""

    @property
    def moment(self) -> str:
        """The time of creation, in UTC."""
        found = self.created_at
        return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if found else ""

    def as_json(self) -> str:
        """Serialise for `from_json`, without characters that are special in XML."""
        properties: dict[str, object] = {"prompt": self.prompt, "style": self.style}
        properties |= {"model": self.model, "size": self.asked or self.size}
        properties["seed"] = self.seed
        filled = {
            key: value for key, value in properties.items() if value not in ("", None)
        }
        return ODD.sub(in_letters, json.dumps(filled, ensure_ascii=False))

    @classmethod
    def from_json(cls, text: str) -> "Provenance | None":
        """
        Parse the result of `as_json`; None if it is invalid. The text is untrusted: it
        is from a user's file.
        """
        try:
            properties = json.loads(text)
        except (ValueError, RecursionError):
            return None
        prompt = properties.get("prompt") if isinstance(properties, dict) else None
        if not short(prompt, MAX_PROMPT_CHARS):
            return None
        size = re.fullmatch(
            r"(\d{1,6})x(\d{1,6})", str(properties.get("size")), re.ASCII
        )
        sides = [int(side) for side in size.groups()] if size else [0, 0]
        if max(sides) > MAX_SIDE_PX:
            sides = [0, 0]
        seed = properties.get("seed")
        is_seed = type(seed) is int and 0 <= seed <= MAX_SEED
        return cls(
            short(prompt, MAX_PROMPT_CHARS),
            short(properties.get("style"), MAX_STYLE_CHARS),
            short(properties.get("model"), MAX_MODEL_CHARS),
            sides[0],
            sides[1],
            seed if is_seed else None,
        )


def short(text: object, most: int) -> str:
    """The text, if it is one of at most *most* characters; else empty."""
    if not isinstance(text, str) or len(text) > most:
        return ""
    try:
        text.encode()  # JSON can contain lone surrogates
    except UnicodeEncodeError:
        return ""
    return text


def in_letters(found: re.Match) -> str:
    return f"\\u{ord(found[0]):04x}"


def plain(text: str) -> str:
    """The text with unrepresentable characters replaced."""
    return UNREPRESENTABLE.sub("\ufffd", text)
