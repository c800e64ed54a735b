"""
What this process remembers from call to call: caches, cursors, moments. None of it is
needed: after `clear` it is found anew, as by a process that has just begun.
"""

from typing import Protocol, TypeVar


class Clearable(Protocol):
    def clear(self) -> None: ...


Kind = TypeVar("Kind", bound=Clearable)
_remembered: list[Clearable] = []


def remembered(found: Kind) -> Kind:
    """Have `clear` clear it."""
    _remembered.append(found)
    return found


def clear() -> None:
    for each in _remembered:
        each.clear()


class Remembered:
    """Attributes whose values at first, and after `clear`, are those of the class."""

    def __init__(self) -> None:
        remembered(self)

    def clear(self) -> None:
        self.__dict__.clear()
