"""What a picture was made of, as words that every format can hold."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

SOFTWARE = "Jimeng"
MAX_PROMPT_CHARS = 10_000  # characters of a prompt, which no model's limit is above
MAX_STYLE, MAX_MODEL, MAX_SEED = 64, 100, 2**32 - 1
MAX_SIDE = 100_000  # pixels
# Neither XML nor a text of PNG can hold others.
HELD = "\ue000-\ufffd\U00010000-\U0010ffff"
UNSEEN = re.compile(f"[^\t\n\r\x20-\ud7ff{HELD}]")
# JSON can write them in letters; and so nothing is left that XML's own signs, < > & ',
# could be taken for.
ODD = re.compile(f"[^ -%(-;=?-~\xa0-\ud7ff{HELD}]")


@dataclass(frozen=True)
class Made:
    """
    Attributes:
        prompt: As it was written.
        style: With a name, or words; empty for none.
        model: Its id.
        width: Pixels.
        height: Pixels.
        seed: None where nobody knows.
        created_at: None in what is read back.
        asked: The size that was asked for, where the picture's own is another.
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
        """As forms have it; empty where nobody knows."""
        return f"{self.width}x{self.height}" if self.width and self.height else ""

    @property
    def moment(self) -> str:
        """When it was made, in UTC."""
        found = self.created_at
        return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if found else ""

    def as_json(self) -> str:
        """What `from_json` reads, of characters that mean nothing to XML."""
        words: dict[str, object] = {"prompt": self.prompt, "style": self.style}
        words |= {"model": self.model, "size": self.asked or self.size}
        words["seed"] = self.seed
        given = {key: value for key, value in words.items() if value not in ("", None)}
        return ODD.sub(in_letters, json.dumps(given, ensure_ascii=False))

    @classmethod
    def from_json(cls, text: str) -> "Made | None":
        """
        What stands there, as far as it is of its kind; None if it is nothing of ours.

        Whoever has the file may have written anything into it.
        """
        try:
            words = json.loads(text)
        except (ValueError, RecursionError):
            return None
        prompt = words.get("prompt") if isinstance(words, dict) else None
        if not short(prompt, MAX_PROMPT_CHARS):
            return None
        size = re.fullmatch(r"(\d{1,6})x(\d{1,6})", str(words.get("size")), re.ASCII)
        sides = [int(side) for side in size.groups()] if size else [0, 0]
        if max(sides) > MAX_SIDE:
            sides = [0, 0]
        seed = words.get("seed")
        is_seed = type(seed) is int and 0 <= seed <= MAX_SEED
        return cls(
            short(prompt, MAX_PROMPT_CHARS),
            short(words.get("style"), MAX_STYLE),
            short(words.get("model"), MAX_MODEL),
            sides[0],
            sides[1],
            seed if is_seed else None,
        )


def short(text: object, most: int) -> str:
    """The text if it is one, and no longer; else nothing."""
    if not isinstance(text, str) or len(text) > most:
        return ""
    try:
        text.encode()  # JSON can name halves of characters
    except UnicodeEncodeError:
        return ""
    return text


def in_letters(found: re.Match) -> str:
    return f"\\u{ord(found[0]):04x}"


def plain(text: str) -> str:
    """The same for people: without what cannot be held."""
    return UNSEEN.sub("\ufffd", text)
