"""Scripts in Redis."""

import pytest
from redis import Connection
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as Late

from jimeng import jobs

ADD = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


def test_runs_scripts_and_says_what_redis_refuses(database):
    assert [jobs.evaluate(ADD, ["n"], 2) for _ in range(3)] == [2, 4, 6]
    with pytest.raises(ResponseError):
        jobs.evaluate("return redis.call('NOTHING')", [])


def test_answer_that_is_lost_is_asked_for_again(database, monkeypatch):
    read, lost = Connection.read_response, []

    def lose(this: Connection, *args: object, **how: object) -> object:
        answer = read(this, *args, **how)
        if answer == 7 and not lost:
            lost.append(answer)
            raise Late("reading")
        return answer

    monkeypatch.setattr(Connection, "read_response", lose)

    assert jobs.evaluate("return 7", []) == 7
    assert lost == [7]
