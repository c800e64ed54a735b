"""Faults on demand, by the control endpoint and by words in the prompt; the manual."""

import base64
import contextlib
import http.client
import io
import re
import time
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from simulator.ark_responses import ERRORS
from simulator.faults import ABOUT, ACTIONS, FAULT_MARKS, KINDS, is_kind
from simulator.settings import Settings
from simulator.visual_responses import BUSINESS, GATEWAY
from tests.each import for_each
from tests.simulator.caller import PATIENCE, Caller

DONE = "[[slow 0]] 猫"
SIZE = {"width": 512, "height": 512}
UNENDING = {"endless", "stalled", "huge"}
# Every fault without a code, with every call that it can befall.
SPOILS = [
    (action, kind)
    for kind in sorted(KINDS.keys() - UNENDING)
    for action in ACTIONS
    if is_kind(action, kind)
]


def faults(caller, *entries):
    assert caller.control("faults", list(entries)).status == 200


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.size


def polled(caller, words: str, **fields):
    return caller.poll(caller.accepted(f"{DONE} {words}", **SIZE), **fields)


def link(reply) -> str:
    return reply.json["data"]["image_urls"][0]


@pytest.fixture
def picture_url(caller) -> str:
    return link(polled(caller, ""))


def test_faults_are_used_up_in_order(caller):
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


@for_each(
    ("fault", "billed"),
    [
        ({"kind": "drop_before"}, 0),
        ({"kind": "drop_after"}, 1),
        ({"kind": "html_502", "accepted": True}, 1),
        ({"kind": "html_502", "accepted": False}, 0),
        ({"kind": "503"}, 0),
        ({"kind": "504"}, 0),
        ({"kind": "zero_bytes"}, 1),
        ({"kind": "truncated"}, 1),
    ],
)
def test_what_was_accepted_before_its_answer_was_lost_is_billed(
    simulator, caller, fault, billed
):
    """Who gets no answer, or a page of something on the way, cannot know."""
    caller.control("reset", {})
    faults(caller, {"action": "submit", **fault})

    with contextlib.suppress(ConnectionError, http.client.IncompleteRead):
        reply = caller.submit()
        assert not reply.body or "json" not in reply.headers["Content-Type"]

    assert [row["billed"] for row in simulator.ledger()["rows"]] == [True] * billed


def test_answers_take_the_time_they_are_told_to(simulator, caller, picture_url):
    slow = {"action": "poll", "kind": "slow", "seconds": 0.2}
    body = {"action": "image", "kind": "slow_body", "seconds": 0.2}
    task_id = caller.accepted()
    faults(caller, slow, body)
    calls = {
        "slow": lambda: caller.poll(task_id),
        "slow_body": lambda: caller.get(picture_url),
        "late": lambda: caller.submit(f"{DONE} [[late 0.2]]"),
        "process": lambda: caller.process("[[slow 0.2]]"),
        "ark": lambda: caller.ark("[[slow 0.2]]"),
    }

    for name, call in calls.items():
        started = time.monotonic()
        assert call().status == 200, name
        assert time.monotonic() - started >= 0.2, name
    assert len(simulator.ledger()["rows"]) == 5


def test_ending_code_on_a_poll_ends_the_task(simulator, caller):
    task_id = caller.accepted()
    faults(caller, {"action": "poll", "kind": 50511})

    codes = [caller.poll(task_id).code for _ in range(2)]

    ledger = simulator.ledger()
    assert codes == [50511, 50511]
    assert (ledger["billed"], ledger["running"]) == (0, {"jimeng_t2i_v30": 0})
    assert ledger["rows"][0]["outcome"] == "50511"


@for_each(
    ("kind", "status", "error"),
    [
        ("404", 404, UnidentifiedImageError),
        ("403", 403, UnidentifiedImageError),
        ("html_502", 502, UnidentifiedImageError),
        ("zero_bytes", 200, UnidentifiedImageError),
        ("not_an_image", 200, UnidentifiedImageError),
        ("truncated_image", 200, OSError),
        ("unended", None, http.client.IncompleteRead),
        ("truncated", None, http.client.IncompleteRead),
    ],
)
def test_download_may_give_no_picture(caller, picture_url, kind, status, error):
    faults(caller, {"action": "image", "kind": kind})
    with pytest.raises(error):
        reply = caller.get(picture_url)
        assert reply.status == status
        size_of(reply.body)
    assert size_of(caller.get(picture_url).body) == (512, 512)


@for_each(
    "entry",
    [
        {"action": "submit", "kind": "nonsense"},
        {"action": "pol", "kind": 50500},
        {"action": "poll", "kind": 50500, "times": 0},
        {"action": "poll", "kind": 50500, "tmies": 1},
        {"action": "image", "kind": 50411},
        {"action": "ark", "kind": 50411},
        {"action": "submit", "kind": "QuotaExceeded"},
        {"action": "poll", "kind": "1x1"},
        {"action": "get", "kind": 50500},
        {"action": "create", "kind": "not_a_video"},
        {"action": "image", "kind": "silent"},
        {"action": "video", "kind": "1x1"},
        "50500",
    ],
)
def test_faults_that_cannot_be_are_refused(caller, entry):
    """A test that asks for what there is not would prove nothing."""
    assert caller.control("faults", [entry]).status == 400


def test_body_may_never_end(caller, picture_url):
    """It goes on after the picture until the client hangs up."""
    faults(caller, {"action": "image", "kind": "endless"})
    connection = http.client.HTTPConnection(caller.host, timeout=PATIENCE)
    connection.request("GET", picture_url.removeprefix(f"http://{caller.host}"))
    with contextlib.closing(connection), connection.getresponse() as answer:
        assert len(answer.read(2_000_000)) == 2_000_000
    assert caller.get(picture_url).status == 200


def test_picture_of_another_size(caller):
    tiny = caller.get(link(polled(caller, "[[image 1x1]]"))).body
    half = caller.get(link(polled(caller, "[[image wrong_size]]"))).body
    data = polled(caller, "[[image wrong_size]]", req_json=None).json["data"]
    inside = base64.b64decode(data["binary_data_base64"][0])

    assert [size_of(each) for each in (tiny, half, inside)] == [
        *((1, 1), (256, 256), (256, 256))
    ]


def test_prompt_asks_for_codes(simulator, caller):
    endless = [caller.submit("猫 [[50411]]").code for _ in range(2)]
    twice = [caller.submit("猫 [[50429 2]]").code for _ in range(3)]
    task_id = caller.accepted("猫 [[poll 50500 2]]")
    polls = [caller.poll(task_id).code for _ in range(3)]
    caller.control("settings", {"limit": 9})
    harmless = caller.submit("a [[sign]] in the [[poll]] hall [[99]]").code

    assert (endless, twice) == ([50411, 50411], [50429, 50429, 10000])
    assert (polls, harmless) == ([50500, 50500, 10000], 10000)
    assert len(simulator.ledger()["rows"]) == 3


def test_prompt_asks_for_an_ending(clock, simulator, caller):
    """The task runs its time, or that of its ``slow``, and then is refused, unpaid."""
    task_id = caller.accepted("猫 [[slow 20]] [[poll 50511]]")
    clock.now += 19
    running = caller.poll(task_id)
    clock.now += 1
    ended = caller.poll(task_id)

    assert running.json["data"]["status"] == "generating"
    assert (ended.status, ended.code) == (400, 50511)
    assert simulator.ledger()["billed"] == 0
    for call in (caller.submit, caller.ark):  # or for a lost answer
        with pytest.raises(ConnectionError):
            call(f"{DONE} [[drop]]")
    assert simulator.ledger()["billed"] == 2


def test_odd_results_wait_for_the_result(clock, caller):
    """Polls of a task that is not done do not use them up, by words or by fault."""
    task_id = caller.accepted("[[poll several 1]]", **SIZE)
    caller.poll(task_id)
    caller.control("faults", [{"action": "poll", "kind": "expired_link"}])
    caller.poll(task_id)
    clock.now += 10
    expired, several = (caller.poll(task_id) for _ in range(2))

    assert caller.get(link(expired)).status == 403
    assert len(several.json["data"]["image_urls"]) == 4


def test_call_after_a_fault_is_as_usual(caller):
    """Whatever becomes of an answer, the simulator goes on."""
    caller.control("settings", {"plain": True})  # one file for all videos
    for action, kind in SPOILS:
        entry = {"action": action, "kind": kind, "seconds": 0.01}
        assert caller.control("faults", [entry]).status == 200, (action, kind)
        with contextlib.suppress(OSError, http.client.HTTPException):
            make(caller, action)
        assert make(caller, action).status == 200, (action, kind)


def make(caller: Caller, action: str):
    """One call of *action*; the quickest there is."""
    if action == "image":
        return caller.get(link(polled(caller, "")))
    if action == "poll":
        return polled(caller, "")
    if action == "list":
        return caller.tasks("GET")
    if action in ("create", "get", "delete", "video"):
        reply = caller.create()
        if action == "create":
            return reply
        path = f"/{reply.json['id']}"
        if action == "video":
            return caller.get(caller.task(path[1:])["content"]["video_url"])
        return caller.tasks("GET" if action == "get" else "DELETE", path)
    size = {"width": 256, "height": 256} if action == "process" else {}
    return getattr(caller, action)(DONE, **size)


FOLDER = Path(__file__).parents[2] / "simulator"
MANUALS = [(FOLDER / each).read_text("utf-8") for each in ("README.md", "README.en.md")]
EXAMPLES = set(re.findall(r"\[\[[\w. ]+\]\]", "".join(MANUALS), re.ASCII))
TO_BE_FILLED_IN = {"[[code]]", "[[poll code]]"}


def in_both(pattern: str) -> set[str]:
    return set.intersection(*(set(re.findall(pattern, each)) for each in MANUALS))


def test_every_name_and_number_is_in_the_manual():
    """Else nobody would find it: of the service, of the gateway, of the settings."""
    settings = {each.name for each in fields(Settings)}

    assert {*KINDS, *ERRORS, *settings, *ACTIONS} - in_both(r"`([\w.]+)`") == set()
    # The service's codes stand in lists without quotes.
    numbers = in_both(r"\b(?:50|100)\d{3}\b")
    assert {str(code) for code in (*BUSINESS, *GATEWAY)} - numbers == set()


def test_every_example_works():
    for words in EXAMPLES - TO_BE_FILLED_IN:
        ((prefix, kind, _),) = FAULT_MARKS.findall(words)
        is_known = any(is_kind(action, kind) for action in ABOUT[prefix])
        assert is_known, words
