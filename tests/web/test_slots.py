"""A card's pictures one by one: cancelled, asked for again, drawn from."""

from jimeng import jobs
from jimeng.errors import ProviderError
from jimeng.jobs import pump
from tests.conftest import run_queue
from tests.page import PROMPT, chosen, links, new_task, send

ENGLISH = {"Accept-Language": "en-GB"}
LOST = ProviderError("no", code="provider_failed")


def test_each_that_waits_can_be_cancelled(client, provider, work_off):
    """In place, by a button of its own; what has been sent has none."""
    task_id = new_task(client, n="4")
    pump.tick()
    run_queue()  # two slots
    page = client.get("/", headers=ENGLISH).text
    paths = [f"/tasks/{task_id}/pictures/{n}/cancel" for n in range(4)]
    assert [path in page for path in paths] == [False, False, True, True]

    answer = send(client, paths[3], htmx=True)
    late = send(client, paths[0], htmx=True)
    work_off()

    assert f'id="slot-{task_id}-3"' in answer.text
    assert "第 4 张已取消" in answer.text
    assert "已取消" not in late.text.partition('id="announce"')[2]
    assert (answer.status_code, late.status_code) == (200, 200)
    assert len(provider.requests) == 3
    assert "3 of 4 done" in client.get("/", headers=ENGLISH).text


def test_single_picture_has_one_way_to_be_cancelled(client):
    """The card's own."""
    task_id = new_task(client)

    assert f"/tasks/{task_id}/pictures/" not in client.get("/").text


def test_what_lacks_is_asked_for_by_itself(client, provider, work_off):
    """With its number on the button; what would fail again is not offered."""
    task_id = new_task(client, n="4")
    provider.submits = [LOST, LOST]
    work_off()

    page = client.get("/", headers=ENGLISH).text
    assert "Retry the 2 missing" in page
    send(client, f"/tasks/{task_id}/retry", token="form-more")
    work_off()

    assert len(provider.requests) == 6
    assert (
        "Retry the" not in client.get("/?after", headers=ENGLISH).text.split(task_id)[0]
    )
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    new_task(client, n="2")
    work_off()
    assert client.get("/", headers=ENGLISH).text.count("Retry the 2 missing") == 1


def test_one_picture_leads_to_more_like_it(client, work_off):
    """The form gets words and picture, and a model that takes pictures."""
    task_id = new_task(client)
    work_off()
    page = client.get("/", headers=ENGLISH)
    path = next(p for p in links(page, "again=") if "image=" in p)

    form = client.get(path, headers=ENGLISH)

    assert f'value="{task_id}_0"' in form.text and PROMPT in form.text
    chosen_model = jobs.runtime().registry.model(chosen(form, "model"))
    assert chosen_model.takes.most and chosen_model.takes.prompt != "none"
