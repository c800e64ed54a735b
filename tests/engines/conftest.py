"""A window of each engine, on the whole product."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.webdriver import ENGINES, Window


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They are programs besides Python."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("system")


@pytest.fixture(scope="module", params=list(ENGINES))
def browser_window(request, live_server, tmp_path_factory) -> Iterator[Window]:
    folder = tmp_path_factory.mktemp(request.param)
    with ENGINES[request.param](folder, live_server.url) as found:
        yield found


@pytest.fixture
def window(browser_window) -> Iterator[Window]:
    """Nothing may go wrong on its pages until the test ends."""
    yield browser_window
    assert browser_window.troubles() == []
