"""What the documents print, to be copied."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def blocks(page: str, kind: str) -> list[str]:
    """
    The blocks of code of a page, in order.

    Args:
        page: Its path in the repository.
        kind: Their language, as a pattern.
    """
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```(?:{kind})\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
