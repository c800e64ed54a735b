"""Faults on demand, by the control endpoint and by words in the prompt."""

import http.client
import io
import json
import threading
import time

import pytest
from PIL import Image, UnidentifiedImageError

from tests.each import for_each
from tests.simulator.caller import PATIENCE
from tests.waiting import wait_for


def faults(caller, *entries):
    assert caller.control("faults", list(entries)).status == 200


def test_faults_are_used_up_in_order(caller):
    """Each as often as it says, and only by calls of its action."""
    faults(
        caller,
        {"action": "submit", "kind": 50429, "times": 2},
        {"action": "poll", "kind": "50500"},
        {"action": "submit", "kind": 100014},
    )

    replies = [caller.submit() for _ in range(4)]

    codes = [reply.code for reply in replies]
    assert codes == [50429, 50429, 100014, 10000]
    assert [reply.status for reply in replies] == [429, 429, 500, 200]
    task_id = replies[3].json["data"]["task_id"]
    assert caller.poll(task_id).code == 50500
    assert caller.poll(task_id).code == 10000


def test_unaccepted_is_not_billed(simulator, caller):
    """A reset before acceptance leaves no row."""
    faults(caller, {"action": "submit", "kind": "drop_before"})

    with pytest.raises(ConnectionError):
        caller.submit()
    assert simulator.ledger()["rows"] == []


def test_lost_answer_is_billed(simulator, caller):
    """A reset after acceptance leaves a row that will be paid for."""
    faults(caller, {"action": "submit", "kind": "drop_after"})

    with pytest.raises(ConnectionError):
        caller.submit()
    assert [row["billed"] for row in simulator.ledger()["rows"]] == [True]


@pytest.mark.parametrize(("accepted", "rows"), [(True, 1), (False, 0)])
def test_gateway_may_fail_before_or_after(simulator, caller, accepted, rows):
    """Who gets the page of a 502 cannot know whether the task was accepted."""
    faults(caller, {"action": "submit", "kind": "html_502", "accepted": accepted})

    reply = caller.submit()

    assert (reply.status, reply.headers["Content-Type"]) == (502, "text/html")
    assert len(simulator.ledger()["rows"]) == rows


def test_slow_answer_is_late(caller):
    """It comes, after the seconds that were asked for."""
    faults(caller, {"action": "poll", "kind": "slow", "seconds": 0.2})
    task_id = caller.accepted()
    started = time.monotonic()

    assert caller.poll(task_id).code == 10000
    assert time.monotonic() - started >= 0.2


def test_stopping_does_not_wait_for_a_slow_answer(simulator, caller):
    """
    An answer that was to come after its caller's patience is sent when the simulator
    stops.
    """
    task_id = caller.accepted()
    faults(caller, {"action": "poll", "kind": "slow", "seconds": 2 * PATIENCE})
    codes = []
    waiting = threading.Thread(target=lambda: codes.append(caller.poll(task_id).code))
    waiting.start()
    wait_for(lambda: simulator.ledger()["rows"][0]["polls"], PATIENCE)

    simulator.stop()
    waiting.join()

    assert codes == [10000]


def test_truncated_body_ends_early(caller):
    """Fewer bytes come than were announced."""
    faults(caller, {"action": "submit", "kind": "truncated"})

    with pytest.raises(http.client.IncompleteRead):
        caller.submit()


def test_not_json(caller):
    """Good status, good type, and text that cannot be parsed."""
    faults(caller, {"action": "submit", "kind": "not_json"})
    reply = caller.submit()

    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


def test_wrong_content_type(caller):
    """The JSON is good, its declared type is not."""
    faults(caller, {"action": "submit", "kind": "wrong_content_type"})
    reply = caller.submit()

    assert (reply.code, reply.headers["Content-Type"]) == (10000, "text/plain")


@for_each(
    ("kind", "status"),
    [
        ("unknown_status", "processing"),
        ("done_but_empty", "done"),
        ("expired", "expired"),
        ("not_found", "not_found"),
    ],
)
def test_odd_states_of_a_poll(caller, kind, status):
    """The poll succeeds with a state that a client must be ready for."""
    caller.control("settings", {"limit": 9})
    faults(caller, {"action": "poll", "kind": kind})
    data = caller.poll(caller.accepted()).json["data"]

    assert data == {"binary_data_base64": None, "image_urls": None, "status": status}


def test_ending_code_on_a_poll_ends_the_task(simulator, caller):
    """The task frees its place, stays refused and is not billed."""
    task_id = caller.accepted()
    faults(caller, {"action": "poll", "kind": 50511})

    codes = [caller.poll(task_id).code for _ in range(2)]

    ledger = simulator.ledger()
    assert codes == [50511, 50511]
    assert (ledger["billed"], ledger["running"]) == (0, {"jimeng_t2i_v30": 0})
    assert ledger["rows"][0]["outcome"] == "50511"


@pytest.fixture
def link(clock, caller):
    """Of a finished picture."""
    task_id = caller.accepted(width=512, height=512)
    clock.now += 10
    return caller.poll(task_id).json["data"]["image_urls"][0]


@for_each(("kind", "status"), [("404", 404), ("403", 403), ("html_502", 502)])
def test_download_is_refused(caller, link, kind, status):
    """Once; the next one succeeds."""
    faults(caller, {"action": "image", "kind": kind})

    assert caller.get(link).status == status
    assert caller.get(link).status == 200


def test_download_of_nothing(caller, link):
    """The answer is good and has no bytes."""
    faults(caller, {"action": "image", "kind": "zero_bytes"})

    assert (caller.get(link).status, caller.get(link).body != b"") == (200, True)


@for_each(
    ("kind", "error"),
    [("not_an_image", UnidentifiedImageError), ("truncated_image", OSError)],
)
def test_download_of_a_bad_picture(caller, link, kind, error):
    """The bytes do not decode."""
    faults(caller, {"action": "image", "kind": kind})
    reply = caller.get(link)

    assert reply.status == 200
    with pytest.raises(error), Image.open(io.BytesIO(reply.body)) as picture:
        picture.load()


def test_download_of_a_tiny_picture(caller, link):
    """The bytes decode to one pixel."""
    faults(caller, {"action": "image", "kind": "1x1"})

    with Image.open(io.BytesIO(caller.get(link).body)) as picture:
        picture.load()
        assert picture.size == (1, 1)


@for_each(
    "entry",
    [
        {"action": "submit", "kind": "nonsense"},
        {"action": "pol", "kind": 50500},
        {"action": "poll", "kind": 50500, "times": 0},
        {"action": "poll", "kind": 50500, "tmies": 1},
        "50500",
    ],
)
def test_faults_that_cannot_be_are_refused(caller, entry):
    """A test that asks for what there is not would prove nothing."""
    assert caller.control("faults", [entry]).status == 400


def test_prompt_asks_for_a_code(simulator, caller):
    """A submission with the code in its prompt gets it, without end."""
    codes = [caller.submit("猫 [[50411]]").code for _ in range(2)]

    assert codes == [50411, 50411]
    assert simulator.ledger()["rows"] == []


def test_prompt_asks_for_a_code_so_many_times(caller):
    """With a number, the next submission is accepted."""
    codes = [caller.submit("猫 [[50429 2]]").code for _ in range(3)]

    assert codes == [50429, 50429, 10000]


def test_prompt_asks_for_an_ending(clock, simulator, caller):
    """The task runs its time and then is refused, and not billed."""
    task_id = caller.accepted("猫 [[poll 50511]]")
    running = caller.poll(task_id).code
    clock.now += 10
    ended = caller.poll(task_id)

    assert (running, ended.status, ended.code) == (10000, 400, 50511)
    assert simulator.ledger()["billed"] == 0


def test_prompt_asks_for_stumbling_polls(caller):
    """A code that ends no task spoils so many polls."""
    task_id = caller.accepted("猫 [[poll 50500 2]]")

    assert [caller.poll(task_id).code for _ in range(3)] == [50500, 50500, 10000]


def test_prompt_asks_for_a_duration(clock, caller):
    """``slow`` is the task's time, not the answer's."""
    task_id = caller.accepted("[[slow 20]] 猫")
    clock.now += 19
    before = caller.poll(task_id).json["data"]["status"]
    clock.now += 1

    assert before == "generating"
    assert caller.poll(task_id).json["data"]["status"] == "done"


def test_prompt_asks_for_a_lost_answer(simulator, caller):
    """Accepted, billed, and nobody is told."""
    with pytest.raises(ConnectionError):
        caller.submit("[[drop]]")

    assert simulator.ledger()["billed"] == 1


def test_prompt_asks_for_a_failed_download(clock, caller):
    """Only the first download of this picture fails."""
    task_id = caller.accepted("[[image 404 1]]", width=512, height=512)
    clock.now += 10
    url = caller.poll(task_id).json["data"]["image_urls"][0]

    assert [caller.get(url).status for _ in range(2)] == [404, 200]


def test_words_that_mean_nothing_are_part_of_the_prompt(caller):
    """Brackets alone do no harm."""
    assert caller.submit("a [[sign]] in the [[poll]] hall [[99]]").code == 10000
