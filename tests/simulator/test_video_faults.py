"""What can go wrong with a video: its order, its polls, its link, its file."""

import contextlib
import http.client
import threading

import av
import pytest

from tests.each import for_each
from tests.simulator.caller import PATIENCE, Caller
from tests.simulator.test_videos import opened

LENGTH = 2 * 1024**3
FILE_KINDS = {
    "silent": (864, 496, 97, 0),
    "wrong_resolution": (432, 248, 97, 1),
    "wrong_length": (864, 496, 48, 1),
    "bomb": (4608, 4608, 1, 1),
    "audio_only": (1,),
}


def fault(caller: Caller, action: str, kind: str, **more) -> None:
    body = [{"action": action, "kind": kind, **more}]
    assert caller.control("faults", body).status == 200


@pytest.fixture
def url(caller) -> str:
    task_id = caller.created(generate_audio=True)
    return caller.task(task_id)["content"]["video_url"]


@for_each(
    ("kind", "status", "rows"),
    [
        ("InputImageSensitiveContentDetected.PrivacyInformation", 400, 0),
        ("AccountOverdueError", 403, 0),
        ("QuotaExceeded", 429, 0),
        ("InternalServiceError", 500, 0),
        ("html_502", 502, 0),
        ("truncated", 200, 1),
    ],
)
def test_order_may_be_refused(simulator, caller, kind, status, rows):
    caller.control("reset", {})
    with contextlib.suppress(http.client.IncompleteRead):
        assert caller.create(f"[[{kind}]]").status == status
    fault(caller, "create", kind)
    with contextlib.suppress(http.client.IncompleteRead):
        assert caller.create().status == status

    assert len(simulator.ledger()["rows"]) == 2 * rows


@for_each("words", ["[[{}]]", "[[poll {}]]"])
def test_task_may_fail(simulator, caller, words):
    caller.control("reset", {})
    code = "OutputVideoSensitiveContentDetected.PolicyViolation"
    task = caller.task(caller.created("[[slow 0]] " + words.format(code)))

    assert (task["status"], task["error"]["code"]) == ("failed", code)
    assert "content" not in task
    assert "usage" not in task
    assert simulator.ledger()["video_micros"] == 0


def test_polls_may_fail_or_say_odd_things(caller):
    words = "[[slow 0]] [[poll InternalServiceError 2]]"
    task_id = caller.created(words)
    codes = [caller.tasks("GET", f"/{task_id}").status for _ in range(3)]
    fault(caller, "get", "unknown_status")
    fault(caller, "get", "done_but_empty")
    fault(caller, "get", "expired")
    fault(caller, "get", "not_found")
    odd = [caller.tasks("GET", f"/{task_id}") for _ in range(4)]

    assert codes == [500, 500, 200]
    seen = [each.json.get("status") for each in odd]
    assert seen == ["processing", "succeeded", "expired", None]
    assert odd[1].json["content"] == {}
    assert odd[3].status == 404
    assert caller.task(task_id)["content"]["video_url"]


def test_calls_may_be_limited_per_second(clock, caller):
    """As the real service limits them: one list, twenty gets."""
    caller.control("settings", {"enforce_rates": True})
    task_id = caller.created()
    lists = [caller.tasks("GET").status for _ in range(2)]
    gets = [caller.tasks("GET", f"/{task_id}").status for _ in range(21)]
    clock.now += 1

    assert lists == [200, 429]
    assert gets == [200] * 20 + [429]
    assert caller.tasks("GET").status == 200


def test_download_may_break_and_be_continued(caller, url):
    whole = caller.get(url)
    found = b""
    for _ in range(2):
        fault(caller, "video", "truncated")
        with pytest.raises(http.client.IncompleteRead) as error:
            caller.get(
                url, Range=f"bytes={len(found)}-", If_Range=whole.headers["ETag"]
            )
        found += error.value.partial
    found += caller.get(url, Range=f"bytes={len(found)}-").body

    assert found == whole.body


def test_download_may_change_or_know_no_ranges(caller, url):
    first = caller.get(url)
    tag = first.headers["ETag"]
    for kind in ("changed", "changed", "no_range", "no_etag"):
        fault(caller, "video", kind)
    other = caller.get(url, Range="bytes=100-199")
    whole = caller.get(url, Range="bytes=100-199", If_Range=tag)
    ignored, untagged = (caller.get(url, Range="bytes=5-9") for _ in range(2))

    assert (other.status, whole.status) == (206, 200)
    assert other.headers["ETag"] == whole.headers["ETag"] != tag
    assert whole.body != first.body
    assert (ignored.status, ignored.body) == (200, first.body)
    assert ignored.headers["Accept-Ranges"] is None
    assert (untagged.status, untagged.headers["ETag"]) == (206, None)


def started(caller: Caller, url: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(caller.host, timeout=PATIENCE)
    connection.request("GET", url.removeprefix(f"http://{caller.host}"))
    return connection


def test_download_may_stall(simulator, caller, url):
    """Stopping does not wait for it."""
    whole = caller.get(url).body
    fault(caller, "video", "stalled", times=2)
    with contextlib.closing(started(caller, url)) as link, link.getresponse() as answer:
        assert answer.headers["Content-Length"] == str(len(whole))
        assert answer.read(len(whole) // 2) == whole[: len(whole) // 2]
        link.sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            answer.read(1)
    with contextlib.closing(started(caller, url)) as link, link.getresponse() as answer:
        stopping = threading.Thread(target=simulator.stop)
        stopping.start()

        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    stopping.join()


def test_file_may_be_huge(caller, url):
    whole = caller.get(url).body
    fault(caller, "video", "huge", times=3)
    head = caller.get(url, "HEAD")
    ranged = caller.get(url, Range=f"bytes={len(whole)}-{len(whole) + 19}")
    last = caller.get(url, Range="bytes=-10")

    assert head.headers["Content-Length"] == str(LENGTH)
    assert ranged.body == (LENGTH - len(whole)).to_bytes(4, "big") + b"free" + bytes(12)
    assert last.headers["Content-Range"] == f"bytes {LENGTH - 10}-{LENGTH - 1}/{LENGTH}"
    assert last.body == bytes(10)
    # For load tests: as large as real ones, and still a video.
    caller.control("settings", {"video_bytes": 3_000_000})
    data = caller.get(url).body
    assert len(data) == 3_000_000
    with opened(data) as file:
        assert len(list(file.decode(video=0))) == 97


@for_each("kind", list(FILE_KINDS))
def test_video_may_be_another_than_ordered(caller, url, kind):
    fault(caller, "video", kind)

    with opened(caller.get(url).body) as file:
        sides = [(v.width, v.height, v.frames) for v in file.streams.video]
        found = *sum(sides, ()), len(file.streams.audio)
        assert found == FILE_KINDS[kind]


def test_file_may_be_no_video_or_end_early(caller, url):
    whole = caller.get(url).body
    for kind in ("not_a_video", "html_502", "zero_bytes"):
        fault(caller, "video", kind)
        with pytest.raises(av.error.FFmpegError):
            opened(caller.get(url).body)
    fault(caller, "video", "truncated_video")
    half = caller.get(url)

    assert half.body == whole[: len(whole) // 2]
    with opened(half.body) as file:
        assert sum(1 for _ in file.demux(video=0)) < 97
