"""`Stored.upsert`, the one write that is no method of a collection's, as if it were."""

from collections.abc import Callable

from jimeng.documents.base import Stored

AS = "find_one_and_update"  # which it is in all but name


def wrap_note(monkeypatch, wrap: Callable[[Callable, str], Callable]) -> None:
    """
    Args:
        wrap: Makes of a function, and of the name of the collection that it changes,
            the one that stands in its place.
    """
    original = Stored.upsert.__func__  # type: ignore[attr-defined]

    def note(cls: type[Stored], *args: object) -> dict:
        name = cls.collection().name
        return wrap(lambda: original(cls, *args), name)()

    monkeypatch.setattr(Stored, "upsert", classmethod(note))
