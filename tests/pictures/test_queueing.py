"""The decoder's queue: users have it in turn, however much one of them wants."""

import threading

import pytest

from jimeng.errors.inputs import ServerBusy
from jimeng.pictures.decoder import FairLock
from tests.waiting import wait_for


class Line:
    """
    Threads that want the lock, one after the other; the first has it until told.

    Attributes:
        had: Who has had it, in order.
    """

    def __init__(self) -> None:
        self.lock = FairLock()
        self.had: list[str] = []
        self.go_on = threading.Event()
        self.threads: list[threading.Thread] = []

    def want(self, user: str) -> None:
        before = self.waiting()
        thread = threading.Thread(target=self._have, args=[user])
        self.threads.append(thread)
        thread.start()
        wait_for(lambda: self.waiting() > before or user in self.had)

    def _have(self, user: str) -> None:
        with self.lock.acquire(user):
            self.had.append(user)
            self.go_on.wait(60)

    def waiting(self) -> int:
        return sum(map(len, self.lock._waiting.values()))

    def run(self) -> list[str]:
        self.go_on.set()
        for each in self.threads:
            each.join()
        return self.had


def test_who_wants_much_lets_others_go_first():
    """
    Of eight that one user has sent at once another waits for one. So many of a user
    wait: the next is told to come again.
    """
    line = Line()
    for user in ["greedy"] * 8 + ["ada", "bob", "ada"]:
        line.want(user)
    with pytest.raises(ServerBusy), line.lock.acquire("greedy", 7):
        pass

    had = line.run()

    assert had[:4] == ["greedy", "ada", "bob", "greedy"]
    assert had[4:] == ["ada"] + ["greedy"] * 6


def test_it_is_free_again_however_it_is_left():
    """An error inside frees it, and so does one that ends a waiting."""
    lock = FairLock()
    with pytest.raises(ZeroDivisionError), lock.acquire("ada"):
        raise ZeroDivisionError
    with lock.acquire("ada"):
        event = lock._enqueue("bob", None)
        lock._release("bob", event)

    with lock.acquire("carol"):
        assert lock._waiting == {}
