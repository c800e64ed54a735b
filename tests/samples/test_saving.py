"""Saving that does not succeed at once: how long it is tried, and what is said."""

from datetime import timedelta
from itertools import repeat

import pytest

from jimeng.documents import Generation, utcnow
from jimeng.jobs import pump
from tests.conftest import come_due, run_queue
from tests.samples.odd_pictures import UNFIT
from tests.samples.service import Answer

RUBBISH = Answer(200, UNFIT["SVG"], "image/svg+xml")
BROKEN = Answer(503, b"try later", "text/plain")


def generation() -> Generation:
    found = Generation.find_one({})
    assert found is not None
    return found


def save_once() -> float:
    """Let the next try be due, and make it; return the seconds until the one after."""
    come_due(state={"$in": ["generating", "saving"]})
    pump.tick()
    run_queue()
    due_at = generation().due_at
    return (due_at - utcnow()).total_seconds() if due_at else 0.0


@pytest.fixture
def saving(ask, service):
    """A picture that is drawn, and whose first download has failed."""

    def start(answer: Answer):
        service.say("picture", repeat(answer))
        result = ask()
        pump.tick()
        run_queue()
        save_once()
        assert generation().state == "saving"
        return result

    return start


def test_link_that_keeps_giving_rubbish_is_asked_a_few_times(saving, service):
    """Within two minutes it is a loss that says what to do, and nothing before."""
    result = saving(RUBBISH)
    waited = (generation().due_at - utcnow()).total_seconds()
    while generation().state == "saving":
        shown = result()
        assert (shown["status"], shown["phase"]) == ("processing", "saving")
        assert "收到的文件无效" in shown["message"]
        waited += save_once()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert 3 <= len(service.sent("picture")) <= 6
    assert 10 < waited <= 120
    assert len(service.sent("submit")) == 1


def test_network_faults_are_no_loss(saving, service):
    """A download is tried for as long as there is something to get."""
    result = saving(BROKEN)
    for _ in range(60):
        save_once()

    shown = result()
    assert (shown["status"], shown["phase"]) == ("processing", "saving")
    assert "下载" in shown["message"]
    assert save_once() <= 240

    service.say("picture", [])
    save_once()
    assert result()["status"] == "completed"
    assert generation().state == "done"


def test_links_do_not_live_for_ever(saving):
    """After a day the provider has nothing any more."""
    result = saving(BROKEN)
    drawn = utcnow() - timedelta(hours=24, minutes=1)
    Generation.collection().update_one({}, {"$set": {"drawn_at": drawn}})

    save_once()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")


def test_rubbish_between_faults_counts_on(saving, service):
    """A link that alternates is no way around the bound."""
    result = saving(RUBBISH)
    for _ in range(6):
        service.say("picture", [BROKEN, RUBBISH])
        save_once()
        save_once()

    assert result()["error"]["code"] == "picture_lost"


@pytest.mark.parametrize("answer", [RUBBISH, BROKEN])
def test_page_says_why_it_is_still_saving(saving, client, answer):
    """In words, and the ticker brings them to a page that is open."""
    saving(answer)
    task_id = generation().task_id
    why = "收到的文件无效" if answer is RUBBISH else "暂时无法下载"

    assert why in client.get(f"/tasks/{task_id}").text
    mark = f"{task_id.removeprefix('volcengine_img_')}.s.0-0-0"
    assert why in client.get("/feed/changes", query_string={"c": mark}).text
