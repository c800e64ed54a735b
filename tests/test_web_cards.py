"""A task's card: how it comes to its pictures, and what can be done to it."""

import re

import pytest

from jimeng import lanes, tasks
from jimeng.errors import ProviderError
from jimeng.viewers import Viewer
from tests.page import PROMPT, ids, links, look, marks, new_task, send

ENGLISH = {"Accept-Language": "en-GB"}
REFUSED = ProviderError("no", code="content_refused_prompt")
UNKNOWN = ProviderError(
    "502", code="submit_unknown", maybe_accepted=True, charged="unknown"
)


def test_ticker_is_silent_while_nothing_changes(client):
    """An answer without news is empty."""
    new_task(client)
    shown = marks(client.get("/"))

    answer = look(client, shown)

    assert len(shown) == 1
    assert (answer.status_code, answer.data) == (204, b"")


def test_ticker_brings_the_picture_and_ends(client, work_off):
    """The picture takes its place, it is told once, and no more is asked."""
    task_id = new_task(client, n="2")
    shown = marks(client.get("/"))
    work_off()

    answer = look(client, shown)

    assert f'<figure id="slot-{task_id}-0"' in answer.text
    assert f'<figure id="slot-{task_id}-1"' in answer.text
    assert answer.text.count("/thumb.webp") == 2
    assert 'id="announce"' in answer.text
    assert marks(answer) == []
    assert '<div id="ticker" hidden></div>' in answer.text


def test_ticker_tells_only_what_has_ended_since(client, work_off):
    """What was shown as done is neither sent nor announced again."""
    new_task(client, n="2")
    (mark,) = marks(client.get("/"))
    work_off()

    answer = look(client, [mark.replace("qq", "dq")])

    assert answer.text.count("<figure") == 1
    news = re.search(r'<p id="announce".*?</p>', answer.text, re.DOTALL)[0]
    assert "2" in news and "第 1 张" not in news


def test_answer_that_was_lost_is_given_again(client, work_off):
    """Nothing is remembered of who has seen what."""
    new_task(client)
    shown = marks(client.get("/"))
    work_off()

    assert "<figure" in look(client, shown).text
    assert "<figure" in look(client, shown).text


def test_ticker_takes_away_what_is_gone(client):
    """A task that was deleted in another window goes from this one too."""
    task_id = new_task(client)
    shown = marks(client.get("/"))
    send(client, f"/tasks/{task_id}/delete")

    answer = look(client, shown)

    assert f'<article id="task-{task_id}" hx-swap-oob="delete">' in answer.text


def test_ticker_overlooks_what_is_no_mark(client):
    """Odd queries are answered as if there were nothing live."""
    answer = look(client, ["", "x.y.z", "../../etc", "a" * 5000])

    assert answer.status_code == 200
    assert "hx-get" not in answer.text


def test_finished_page_asks_for_nothing(client, work_off):
    """A page on which all has ended holds no ticker that ticks."""
    new_task(client)
    assert 'hx-trigger="every 1s"' in client.get("/").text
    work_off()

    page = client.get("/")

    assert "every" not in page.text
    assert marks(page) == []


def test_title_counts_what_is_under_way(client, work_off):
    """The tab says how many are still to come."""
    new_task(client)
    new_task(client, prompt="一只猫")
    assert "<title>(2) " in client.get("/").text

    work_off()

    assert "<title>(" not in client.get("/").text


def test_refused_prompt_is_to_be_edited(client, provider, work_off):
    """The words say what to do, and the button does it; a retry would not help."""
    provider.submits = [REFUSED]
    task_id = new_task(client)
    work_off()

    page = client.get("/", headers=ENGLISH)

    assert "did not pass the content check" in page.text
    assert f'href="/?again={task_id}"' in page.text
    assert "/retry" not in page.text


def test_retry_that_may_cost_twice_asks_first(client, provider, work_off):
    """The page warns, and only then sends the consent along."""
    provider.submits = [UNKNOWN]
    task_id = new_task(client)
    work_off()
    page = client.get("/", headers=ENGLISH)
    assert "<details" in page.text and "may have been charged" in page.text

    refused = send(client, f"/tasks/{task_id}/retry")
    taken = send(client, f"/tasks/{task_id}/retry", accept_double_charge="yes")

    assert refused.status_code == 409
    assert taken.status_code == 303
    assert len(ids(client.get("/"))) == 2


def test_retry_with_htmx_answers_with_the_new_card(client):
    """A cancelled task can be asked for again, in place."""
    task_id = new_task(client)
    send(client, f"/tasks/{task_id}/cancel")

    answer = send(client, f"/tasks/{task_id}/retry", htmx=True, token="form-two")

    assert ids(answer) and ids(answer) != [task_id]


def test_cancel_shows_the_card_as_it_is_now(client):
    """The answer holds the parts of the card, and no mark to ask about."""
    task_id = new_task(client, n="3")

    answer = send(client, f"/tasks/{task_id}/cancel", htmx=True)

    assert answer.text.count('data-state="cancelled"') == 3
    assert marks(answer) == []


def test_cancel_after_the_end_shows_the_picture(client, work_off):
    """Whoever is too late gets what was asked for."""
    task_id = new_task(client)
    work_off()

    answer = send(client, f"/tasks/{task_id}/cancel", htmx=True)

    assert answer.status_code == 200
    assert "/thumb.webp" in answer.text


def test_delete_leaves_a_line_with_the_way_back(client, work_off):
    """The card is gone, its address too, and one button brings it back."""
    task_id = new_task(client)
    work_off()

    answer = send(client, f"/tasks/{task_id}/delete")

    assert (answer.status_code, answer.location) == (303, f"/?deleted={task_id}")
    assert client.get(f"/tasks/{task_id}").status_code == 404
    page = client.get(answer.location)
    assert "/thumb.webp" not in page.text
    assert f'action="/tasks/{task_id}/restore"' in page.text
    send(client, f"/tasks/{task_id}/restore")
    assert "/thumb.webp" in client.get("/").text


def test_delete_with_htmx_answers_with_the_line(client, work_off):
    """It takes the card's place, so that nothing else has to move."""
    task_id = new_task(client)
    work_off()

    answer = send(client, f"/tasks/{task_id}/delete", htmx=True)

    assert ids(answer) == [task_id]
    assert "card-gone" in answer.text and "Undo" not in answer.text
    assert 'id="announce"' in answer.text


def test_again_asks_for_the_same_with_another_seed(client, work_off):
    """Words, size and number are the same, and it is a task of its own."""
    task_id = new_task(client, size="16:9", n="2")
    work_off()

    answer = send(client, f"/tasks/{task_id}/again", htmx=True, token="form-two")

    (again,) = ids(answer)
    kept = Viewer("guest")
    first, second = tasks.find(kept, task_id), tasks.find(kept, again)
    same = ("prompt", "model", "width", "height", "n")
    assert [second[name] for name in same] == [first[name] for name in same]
    assert second.seed != first.seed
    assert tasks.wording(second) == tasks.wording(first)


def test_again_sent_twice_makes_one_task(client, work_off):
    """A double click costs once."""
    task_id = new_task(client)

    send(client, f"/tasks/{task_id}/again", token="form-two")
    send(client, f"/tasks/{task_id}/again", token="form-two")

    assert len(ids(client.get("/"))) == 2


def test_again_of_what_is_not_there(client):
    """There is nothing to ask for once more."""
    assert send(client, "/tasks/none/again").status_code == 404


def test_waiting_pictures_show_their_place(client):
    """Each place says where in line it stands, and a change of that is sent."""
    new_task(client, n="4")
    new_task(client, n="2")
    lanes.forget()  # the line is looked at once a second
    page = client.get("/", headers=ENGLISH)
    shown = marks(page)
    assert page.text.count("No. 2 in line") == 2

    moved = [shown[0].rpartition(".")[0] + ".7-90-0", shown[1]]
    answer = look(client, moved)

    assert answer.text.count("<figcaption") == 2
    assert "<figure" not in answer.text


def test_running_cards_keep_their_buttons(client, provider, work_off):
    """While some pictures are still to come, focus and menus are not taken away."""
    task_id = new_task(client, n="2")
    (mark,) = marks(client.get("/"))

    answer = look(client, [mark.replace("qq", "uq")])

    assert "<figure" in answer.text
    assert f'id="actions-{task_id}"' not in answer.text


@pytest.mark.parametrize(
    ("code", "charged", "remedy"),
    [
        ("content_refused_prompt", "no", "edit"),
        ("content_refused_picture_text", "no", "edit"),
        ("parameter_refused", "no", "edit"),
        ("provider_internal", "no", "retry"),
        ("picture_lost", "yes", "retry"),
        ("submit_unknown", "unknown", "retry"),
        ("credentials_invalid", "no", None),
        ("account_overdue", "no", None),
    ],
)
def test_failure_offers_the_one_thing_that_helps(
    client, provider, work_off, code, charged, remedy
):
    """What the user can change is to be changed; what only an operator can, not."""
    provider.submits = [ProviderError("no", code=code, charged=charged)]
    task_id = new_task(client)
    work_off()

    actions = client.get("/").text.partition('class="actions"')[2]
    actions = actions.partition('<details id="menu-')[0]

    assert ("/retry" in actions) == (remedy == "retry")
    assert (f"/?again={task_id}" in actions) == (remedy == "edit")


def test_card_names_style_size_and_model(client):
    """How it was asked for stands beside it; the prompt is as it was written."""
    wanted = {"user_id": "guest", "prompt": "一只猫", "style": "ink", "size": "16:9"}
    client.post("/api/v1/ai/image/task", json=wanted)

    text = client.get("/", headers=ENGLISH).text

    assert "Ink wash" in text and "1664×936" in text
    assert "doubao-seedream-3.0-t2i" in text
    assert re.search(r'class="card-prompt"><a [^>]*>一只猫</a>', text)


def test_task_page_tells_all(client, work_off):
    """The picture whole, the prompt, the ids, and what can be done."""
    task_id = new_task(client)
    waiting = client.get(f"/tasks/{task_id}")
    assert (
        '<noscript><meta http-equiv="refresh" content="4"></noscript>' in waiting.text
    )
    work_off()

    page = client.get(f"/tasks/{task_id}")

    for words in (PROMPT, "doubao-seedream-3.0-t2i", "1328×1328", task_id, "remote-1"):
        assert words in page.text
    assert list(links(page, ".png"))
    assert "refresh" not in page.text


def test_ticker_of_a_task_page_brings_the_picture_whole(client, work_off):
    """Its own page shows the picture, not the thumbnail."""
    task_id = new_task(client)
    shown = marks(client.get(f"/tasks/{task_id}"))
    work_off()

    answer = look(client, shown, page="task")

    assert ".png" in answer.text and "thumb.webp" not in answer.text
    assert PROMPT in re.search(r"<title>(.*)</title>", answer.text)[1]
