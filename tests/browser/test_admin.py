"""The operator's pages in a real browser."""

import pytest

pytest.importorskip("playwright.sync_api")

from tests.browser import operator_data
from tests.browser.harness import every_look

pytestmark = pytest.mark.browser


@pytest.fixture
def operate(visit, closed_server, root):
    """Opens a page of the operator's as its admin."""

    def open_page(path: str, **look):
        return visit(path, server=closed_server, cookies=root.cookies, **look)

    return open_page


@pytest.fixture
def busy(closed_server):
    """A server with a day behind it; yields its database."""
    with closed_server.database() as database:
        operator_data.fill(database)
        yield database
        operator_data.clear(database)


@every_look
@pytest.mark.parametrize("page", ["queue", "failures", "users", "settings", "audit"])
def test_pages_in_every_look(operate, busy, look, page):
    """Each is in order everywhere."""
    seen = operate(f"/admin/{page}", **look)

    seen.check(f"admin-{page}", full=True)
    assert seen.layout_shift() == []
