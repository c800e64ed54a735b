"""
A process dies just before each write of the steps that pictures go in by.

As in `tests.jobs.test_deaths`: every task ends, nothing is sent twice, nothing is left
of what nobody names.
"""

import contextlib
from datetime import timedelta
from functools import cache

import pytest

from jimeng import jobs
from jimeng.documents import Input, Task
from jimeng.upkeep import input_cleanup, janitor
from tests import given_pictures as given
from tests.conftest import come_due
from tests.inputs.test_going_in import I2I, data_url
from tests.inputs.test_sweep import files, pass_time, sweep
from tests.inputs.test_uploads import upload
from tests.jobs import test_deaths
from tests.jobs.test_deaths import Died, afresh, check, consume, go_on, reaper
from tests.rest import create

__all__ = ["afresh", "reaper"]


@pytest.fixture(autouse=True)
def claims_end(monkeypatch) -> None:
    """As time moves on for generations, so it does for claims of inputs."""

    def later(**where: object) -> None:
        gone = {"$set": {"owned_until": input_cleanup.utcnow()}}
        Input.collection().update_many({"owner": {"$exists": True}}, gone)
        come_due(**where)

    monkeypatch.setattr(test_deaths, "come_due", later)


def check_files(monkeypatch) -> None:
    """After the sweep there are the bytes that inputs name, and no others."""
    with monkeypatch.context() as patched:
        patched.setattr(janitor, "UNREFERENCED_AFTER", timedelta(days=-1))
        input_cleanup.sweep_files()
    until = janitor.utcnow() + timedelta(days=1)
    there = set(jobs.runtime().inputs.saved_before(until, after=None, limit=99))
    rows = Input.collection().find({})
    wanted = {one for row in rows for one in input_cleanup.files_of(Input.read(row))}
    assert there == wanted


def test_death_while_preparing_loses_and_repeats_nothing(
    client, reaper, afresh, provider, monkeypatch
):
    """A copied picture is made plain and made to fit, by two of a task's pictures."""
    own = ("/jimeng/inputs/", "/jobs/input_preparation.py", "/jobs/inputs.py")
    for number in afresh.each_moment(least=10, within=own):
        made = create(client, model=I2I, n=2, seed=7, images=[copied(client)])
        reaper.arm(number)

        consume(reaper)

        reaper.disarm()
        check_files(monkeypatch)
        check(provider, f"{number}: {reaper.seen[-3:]}")
        assert all(request.inputs for request in provider.requests)

    assert Task.find_one({"_id": made}).status == "completed"


@cache
def large() -> bytes:
    """Written once: each moment to die at takes one."""
    return given.encoded(given.halves(1600, 1200), "PNG")


def copied(client) -> str:
    """An upload whose bytes are still to be made plain, as a copied picture's are."""
    found = upload(client, large())["id"]
    runtime = jobs.runtime()
    raw = runtime.inputs.save(given.photo(), found)
    row = Input.collection().find_one({"_id": found})
    runtime.inputs.delete(row["file_id"])
    changes = {"state": "fetching", "raw_id": raw}
    gone = {"file_id": "", "sha256": ""}
    Input.collection().update_one({"_id": found}, {"$set": changes, "$unset": gone})
    return found


def test_death_of_the_request_leaves_no_half_task(
    client, reaper, afresh, provider, monkeypatch
):
    """There is no task, or one that ends; what came along is swept if there is none."""
    url = data_url(given.photo())
    for number in afresh.each_moment(least=5):
        reaper.arm(number)
        with contextlib.suppress(Died):
            create(client, model=I2I, seed=7, images=[url])
        reaper.disarm()

        go_on(reaper)

        check(provider, str(number))
        assert all(request.inputs for request in provider.requests)
        assert {task.status for task in Task.objects} <= {"completed"}
        pass_time(hours=2)
        sweep()
        check_files(monkeypatch)
        named = {each for task in Task.objects for each in task.inputs}
        assert {each.id for each in Input.objects} == named


def test_death_of_an_upload_leaves_nothing(client, reaper, afresh, monkeypatch):
    for number in afresh.each_moment(least=2):
        reaper.arm(number)
        with contextlib.suppress(Died):
            upload(client)
        reaper.disarm()

        pass_time(days=2)
        sweep()
        check_files(monkeypatch)

        assert Input.collection().count_documents({}) == 0, number


def test_death_of_the_sweep_loses_nothing(client, reaper, afresh, monkeypatch):
    """And what is not named goes all the same, once another sweeps."""
    for number in afresh.each_moment(least=3):
        kept = upload(client)["id"]
        create(client, model=I2I, images=[kept])
        upload(client)
        pass_time(days=2)
        reaper.arm(number)
        for _ in range(4):
            with contextlib.suppress(Died):
                input_cleanup.sweep_inputs()
            reaper.armed = False
            pass_time(minutes=2)
            reaper.armed = reaper.at is not None
        reaper.disarm()
        sweep()

        check_files(monkeypatch)
        assert [each.id for each in Input.objects] == [kept], number
        assert files() == 1
