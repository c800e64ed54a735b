"""What the tests stand on holds on a machine that does much else meanwhile."""

import redis

from jimeng.limits import rate_limiter
from tests.order import piece
from tests.parts import is_quick
from tests.servers import SHARED

STALL = 1200  # milliseconds: more than two tries of a web process take


def test_redis_that_stalls_is_awaited(database, redis_server):
    """A command that is given up and sent again may be counted twice."""
    with redis.Redis.from_url(redis_server.url) as other:
        other.client_pause(STALL)
    counted = rate_limiter.count_one("ada", 5)

    assert counted.used == 1
    rate_limiter.uncount("ada")
    assert rate_limiter.read_window("ada").used == 0


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
