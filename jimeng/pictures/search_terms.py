"""What a picture is found by: its prompt, cut small, and the name of its shape."""

import unicodedata

from jimeng.documents import Task
from jimeng.providers.models import RATIOS

OTHER = "other"  # the shape of what is near no ratio that has a name
NEAR = 0.03  # of a ratio: the sizes that models draw are rounded


def labels(task: Task, width: int, height: int) -> dict:
    """
    The fields of an `Image` that lists and searches go by.

    Args:
        width: Pixels.
        height: Pixels.
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
    """The prompt without the words of a style, which are put behind it."""
    given = task.input.get("prompt")
    return given if given and task.prompt.startswith(given) else task.prompt


def ratio_of(width: int, height: int) -> str:
    """The nearest ratio that has a name, or `OTHER`."""

    def distance(name: str) -> float:
        across, down = name.split(":")
        return abs(width / height / (int(across) / int(down)) - 1)

    nearest = min(RATIOS, key=distance)
    return nearest if distance(nearest) <= NEAR else OTHER


def fold(text: str) -> str:
    """The form in which upper and lower case, wide and narrow letters are equal."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Without what nobody can see: a pattern of MongoDB's cannot hold a NUL.
    seen = (each if unicodedata.category(each)[0] != "C" else " " for each in folded)
    return " ".join("".join(seen).split())


def grams(text: str) -> set[str]:
    """The characters of words of a folded text, and each two that are neighbours."""
    words = text.split()
    pairs = (word[i : i + 2] for word in words for i in range(len(word) - 1))
    return {*"".join(words), *pairs}
