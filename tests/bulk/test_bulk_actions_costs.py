"""What bulk actions cost: commands, and not more of them with a longer queue."""

import pytest
from pymongo import monitoring

from jimeng import documents, jobs, lanes, tasks
from jimeng.documents import Task
from jimeng.jobs import bulk, insertion
from jimeng.tasks import clear_queue, creation
from tests.admin.pages import OPERATOR

# Sent now and then, by the clock: the indexes are looked at. And what a connection
# begins with.
OTHERS = {"listIndexes", "listCollections", "createIndexes", "endSessions"}
OTHERS |= {"hello", "saslStart", "saslContinue"}
# What is known for a second is asked for again in the middle, on a slow machine.
AGAIN = 3


class Commands(monitoring.CommandListener):
    """Notes what is sent to MongoDB."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def started(self, event) -> None:
        if event.command_name not in OTHERS:
            self.sent.append(event.command_name)

    def succeeded(self, event) -> None:
        pass

    failed = succeeded


@pytest.fixture
def commands(database, config, connection):
    """What is sent to MongoDB from here on."""
    heard = Commands()
    monitoring.register(heard)
    try:
        documents.connect(config, timeout=documents.WORKER_TIMEOUT)
        documents.ensure_indexes()
    finally:
        monitoring._LISTENERS.command_listeners.remove(heard)
    yield heard.sent
    connection.restore()


def fill(n: int, users: int) -> None:
    """Tasks of one picture that wait, without a request for each."""
    for each in range(n):
        user = f"user_{each % users}"
        new = tasks.NewTask(user_id=user, prompt="猫")
        model = jobs.runtime().registry.model(None, None)
        row = creation.build_row(new, model, new.prompt)
        Task.collection().insert_one(row)
        task = Task.read(row)
        turn, _ = lanes.reserve_tickets(task.lane, user, 1)
        insertion.insert_missing(insertion.generations_of(task, turn))


@pytest.mark.parametrize("users", [1, 40])
def test_commands_do_not_grow_with_the_queue(commands, users):
    """A batch costs the same however many are in it, and whosever they are."""
    spent = []
    for n in (120, 240):  # within a batch
        fill(n, users)
        before = len(commands)
        bulk.work(clear_queue.clear(OPERATOR))
        spent.append(len(commands) - before)
        assert Task.collection().count_documents({"status": "pending"}) == 0

    lines = len(jobs.runtime().registry.lanes)  # each is moved up
    assert abs(spent[0] - spent[1]) <= AGAIN, spent
    assert spent[1] <= 25 + 3 * lines, commands[-spent[1] :]


def test_batches_are_linear(commands, monkeypatch):
    """Twice as many cost twice as much, also where all are one user's."""
    monkeypatch.setattr("jimeng.tasks.clear_queue.lanes.renumber", lambda lane: None)
    spent = []
    for n in (60, 120):
        fill(n, 1)
        before = len(commands)
        bulk.work(clear_queue.clear(OPERATOR), size=10)
        spent.append(len(commands) - before)

    assert spent[1] <= 2 * spent[0]


def test_one_cancellation_costs_no_more_with_more_waiting(commands, client):
    """The pictures that remain move up in one update."""
    spent = []
    for n in (3, 30):
        fill(n, 1)
        victim = Task.objects(status="pending").order_by("created_at").first().id
        before = len(commands)
        tasks.cancel(OPERATOR, victim)
        spent.append(len(commands) - before)

    assert abs(spent[0] - spent[1]) <= AGAIN, spent
    assert min(spent) <= 12  # two of them are the entry in the audit trail
