"""The room of those who wait: places, one thread that looks, and its closing."""

import socket
import threading
import time
from contextlib import ExitStack
from datetime import timedelta

import gevent.socket
import pytest
from pymongo.errors import AutoReconnect

from jimeng.documents import Task, utcnow
from jimeng.documents.principal import KeyUse, Principal
from jimeng.errors import TooManyWaiting
from jimeng.http import long_polls
from jimeng.http.long_polls import Permits
from jimeng.http.responses import rate_limit_headers
from jimeng.http.watcher import Watcher
from tests.at_once import at_once
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("quick_room")  # as the product's own server
NOW = utcnow()
PENDING, DONE = ("pending", NOW), ("completed", NOW + timedelta(seconds=1))


ADA = Principal("ada")


def no_keys(key_ids):
    raise AssertionError("whoever waits has none")


PAUSE = 0.1  # seconds, in place of the five times longer ones


def taken_by(places: Permits, user: str, held: ExitStack) -> int:
    """How many places *user* gets."""
    for number in range(places.limit + 1):
        try:
            held.enter_context(places.acquire(user))
        except TooManyWaiting:
            return number
    raise AssertionError("there are more than there are")


def test_no_user_gets_more_than_is_set(monkeypatch):
    """Of a great many places half would be too much for one; the refusal says so."""
    monkeypatch.setattr(long_polls, "USER_MAX_WAITING", 7)
    made = long_polls.ProcessPermits(100, 100)
    with ExitStack() as held:
        got = taken_by(made.event_streams, "ada", held)
        with (
            pytest.raises(TooManyWaiting) as refused,
            made.event_streams.acquire("ada"),
        ):
            pass

    assert got == 7
    assert rate_limit_headers(refused.value.rate_limits) == {
        "RateLimit-Policy": '"event-streams";q=7;qu="concurrent-requests"',
        "RateLimit": f'"event-streams";r=0;t={long_polls.RETRY_AFTER_S}',
    }


def test_one_user_gets_half_of_what_is_free_at_most():
    """However much one user wants, the next finds places; all of them are used."""
    places = Permits(24)
    with ExitStack() as held:
        got = [taken_by(places, f"user{number}", held) for number in range(6)]

    assert got == [12, 6, 3, 2, 1, 0]


def test_owner_of_a_shop_gets_three_quarters_with_all_customers():
    """However many customers there are; and all of them when they go again."""
    places = Permits(24)
    for _ in range(2):
        with ExitStack() as held:

            def come(user: str, owner: str | None = None, held=held) -> bool:
                try:
                    held.enter_context(places.acquire(user, owner=owner))
                except TooManyWaiting:
                    return False
                return True

            customers = [come(f"shop:m{n}", "bob") for n in range(24)]
            assert customers.count(True) == 18
            assert not come("bob")
            assert [come("ada") for _ in range(4)] == [True, True, True, False]


def test_many_at_once_get_no_more_than_there_are():
    """Threads that come in the same moment do not share a place."""
    places = Permits(8)
    with ExitStack() as held:

        def come(number: int) -> bool:
            try:
                held.enter_context(places.acquire(f"user{number}"))
            except TooManyWaiting:
                return False
            return True

        assert at_once(32, come).count(True) == 8


def test_closed_room_takes_nobody():
    """The server stops: who would wait is told so at once."""
    long_polls.shut_down()

    with pytest.raises(TooManyWaiting), long_polls.long_poll_permit(ADA, "ada"):
        pass


def test_all_are_looked_at_by_one_question_of_one_thread():
    """Thirty who wait for three tasks are three ids, each time, by the same thread."""
    asked, by = [], set()

    def look(task_ids):
        asked.append(sorted(task_ids))
        by.add(threading.current_thread())
        return dict.fromkeys(task_ids, PENDING)

    watcher = Watcher(look, no_keys)
    with ExitStack() as held:
        for number in range(30):
            held.enter_context(watcher.watch(ADA, f"t{number % 3}", PENDING))
        wait_for(lambda: ["t0", "t1", "t2"] in asked)
        began, before = time.monotonic(), len(asked)
        time.sleep(3 * PAUSE)
        looks = len(asked) - before

    assert looks <= (time.monotonic() - began) / PAUSE + 1
    assert len(by) == 1


def test_watcher_sleeps_while_nobody_waits():
    """It asks nothing, and begins again with the next."""
    asked = []

    def look(task_ids):
        asked.append(task_ids)
        return {}

    watcher = Watcher(look, no_keys)
    with watcher.watch(ADA, "a", None):
        wait_for(lambda: asked)

    def is_quiet() -> bool:
        before = len(asked)
        time.sleep(2 * PAUSE)
        return len(asked) == before

    wait_for(is_quiet)
    with watcher.watch(ADA, "b", PENDING) as watch:
        changed = watch.wait(60)

    assert (changed, watch.state) == (True, None)


def test_change_before_the_first_look_is_seen():
    """Between the reading of a task and the waiting for it nothing is lost."""
    watcher = Watcher(lambda task_ids: dict.fromkeys(task_ids, DONE), no_keys)

    with watcher.watch(ADA, "a", PENDING) as watch:
        assert watch.wait(60)
        assert watch.state == DONE
        assert not watch.wait(2 * PAUSE)  # the same once more is no change


def test_keys_of_all_are_looked_at_together():
    """By one question more, and who loses what the key was good for is woken."""
    asked, good = [], {"k0": frozenset({"read"}), "k1": frozenset({"read"})}

    def check(key_ids):
        asked.append(sorted(key_ids))
        return good

    watcher = Watcher(lambda task_ids: dict.fromkeys(task_ids, PENDING), check)
    with ExitStack() as held:
        watches = []
        for number in range(6):
            key = KeyUse(f"k{number % 2}", "ada")
            whose = Principal("ada", scopes=frozenset({"read"}), key=key)
            watches.append(held.enter_context(watcher.watch(whose, "t", PENDING)))
        wait_for(lambda: ["k0", "k1"] in asked)
        assert not any(each.is_refused for each in watches)
        good.pop("k1")

        assert watches[1].wait(60)
        wait_for(lambda: all(each.is_refused for each in watches[1::2]))
        assert not any(each.is_refused for each in watches[::2])


def test_look_that_fails_is_skipped():
    """Who waits notices nothing of a MongoDB that was away for a moment, nor of an
    error that nobody has foreseen."""
    answers = [AutoReconnect("away"), KeyError("cursor"), TypeError("?"), {"a": DONE}]

    def look(task_ids):
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    with Watcher(look, no_keys).watch(ADA, "a", PENDING) as watch:
        assert watch.wait(60)
        assert watch.state == DONE


def test_error_of_one_watch_ends_that_one_alone():
    """Of thirty clients one cannot be asked whether it is there; the others hear."""
    answers, errors = {"broken": PENDING, "a": PENDING}, [TypeError("its socket")]

    def raise_error() -> bool:
        if errors:
            raise errors.pop()
        return False

    watcher = Watcher(lambda task_ids: dict(answers), no_keys)
    with ExitStack() as held:
        broken = held.enter_context(watcher.watch(ADA, "broken", PENDING, raise_error))
        others = [
            held.enter_context(watcher.watch(ADA, "a", PENDING)) for _ in range(30)
        ]
        assert broken.wait(60)
        assert broken.is_over()
        answers["a"] = DONE

        assert all(each.wait(60) for each in others)
        assert {each.state for each in others} == {DONE}
        assert not any(each.is_over() for each in others)


def test_waiters_and_the_latest_poll_are_known():
    """While nobody waits nothing is late."""
    polls, may_answer = [], threading.Event()

    def look(task_ids):
        polls.append(task_ids)
        may_answer.wait(60)
        return {}

    watcher = Watcher(look, no_keys)
    assert (watcher.waiters, watcher.poll_age_s) == (0, 0)
    with watcher.watch(ADA, "a", None), watcher.watch(ADA, "b", None):
        wait_for(lambda: polls)
        late_s = 2 * PAUSE
        wait_for(lambda: watcher.poll_age_s >= late_s)  # it hangs
        assert watcher.waiters == 2
        may_answer.set()
        wait_for(lambda: watcher.poll_age_s < late_s)
    assert (watcher.waiters, watcher.poll_age_s) == (0, 0)
    watcher._polled_at -= 3600  # nobody came for an hour
    may_answer.clear()
    with watcher.watch(ADA, "a", PENDING):
        assert watcher.poll_age_s < 3600
        may_answer.set()


def made(**fields) -> Task:
    names = dict.fromkeys(("prompt", "model", "provider", "lane", "req_key"), "x")
    row = Task.row(user_id="ada", width=1, height=1, n=1, **names, **fields)
    Task.collection().insert_one(row)
    return Task.read(row)


def later(seconds: float, act) -> None:
    threading.Timer(seconds, act).start()


def test_client_that_has_gone_frees_its_place(database):
    """Nobody will read the answer; of servers that show no socket nothing is known."""
    assert not long_polls.is_disconnected({})
    here, there = socket.socketpair()
    task = made()
    environ = {"gunicorn.socket": here}
    with here:
        there.send(b"the next request")
        assert not long_polls.is_disconnected(environ)
        here.recv(100)
        later(0.3, there.close)
        looks = []

        def gone() -> bool:
            looks.append(long_polls.is_disconnected(environ))
            return looks[-1]

        assert not long_polls.wait_for_end(ADA, task, 60, gone)

    assert looks[-1]  # which ended the wait; the watcher looks too
    assert long_polls.is_disconnected(environ)  # closed on this side
    closed = gevent.socket.socket()  # as the product's own server has it
    closed.close()
    assert long_polls.is_disconnected({"gunicorn.socket": closed})


def test_whoever_waits_is_woken_by_nothing_but_news(database, monkeypatch):
    """A thousand at rest cost one look: none of them wakes to see that all is well."""
    monkeypatch.setattr(long_polls, "WAKE_INTERVAL_S", 60)
    task = made()
    gone = threading.Event()
    later(0.4, gone.set)

    said = list(long_polls.watch_changes(ADA, task, 20, gone.is_set))

    assert said == []
