"""The search fields of a picture: n-grams of its prompt, model, and aspect ratio."""

import unicodedata

from jimeng.documents import Task
from jimeng.providers.models import RATIOS

OTHER = "other"  # the aspect ratio of pictures near no named one
TOLERANCE = 0.03  # of a ratio: the sizes of models are rounded


def labels(task: Task, width: int, height: int) -> dict:
    """
    The fields of an `Image` that lists and searches query.

    Args:
        width: In pixels.
        height: In pixels.
    """
    text = fold(task.prompt)
    return {
        "prompt": written(task),
        "model": task.model,
        "ratio": ratio_of(width, height),
        "text": text,
        "grams": sorted(grams(text)),
    }


def written(task: Task) -> str:
    """The prompt as entered, without the appended text of a style."""
    given = task.input.get("prompt")
    return given if given and task.prompt.startswith(given) else task.prompt


def ratio_of(width: int, height: int) -> str:
    """The nearest named aspect ratio, or `OTHER`."""

    def distance(name: str) -> float:
        across, down = name.split(":")
        return abs(width / height / (int(across) / int(down)) - 1)

    nearest = min(RATIOS, key=distance)
    return nearest if distance(nearest) <= TOLERANCE else OTHER


def fold(text: str) -> str:
    """Normalise case and width of letters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Drop invisible characters: a regular expression of MongoDB cannot contain NUL.
    seen = (each if unicodedata.category(each)[0] != "C" else " " for each in folded)
    return " ".join("".join(seen).split())


def grams(text: str) -> set[str]:
    """The characters and pairs of adjacent characters of the words of a folded text."""
    words = text.split()
    pairs = (word[i : i + 2] for word in words for i in range(len(word) - 1))
    return {*"".join(words), *pairs}
