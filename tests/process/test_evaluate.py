"""Scripts in Redis, on connections that are kept for them."""

import pytest
from redis import Connection
from redis.exceptions import ConnectionError as Gone
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as Late

from jimeng import jobs
from jimeng.process import broker
from tests.at_once import at_once

ADD = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


@pytest.fixture
def free(database) -> list:
    """The connections that nobody uses: one, whatever was asked before."""
    kept = broker._idle_connections.setdefault(
        jobs.huey.storage.conn.connection_pool, []
    )
    kept.clear()
    jobs.evaluate("return 1", [])
    return kept


def id_of(connection: Connection) -> int:
    connection.send_command("CLIENT", "ID")
    return connection.read_response()


def test_runs_on_the_same_connection_again(free):
    """None is opened for each. What Redis refuses is told, and not tried again."""
    before = [*free]

    assert [jobs.evaluate(ADD, ["n"], 2) for _ in range(3)] == [2, 4, 6]
    with pytest.raises(ResponseError):
        jobs.evaluate("return redis.call('NOTHING')", [])

    assert free == before
    assert jobs.evaluate("return 1", []) == 1


def test_each_at_the_same_time_has_its_own(free):
    def run(n: int) -> set[object]:
        return {jobs.evaluate("return ARGV[1]", [], n) for _ in range(30)}

    assert at_once(8, run) == [{str(n).encode()} for n in range(8)]
    assert len(free) <= 9


def test_restarted_under_all_of_them(free):
    """What was closed meanwhile is opened anew, and nobody is told."""
    jobs.evaluate(ADD, ["n"], 1)
    free += [broker.huey.storage.conn.connection_pool.make_connection()]
    free[-1].connect()
    for each in free:
        jobs.huey.storage.conn.client_kill_filter(_id=id_of(each))

    assert jobs.evaluate(ADD, ["n"], 1) == 2
    assert len(free) == 1


def test_lost_connections_leave_room_for_others(free):
    """However often Redis is restarted, of which its pool is never told."""
    pool = jobs.huey.storage.conn.connection_pool

    for _ in range(pool.max_connections + 1):
        free.clear()
        assert jobs.evaluate("return 1", []) == 1


def test_answer_that_is_lost_is_asked_for_again(free, monkeypatch):
    """Also on a connection that has just been made."""
    free.clear()
    read, lost = Connection.read_response, []

    def lose(this: Connection, *args: object, **how: object) -> object:
        answer = read(this, *args, **how)
        if answer == 7 and not lost:
            lost.append(answer)
            raise Late("reading")
        return answer

    monkeypatch.setattr(Connection, "read_response", lose)

    assert jobs.evaluate("return 7", []) == 7
    assert (lost, len(free)) == ([7], 1)


def test_away_is_told_at_once(free, monkeypatch):
    """A connection that cannot be made is not made again and again."""
    tried = []

    def refuse(**_: object) -> None:
        tried.append(1)
        raise Gone("away")

    free.clear()
    pool = jobs.huey.storage.conn.connection_pool
    monkeypatch.setattr(pool, "connection_class", refuse)

    with pytest.raises(Gone):
        jobs.evaluate("return 1", [])

    assert tried == [1]
