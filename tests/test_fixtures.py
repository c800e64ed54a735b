"""What the tests stand on holds on a machine that does much else meanwhile."""

from jimeng import jobs
from tests.forks import PATIENCE
from tests.order import piece
from tests.parts import is_quick
from tests.servers import SHARED


def test_redis_that_stalls_is_awaited(database):
    """A command that is given up and sent again may be counted twice."""
    how = jobs.huey.storage.pool.connection_kwargs
    assert how["socket_timeout"] == PATIENCE


def test_shared_servers_are_asked_in_their_pieces(request):
    """So they can end before the rest of a run, which never asks them."""
    outside = {
        item.nodeid.partition("::")[0]
        for item in request.session.items
        if not piece(item.nodeid) and SHARED & set(item.fixturenames)
    }
    assert outside == set()


def test_browser_is_left_to_test_all(request):
    """Playwright starts it: `refuse_programs` would not see it."""
    quick = [item for item in request.session.items if is_quick(item)]
    assert [item.nodeid for item in quick if "chromium" in item.fixturenames] == []
