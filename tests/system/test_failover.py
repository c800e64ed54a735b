"""A replica set loses its primary: nothing is lost, and nothing is paid for twice."""

import itertools
import os
import secrets
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import mongoengine
import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from jimeng import documents
from jimeng.config import Config
from jimeng.local.embedded import write_private
from jimeng.local.embedded.mongo import REPLICA_SET, USER
from jimeng.pictures.stores.gridfs import GridFSStore
from tests.databases import Mongo, kill, revive
from tests.system.stack import Stack
from tests.waiting import meanwhile, wait_for

pytestmark = pytest.mark.system

LIMIT = 4
TASKS = 100
# By default ten seconds pass until the others miss a primary; here these few.
IMPATIENT = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500}


class Member(Mongo):
    """One of several; who founds the set and who leads it is not decided here."""

    def answers(self) -> bool:
        try:
            with self.as_member() as client:
                return self._is_ours(client.admin)
        except PyMongoError:
            return False  # still starting

    def as_member(self) -> MongoClient:
        return self._client(self._member_uri)

    def let_user_in(self, primary: MongoClient) -> None:
        self._let_in(primary.admin)

    def signal(self, number: int) -> None:
        assert self.child is not None
        os.killpg(self.child.pid, number)


class ReplicaSet:
    def __init__(self, tmp_path_factory) -> None:
        self.members = [Member(tmp_path_factory.mktemp("member")) for _ in range(3)]
        key = secrets.token_hex(32)
        for member in self.members:
            write_private(member.data_dir / "keyfile", key)
            write_private(member.data_dir / "password", key)
            member.start()
        hosts = [f"127.0.0.1:{member.port}" for member in self.members]
        whole = f"{key}@{','.join(hosts)}/?replicaSet={REPLICA_SET}&authSource="
        self.uri = f"mongodb://{USER}:{whole}admin"
        config = {
            "_id": REPLICA_SET,
            "settings": IMPATIENT,
            "members": [{"_id": n, "host": host} for n, host in enumerate(hosts)],
        }
        with self.members[0].as_member() as client:
            client.admin.command("replSetInitiate", config)
        wait_for(self.is_whole, what="one primary and two secondaries")
        with MongoClient(f"mongodb://__system:{whole}local") as client:
            self.members[0].let_user_in(client)

    def is_whole(self) -> bool:
        with suppress(PyMongoError), self.members[0].as_member() as client:
            members = client.admin.command("replSetGetStatus")["members"]
            states = Counter(member["stateStr"] for member in members)
            return states == {"PRIMARY": 1, "SECONDARY": 2}
        return False  # an election that nobody asked for

    @property
    def primary(self) -> Member:
        def found() -> Member | None:
            with suppress(PyMongoError), MongoClient(self.uri) as client:
                client.admin.command("ping")  # until there is one
                port = client.primary and client.primary[1]
                return next((m for m in self.members if m.port == port), None)
            return None

        return wait_for(found, what="there is a primary")

    @property
    def secondaries(self) -> list[Member]:
        primary = self.primary
        return [member for member in self.members if member is not primary]

    def kill_primary(self) -> Member:
        """And let nobody follow it until another one, which stands still, goes on."""
        primary = self.primary
        other = next(member for member in self.members if member is not primary)
        other.signal(signal.SIGSTOP)
        kill(primary)
        return other

    def heal(self) -> None:
        """Bring back whoever is missing."""
        for member in self.members:
            if member.child is None or member.child.status() is not None:
                revive(member)
        wait_for(self.is_whole, what="one primary and two secondaries")

    def stop(self) -> None:
        for member in self.members:  # a primary told to stop first hands over
            if member.child is not None:
                member.child.kill()


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory) -> Iterator[ReplicaSet]:
    made = ReplicaSet(tmp_path_factory)
    yield made
    made.stop()


@pytest.fixture
def stack(tmp_path, replica_set, servers, lane):
    made = Stack(
        tmp_path,
        replica_set.uri,
        servers.redis_url(8),
        database="failover",
        limit=LIMIT,
        duration=0.3,
        VOLCENGINE_CONCURRENCY=str(LIMIT),
    )
    made.await_up()
    made.simulate(plain=True)
    made.remember_durations(lane, 0.3)
    yield made
    made.stop()


def test_primary_that_dies_costs_nothing(stack, replica_set):
    """Killed amid a hundred tasks: all end with their picture, each was sent once."""
    stack.start_consumer()
    stack.start_consumer()
    stack.await_ready()
    ids = [stack.create(user_id=f"user{n % 3}", seed=n) for n in range(TASKS)]
    wait_for(lambda: len(stack.ledger()["rows"]) >= 6, what="some are under way")

    answers, seeds = Counter[int](), itertools.count(1000)

    def visit() -> None:
        """Ask for another picture, once."""
        body = {"prompt": "一只猫", "size": "512x512", "seed": next(seeds)}
        body["user_id"] = "visitor"
        status, answer = stack.ask("POST", "/api/v1/ai/image/task", body)
        answers[status] += 1
        if status == 202:
            ids.append(answer["data"]["task_id"])

    with meanwhile(visit, 0.2):
        wait_for(lambda: answers[202], what="the visitor is served")
        halted = replica_set.kill_primary()
        wait_for(lambda: answers[503], what="the visitor is put off")
        halted.signal(signal.SIGCONT)
        served = answers[202]
        wait_for(lambda: answers[202] > served + 2, what="the visitor is served again")
    results = stack.await_ended(ids)

    assert set(answers) == {202, 503}
    assert {each["status"] for each in results.values()} == {"completed"}
    for each in results.values():
        (image,) = each["result"]["images"]
        wait_for(
            lambda url=image["url"]: stack.fetch(url)[:2] == (200, "image/jpeg"),
            what=image["url"],
        )
    ledger = stack.ledger()
    sent = Counter(row["seed"] for row in ledger["rows"])
    assert set(range(TASKS)) <= set(sent)
    assert max(sent.values()) == 1
    assert max(ledger["high_water"].values()) <= LIMIT
    wait_for(lambda: stack.slots_held() == 0, what="no slot is held")
    replica_set.heal()


def test_bytes_on_one_member_are_not_kept_yet(replica_set):
    """A picture of which only the primary has the bytes would go with it."""
    config = Config(MONGODB_URI=replica_set.uri, MONGODB_DATABASE="failover")
    documents.connect(config, timeout=60.0)
    kept = GridFSStore().save(b"picture", "kept")
    documents.connect(config, timeout=1.0)
    store = GridFSStore()
    secondaries = replica_set.secondaries

    for member in secondaries:
        member.signal(signal.SIGSTOP)
    try:
        with pytest.raises(PyMongoError):
            store.save(b"picture", "not kept")
    finally:
        for member in secondaries:
            member.signal(signal.SIGCONT)

    wait_for(replica_set.is_whole, what="all are back")
    documents.connect(config, timeout=60.0)
    assert store.read(kept) == b"picture"
    mongoengine.disconnect()
