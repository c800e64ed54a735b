"""One test for many cases, which names the one that fails."""

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence


def for_each(
    names: str | Sequence[str], cases: Iterable
) -> Callable[[Callable], Callable]:
    """As ``pytest.mark.parametrize``, for what leaves nothing behind: all *cases* go
    through one test, with one database and one server."""
    keys = names.split(", ") if isinstance(names, str) else list(names)
    rows = [list(case) if len(keys) > 1 else [case] for case in cases]
    assert rows

    def decorate(test: Callable) -> Callable:
        def run(**fixtures: object) -> None:
            for row in rows:
                case = dict(zip(keys, row, strict=True))
                try:
                    test(**fixtures, **case)
                except BaseException as error:
                    error.add_note(f"It was {repr(case)[:1000]}")  # a few are files
                    raise

        functools.update_wrapper(run, test)
        del run.__wrapped__  # whose parameters are fixtures to pytest
        own = inspect.signature(test)
        left = [p for name, p in own.parameters.items() if name not in keys]
        run.__signature__ = own.replace(parameters=left)  # type: ignore[attr-defined]
        return run

    return decorate
