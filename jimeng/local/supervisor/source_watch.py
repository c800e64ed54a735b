"""Detect changed source files by polling."""

import os
from collections.abc import Iterator
from pathlib import Path

CODE = {".py", ".toml"}  # read when a process starts
PARTS = ("app.py", "wsgi.py", ".env", "jimeng", "templates", "static")


class Watch:
    """The source files under *root*, as of the last poll."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen = self._times()

    def changes(self) -> set[Path]:
        """The files that were changed, added or removed since the last poll."""
        before, self._seen = self._seen, self._times()
        return {path for path, _ in before.items() ^ self._seen.items()}

    def _times(self) -> dict[Path, int]:
        times = {}
        for path in self._files():
            try:
                times[path] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue  # removed during the poll
        return times

    def _files(self) -> Iterator[Path]:
        for part in PARTS:
            top = self._root / part
            if not top.is_dir():
                yield top
                continue
            for directory, names, files in os.walk(top):
                names[:] = [each for each in names if each != "__pycache__"]
                yield from (Path(directory, each) for each in files)


def needs_consumer(changed: set[Path]) -> bool:
    """Whether the consumer uses any of the files; it uses no templates."""
    return any(path.suffix in CODE for path in changed)


def needs_new_master(changed: set[Path]) -> bool:
    """Whether Gunicorn's master has imported any of it, for workers to inherit."""
    return any(
        path.parent.name == "serve" or path.name == "logs.py" for path in changed
    )
