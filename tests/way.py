"""Which files and functions of the product run while something is done."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parent.parent
ASIDE = ROOT / "jimeng/local"  # stands in for the world outside


@contextmanager
def watched() -> Iterator[set[str]]:
    """
    Yields:
        The functions that run in this thread, as ``tasks.creation.create``.
    """
    ran: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        name = frame.f_code.co_qualname
        path = Path(frame.f_code.co_filename)
        if event == "call" and name[0] != "<" and is_ours(path):
            inside = path.relative_to(ROOT).with_suffix("").parts
            module = ".".join(part for part in inside if part != "__init__")
            ran.add(f"{module.removeprefix('jimeng.')}:{name}")

    sys.setprofile(note)
    try:
        yield ran
    finally:
        sys.setprofile(None)


def is_ours(path: Path) -> bool:
    top = {ROOT / "jimeng", ROOT / "app.py", ROOT / "wsgi.py"}
    return bool(top & {path, *path.parents}) and ASIDE not in path.parents


def files(ran: set[str]) -> set[str]:
    return {name.partition(":")[0] for name in ran}
