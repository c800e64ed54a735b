"""Duplicates that keep a unique index away, and the command that settles them."""

from datetime import timedelta

import pytest
from mongoengine import get_db

from jimeng import documents, jobs
from jimeng.documents import index_builder, indexes, utcnow
from tests.forgetting import forget_indexes
from tests.rest import CAT, CREATE, data_of

OLD, NEW = utcnow() - timedelta(hours=1), utcnow()


@pytest.fixture(autouse=True)
def whole(database):
    """A database with all its indexes, before and after."""
    forget_indexes()
    yield
    for name in get_db().list_collection_names():
        get_db()[name].delete_many({})
    forget_indexes()
    assert index_builder.mend(at_once=True) == {}


@pytest.fixture
def run(app, config, registry):
    """Runs ``flask indexes`` and puts this process's connection back."""

    def command(*words: str):
        try:
            return app.test_cli_runner().invoke(args=["indexes", *words])
        finally:
            documents.connect(config, timeout=documents.WORKER_TIMEOUT)
            jobs.configure(config, registry)

    return command


def spoil(label: str, *rows: dict) -> None:
    """Drop an index and write what it would have refused."""
    index = indexes.declared()[label]
    get_db()[index.collection].drop_index(index.name)
    get_db()[index.collection].insert_many([{"created_at": NEW, **row} for row in rows])


def values(collection: str, field: str) -> dict:
    return {row["_id"]: row.get(field) for row in get_db()[collection].find()}


def test_command_builds_what_is_missing(database, run):
    """Nothing stands against it, so all is well in the end."""
    get_db().tasks.drop_index("idem")

    done = run()

    assert (done.exit_code, done.output) == (0, "indexes: ok\n")
    assert indexes.look() == {}


@pytest.mark.parametrize("words", [(), ("--settle",), ("--yes",)])
def test_command_names_duplicates_and_changes_nothing(database, run, words):
    """Only --settle and --yes together do."""
    key = {"user_id": "a", "idem_key": "k"}
    spoil(indexes.IDEMPOTENCY, {"_id": "t1", **key}, {"_id": "t2", **key})

    done = run(*words)

    assert done.exit_code == 1
    assert "tasks.idem: duplicates t1, t2" in done.output
    assert "tasks.idem: missing" in done.output
    assert values("tasks", "idem_key") == {"t1": "k", "t2": "k"}
    assert get_db().audit.count_documents({}) == 0


def test_oldest_task_keeps_its_key(client, database, run):
    """It is what the key is answered with from then on."""
    kept = data_of(client.post(CREATE, json=CAT, headers={"Idempotency-Key": "k"}), 202)
    task = get_db().tasks.find_one({})
    spoil(
        indexes.IDEMPOTENCY,
        {**task, "_id": "0", "created_at": NEW + timedelta(hours=1)},
        {**task, "_id": "other", "user_id": "b"},
    )

    done = run("--settle", "--yes")

    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "indexes: ok")
    assert "keeps it; without a key from then on: 0" in done.output
    assert values("tasks", "idem_key") == {
        kept["task_id"]: "k",
        "0": None,
        "other": "k",
    }
    again = client.post(CREATE, json=CAT, headers={"Idempotency-Key": "k"})
    assert data_of(again, 202)["task_id"] == kept["task_id"]
    (entry,) = get_db().audit.find()
    assert (entry["action"], entry["target"]) == ("duplicates.settle", "tasks.idem")


def test_older_upload_keeps_its_key(database, run):
    key = {"user_id": "a", "idem_key": "k"}
    spoil(
        indexes.UPLOADS,
        {"_id": "upload_a", **key},
        {"_id": "upload_b", **key, "created_at": OLD},
    )

    assert run("--settle", "--yes").exit_code == 0

    assert values("inputs", "idem_key") == {"upload_a": None, "upload_b": "k"}


def test_what_runs_keeps_its_slot_and_whatever_may_run_counts(database, run, lane):
    """Nothing that the provider may be drawing is without a slot afterwards."""
    rows = {
        "starting": "starting",
        "done": "done",
        "drawn": "generating",
        "sent": "submitting",
        "unknown": "unknown",
    }
    spoil(
        indexes.SLOTS,
        *({"_id": i, "lane": lane, "slot": 0, "state": s} for i, s in rows.items()),
        {"_id": "beside", "lane": lane, "slot": 2, "state": "generating"},
        {"_id": "elsewhere", "lane": "other", "slot": 0, "state": "generating"},
    )

    done = run("--settle", "--yes")

    assert done.exit_code == 0, done.output
    held = values("generations", "slot")
    assert (held["drawn"], held["done"]) == (0, None)
    assert (held["beside"], held["elsewhere"]) == (2, 0)
    assert {held["starting"], held["sent"], held["unknown"]} == {1, 3, 4}


def test_address_of_two_accounts_needs_a_choice(database, run):
    """Nobody but the operator can know whose it is."""
    both = {"email_key": "a@b.c", "email": "a@b.c", "name": "a"}
    spoil(indexes.EMAILS, {"_id": "u1", **both}, {"_id": "u2", **both})

    undecided = run("--settle", "--yes")
    before = values("users", "email_key")
    ambiguous = run("--settle", "--yes", "--keep", "u1", "--keep", "u2")
    decided = run("--settle", "--yes", "--keep", "u2")

    assert undecided.exit_code == ambiguous.exit_code == 1
    assert "--keep u1 or --keep u2" in undecided.output
    assert before == {"u1": "a@b.c", "u2": "a@b.c"}
    assert decided.exit_code == 0, decided.output
    assert values("users", "email_key") == {
        "u1": "u1@duplicate.invalid",
        "u2": "a@b.c",
    }


def test_key_of_two_accounts_needs_a_choice(database, run):
    """The other record of it is revoked."""
    spoil(indexes.API_KEYS, *({"_id": n, "sha256": "x"} for n in "ab"))

    undecided = run("--settle", "--yes")
    decided = run("--settle", "--yes", "--keep", "a")

    assert (undecided.exit_code, decided.exit_code) == (1, 0)
    assert [row["_id"] for row in get_db().api_keys.find()] == ["a"]


def test_older_picture_keeps_its_link(database, run):
    """The other one gets a link of its own."""
    spoil(
        indexes.LINKS,
        {"_id": "a", "key": "k"},
        {"_id": "z", "key": "k", "created_at": OLD},
    )

    assert run("--settle", "--yes").exit_code == 0

    links = values("images", "key")
    assert links["z"] == "k"
    assert links["a"] not in {"k", None}


def test_older_collection_keeps_its_name_and_share_its_link(database, run):
    """The other one is told from it, and can still be found."""
    name = {"user_id": "u", "name": "A", "name_key": "a"}
    spoil(
        indexes.NAMES,
        {"_id": "collection_young1", **name},
        {"_id": "collection_z", **name, "created_at": OLD},
    )
    spoil(
        indexes.SHARES,
        {"_id": "a", "token": "t"},
        {"_id": "z", "token": "t", "created_at": OLD},
    )

    assert run("--settle", "--yes").exit_code == 0

    names, links = values("collections", "name"), values("shares", "token")
    assert names == {"collection_young1": "A (young1)", "collection_z": "A"}
    assert links["z"] == "t"
    assert links["a"] not in {"t", None}
