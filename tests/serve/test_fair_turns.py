"""However many requests one client sends at once, others are worked on beside them."""

import gevent
import pytest
from gevent.event import Event

from jimeng.serve.web import MAX_WORKING, MAX_WORKING_PER_CLIENT, Work

CROWD = 2 * MAX_WORKING


class Server:
    """Requests that are worked on until `finish`, and wait while *paused* is set."""

    def __init__(self) -> None:
        self.work = Work(self.respond)
        self.begun: list[str] = []
        self.finish, self.paused = Event(), Event()

    def respond(self, environ: dict, start_response: object) -> list[bytes]:
        self.begun.append(environ["REMOTE_ADDR"])
        with self.work.paused():
            self.paused.wait()
        self.begun.append("again " + environ["REMOTE_ADDR"])
        self.finish.wait()
        return []

    def send(self, *, address: str, times: int = 1, **head: str) -> list:
        environ = {"REMOTE_ADDR": address, "wsgi.input": None, **head}
        sent = [gevent.spawn(self.work, {**environ}, None) for _ in range(times)]
        gevent.sleep()
        return sent


@pytest.fixture
def server():
    return Server()


@pytest.mark.parametrize(
    "head", [{}, {"HTTP_AUTHORIZATION": "Bearer one"}, {"HTTP_COOKIE": "session=one"}]
)
def test_others_are_worked_on_beside_a_crowd(server, head):
    """One client, by its key, session or address, gets so many places and no more."""
    server.paused.set()
    sent = server.send(address="1.1.1.1", times=CROWD, **head)
    sent += server.send(address="2.2.2.2")

    assert server.begun.count("again 1.1.1.1") == MAX_WORKING_PER_CLIENT
    assert server.begun.count("again 2.2.2.2") == 1
    server.finish.set()
    gevent.joinall(sent, raise_error=True)
    assert server.begun.count("again 1.1.1.1") == CROWD


def test_crowd_that_has_waited_returns_no_faster(server):
    """What waits for a picture has no place, and gets one again as at the beginning."""
    sent = server.send(address="1.1.1.1", times=CROWD)
    assert server.begun.count("1.1.1.1") == CROWD

    server.paused.set()
    gevent.sleep()
    sent += server.send(address="2.2.2.2")

    assert server.begun.count("again 1.1.1.1") == MAX_WORKING_PER_CLIENT
    assert server.begun.count("again 2.2.2.2") == 1
    server.finish.set()
    gevent.joinall(sent, raise_error=True)


def test_nothing_is_kept_of_a_client_that_has_gone(server):
    server.paused.set()
    server.finish.set()
    gevent.joinall(server.send(address="1.1.1.1", times=CROWD), raise_error=True)

    assert not server.work._free_of
    assert not server.work._counted
