"""A store that is slow, full, away, or dies: no picture is lost, or fetched twice."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from mongoengine import get_db

from jimeng import jobs
from jimeng.cli.checks import databases
from jimeng.cli.checks.finding import Verdict
from jimeng.config import logs
from jimeng.errors import StorageUnavailable
from jimeng.jobs import picture, pump
from jimeng.monitoring import readiness
from jimeng.pictures.stores import move, moving, s3_client
from jimeng.providers import Progress
from jimeng.upkeep.janitor import file_ids_of_images
from tests.conftest import come_due, png, run_queue
from tests.jobs.test_deaths import afresh, check, check_files, consume, reaper
from tests.rest import create, result, task
from tests.storage.front import Trouble
from tests.storage.looks import bytes_of
from tests.waiting import wait_for

__all__ = ["afresh", "reaper"]

WRITES = ("PUT", "DELETE")
FULL = Trouble(on=WRITES, code="QuotaExceeded")
AWAY = Trouble(takes=0)
TROUBLES = {
    "full": FULL,
    "full disk": Trouble(on=WRITES, code="XMinioStorageFull", status=507),
    "wrong keys": Trouble(code="SignatureDoesNotMatch"),
    "no bucket": Trouble(code="NoSuchBucket", status=404),
    "slow": Trouble(on=WRITES, delay=0.5),
    "dies as it is written": Trouble(on=WRITES, takes=20),
}


@pytest.fixture(autouse=True)
def returning(monkeypatch) -> None:
    """A store that did not answer is soon asked again."""
    monkeypatch.setattr(s3_client, "BACK_OFF_S", 0.1)


@pytest.fixture
def ail(front, monkeypatch) -> Callable[[Trouble | None], None]:
    """Makes trouble, and whoever asks the store impatient for as long as it lasts."""
    patient = s3_client.TIMEOUT_S

    def make(trouble: Trouble | None) -> None:
        monkeypatch.setattr(s3_client, "TIMEOUT_S", (0.3, 0.3) if trouble else patient)
        front.trouble = trouble

    return make


@pytest.fixture
def fetched(provider, monkeypatch) -> list[str]:
    """The links of the provider that were fetched; each picture has one."""
    links: list[str] = []

    def fetch(url: str, **about: object) -> bytes:
        links.append(url)
        return png()

    monkeypatch.setattr(picture, "fetch_picture", fetch)
    done = [f"http://127.0.0.1/{n}" for n in range(9)]
    provider.polls = [Progress("any", done=True, urls=(url,)) for url in done]
    return links


@pytest.mark.parametrize("name", TROUBLES)
def test_what_was_fetched_is_kept_whatever_ails_the_store(
    app, client, provider, work_off, in_bucket, ail, fetched, monkeypatch, name
):
    """
    Next to the documents; it is neither fetched nor paid for again. The bucket can be
    left then: what its silence left in the ledger is no picture that is missing.
    """
    monkeypatch.setattr(moving, "GRACE_S", 0.0)
    monkeypatch.setattr(moving, "MIN_LEFTOVER_AGE", timedelta(0))
    in_bucket()
    task_id = create(client)
    ail(TROUBLES[name])
    work_off()

    assert result(client, task_id)["status"] == "completed"
    assert get_db()["pictures.files"].count_documents({}) == 2
    ail(None)
    assert bytes_of(client, task_id) == png()
    assert (len(fetched), len(provider.requests)) == (1, 1)
    assert jobs.runtime().store.first.count() == 2
    in_bucket("gridfs")
    run = app.test_cli_runner().invoke
    moved = run(args=["storage", "move"])
    shown = run(args=["storage", "show"])
    assert (moved.exit_code, "left:" in moved.output) == (0, False), moved.output
    assert "outputs: s3: 0 files, 0.0 MiB" in shown.output
    assert bytes_of(client, task_id) == png()


def test_others_wait_until_it_is_back(
    client, provider, work_off, in_bucket, front, fetched
):
    """They are not fetched before there is a place for them; then they are, once."""
    store = in_bucket()
    front.trouble = FULL
    first, second = create(client), create(client)
    for _ in range(8):
        pump.tick()
        run_queue()
        come_due()

    assert result(client, first)["status"] == "completed"
    assert task(client, second)["status"] == "processing"
    assert len(fetched) == 1

    front.trouble = None
    work_off()

    assert result(client, second)["status"] == "completed"
    assert (len(fetched), len(provider.requests)) == (2, 2)
    assert store.first.count() - 2 * front.count("PUT") < 0  # probes among them
    assert get_db()["pictures.files"].count_documents({}) == 2


def test_all_of_an_operation_has_one_time(in_bucket, front, monkeypatch):
    """However often the store is asked in it."""
    store = in_bucket().first
    front.trouble = Trouble(delay=0.3)
    store.save_together("image-1", b"one", b"two")

    monkeypatch.setattr(s3_client, "OPERATION_TIMEOUT_S", 0.5)
    with pytest.raises(StorageUnavailable):
        store.save_together("image-1", b"one", b"two")


def test_silent_store_holds_up_one_caller_at_a_time(in_bucket, front, ail, monkeypatch):
    """The others are told at once; when it answers again, all are served."""
    store = in_bucket().first
    file_id = store.save(b"one", "image-1")
    ail(Trouble(delay=0.5))
    for _ in range(s3_client.MAX_UNANSWERED):
        with pytest.raises(StorageUnavailable):
            store.open_range(file_id)
    asked = s3_client.MAX_UNANSWERED
    wait_for(lambda: front.count("GET") == asked, what="the store has heard of them")

    monkeypatch.setattr(s3_client, "BACK_OFF_S", 60.0)
    with pytest.raises(StorageUnavailable):
        store.open_range(file_id)
    assert not store.works()
    assert front.count("GET") == asked

    ail(None)
    monkeypatch.setattr(s3_client, "BACK_OFF_S", 0.0)
    store.open_range(file_id).close()
    monkeypatch.setattr(s3_client, "BACK_OFF_S", 60.0)
    assert store.read(file_id) == b"one"


@pytest.mark.parametrize(
    ("trouble", "advice"),
    [
        (Trouble(code="NoSuchBucket", status=404), "bucket"),
        (Trouble(code="InvalidAccessKeyId"), "keys"),
        (Trouble(code="AccessDenied"), "denied"),
        (Trouble(code="RequestTimeTooSkewed"), "clock"),
        (FULL, "full"),
        (Trouble(code="SlowDown", status=503), "refuses"),
        (AWAY, "away"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_doctor_says_what_ails_it(app, config, in_bucket, front, trouble, advice):
    """In words of our own, without a key or an address."""
    in_bucket()
    front.trouble = trouble

    (found,) = databases.storage(config)

    assert (found.status, found.advice) == (Verdict.FAILED, f"doctor.s3_{advice}")
    assert "its-" not in found.found
    assert front.url not in found.found


def test_doctor_and_readiness_are_content_with_one_that_works(
    drawn, app, config, in_bucket, front, monkeypatch
):
    """
    One looks at what it wrote; the other asks seldom, and tells when it is away. A
    picture that was kept is missed where the settings lead to another bucket.
    """
    in_bucket()
    drawn()
    (found,) = databases.storage(config)
    assert (found.status, found.found[:3]) == (Verdict.OK, "s3,")

    asked = len(front.seen)
    assert readiness._storage().reasons == ()
    assert len(front.seen) == asked
    front.trouble = AWAY
    monkeypatch.setattr("jimeng.pictures.stores.s3.FRESH_S", 0.0)
    assert [each.code for each in readiness._storage().reasons] == ["storage"]

    front.trouble = None
    in_bucket(S3_PREFIX="elsewhere/")
    (found,) = databases.storage(config)
    assert (found.status, found.advice) == (Verdict.FAILED, "doctor.storage_lost")


def test_no_secret_is_in_any_word(app, drawn, client, in_bucket, front, caplog):
    """Whatever the store answers, and however much is logged."""
    in_bucket()
    logs.setup(app.config["JIMENG"])
    caplog.set_level(logging.DEBUG)
    front.trouble = TROUBLES["wrong keys"]
    task_id = drawn()

    page = client.get(f"/tasks/{task_id}")

    for text in (caplog.text, page.text):
        assert "its-secret-key" not in text
        assert "AWS4-HMAC" not in text


def test_death_at_any_moment_loses_and_repeats_nothing(
    client, reaper, afresh, provider, in_bucket, monkeypatch
):
    """At each write of the store's, also to MongoDB: as in `tests.jobs.test_deaths`."""
    in_bucket()
    for name in ("put", "delete"):
        reaper._wrap(monkeypatch, s3_client.Bucket, name)
    own = ("/jimeng/pictures/stores/", "/jobs/picture.py:insert_image")
    for number in afresh.each_moment(least=4, within=own):
        create(client, n=2, seed=100)
        reaper.arm(number)

        consume(reaper)

        reaper.disarm()
        check_files(monkeypatch)
        check(provider, f"{number}: {reaper.seen[-3:]}")
    assert jobs.runtime().store.first.count() == 4


def test_move_to_a_bucket_that_falls_silent_can_be_taken_back(
    app, drawn, client, in_bucket, front, monkeypatch
):
    """What was to be copied is where it was; what was noted of it there goes."""
    monkeypatch.setattr(moving, "GRACE_S", 0.0)
    in_bucket("gridfs")
    task_id = drawn()
    store = in_bucket()
    front.trouble = Trouble(on=WRITES, takes=0)
    with pytest.raises(StorageUnavailable):
        list(move(store, file_ids_of_images, grace=0.0))
    front.trouble = None
    assert store.first.count() > 0

    store = in_bucket("gridfs")
    moved = app.test_cli_runner().invoke(args=["storage", "move"])

    assert (moved.exit_code, "left:" in moved.output) == (0, False), moved.output
    assert "moved: 0 files" in moved.output
    assert (store.first.count(), store.others[0].count()) == (2, 0)
    assert bytes_of(client, task_id) == png()


def test_what_is_being_saved_is_no_leftover(in_bucket, front, monkeypatch):
    """Its record is not yet there, and its bytes are on their way."""
    store = in_bucket()
    front.trouble = Trouble(on=WRITES, takes=0)
    with pytest.raises(StorageUnavailable):
        store.first.save(b"one", "image-1")
    front.trouble = None

    assert list(move(in_bucket("gridfs"), file_ids_of_images, grace=0.0)) == []

    assert store.first.count() == 1
