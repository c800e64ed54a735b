"""Results that are odd: too many, too large, hidden, slow, or never ending."""

import base64
import contextlib
import http.client
import io
import time

import pytest
from PIL import Image

from jimeng.local.simulator.faults import ACTIONS, is_kind
from jimeng.local.simulator.kinds import KINDS
from tests.each import for_each
from tests.simulator.caller import Caller

DONE = "[[slow 0]] 猫"
SIZE = {"width": 512, "height": 512}
# Every fault without a code, with every call that it can befall.
SPOILS = [
    (action, kind)
    for kind in sorted(KINDS.keys() - {"endless"})
    for action in ACTIONS
    if is_kind(action, kind)
]


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


def test_expired_link_is_renewed_by_a_poll(caller):
    """The first poll's link is refused, the second's is good."""
    task_id = caller.accepted(f"{DONE} [[poll expired_link 1]]", **SIZE)
    urls = [link(caller.poll(task_id)) for _ in range(2)]

    assert [caller.get(url).status for url in urls] == [403, 200]


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


def test_links_may_be_escaped(caller):
    """The JSON text has no ampersand, and means the same."""
    reply = polled(caller, "[[poll escaped]]")

    assert b"&" not in reply.body
    assert b"\\u0026x-expires=" in reply.body
    assert caller.get(link(reply)).status == 200


def test_picture_of_another_size(caller):
    """Half of each side, behind the link and in base64."""
    words = "[[image wrong_size]]"

    assert size_of(caller.get(link(polled(caller, words))).body) == (256, 256)
    data = polled(caller, words, req_json=None).json["data"]
    assert size_of(base64.b64decode(data["binary_data_base64"][0])) == (256, 256)


@for_each(("kind", "status"), [("503", 503), ("504", 504)])
def test_something_on_the_way_answers(simulator, caller, kind, status):
    """In plain text; the submission was not accepted."""
    reply = caller.submit(f"[[{kind}]]")

    assert (reply.status, reply.headers["Content-Type"]) == (status, "text/plain")
    assert simulator.ledger()["rows"] == []


def test_empty_answer_was_accepted(simulator, caller):
    """Nobody can tell from the answer."""
    assert caller.submit("[[zero_bytes]]").body == b""
    assert simulator.ledger()["billed"] == 1


def test_body_may_be_slow(caller, picture_url):
    """The head comes at once, the last byte after the seconds asked for."""
    entry = {"action": "image", "kind": "slow_body", "seconds": 0.3}
    caller.control("faults", [entry])
    started = time.monotonic()

    assert size_of(caller.get(picture_url).body) == (512, 512)
    assert time.monotonic() - started >= 0.3


@for_each("kind", ["unended", "truncated"])
def test_body_may_miss_its_end(caller, picture_url, kind):
    """The connection is closed before."""
    caller.control("faults", [{"action": "image", "kind": kind}])

    with pytest.raises(http.client.IncompleteRead):
        caller.get(picture_url)


def test_body_may_never_end(caller, picture_url):
    """It goes on after the picture until the client hangs up."""
    caller.control("faults", [{"action": "image", "kind": "endless"}])
    connection = http.client.HTTPConnection(caller.host, timeout=10)
    connection.request("GET", picture_url.removeprefix(f"http://{caller.host}"))
    answer = connection.getresponse()
    read = len(answer.read(2_000_000))
    connection.close()

    assert read == 2_000_000
    assert caller.get(picture_url).status == 200


def test_submission_may_be_accepted_late(simulator, caller):
    """The row is there, then the answer."""
    started = time.monotonic()

    assert caller.submit(f"{DONE} [[late 0.2]]").code == 10000
    assert time.monotonic() - started >= 0.2
    assert len(simulator.ledger()["rows"]) == 1


def test_call_after_a_fault_is_as_usual(caller):
    """Whatever becomes of an answer, the simulator goes on."""
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
    size = {"width": 256, "height": 256} if action == "process" else {}
    return getattr(caller, action)(DONE, **size)


@for_each(
    ("action", "kind"),
    [("image", 50411), ("ark", 50411), ("submit", "QuotaExceeded"), ("poll", "1x1")],
)
def test_faults_of_another_call_are_refused(caller, action, kind):
    """A test that asks for what cannot be would prove nothing."""
    assert caller.control("faults", [{"action": action, "kind": kind}]).status == 400
