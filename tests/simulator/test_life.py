"""A task's life: states, limits, links, what is billed, and what a restart keeps."""

import io
import sqlite3
from contextlib import closing

from PIL import Image

from simulator import Simulator
from simulator.ledger import ADDED
from simulator.settings import Account
from tests.at_once import at_once
from tests.simulator.caller import KEYS, SEEDANCE, Caller

TWELVE_HOURS = 12 * 3600


def status(caller, task_id):
    return caller.poll(task_id).json["data"]["status"]


def test_task_goes_on_with_time(clock, caller):
    task_id = caller.accepted()
    seen = []

    for seconds in (0, 1, 2, 9, 10, TWELVE_HOURS - 1, TWELVE_HOURS):
        clock.now = 1_800_000_000.0 + seconds
        seen.append(status(caller, task_id))

    waiting, drawing, done = ["in_queue"] * 2, ["generating"] * 2, ["done"] * 2
    assert seen == [*waiting, *drawing, *done, "not_found"]
    # So it is with another req_key, and one that nobody knows: invalid input.
    unknown = caller.poll("7000000000000000000")
    other = caller.poll(task_id, req_key="jimeng_t2i_v31")

    assert (unknown.status, unknown.code) == (400, 50215)
    assert (other.status, other.code) == (400, 50215)
    assert caller.poll("1", req_key="jimeng_t2i_v99").code == 50400


def test_link_leads_to_the_picture(clock, caller):
    task_id = caller.accepted(width=512, height=768)
    clock.now += 10

    data = caller.poll(task_id).json["data"]
    url = data["image_urls"][0]
    reply = caller.get(url)

    assert data["binary_data_base64"] is None
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(reply.body)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (512, 768))
    expires = int(clock.now) + 24 * 3600
    longer = url.replace(f"x-expires={expires}", f"x-expires={expires + 999}")
    assert longer != url
    assert caller.get(longer).status == 403
    clock.now = expires - 1
    assert caller.get(url).status == 200
    clock.now = expires
    assert caller.get(url).status == 403


def test_running_tasks_are_limited(clock, simulator, caller):
    """However many ask at once; for each model by itself."""
    codes = at_once(8, lambda _: caller.submit().code)
    other = caller.submit(req_key="jimeng_t2i_v31").code
    clock.now += 10

    assert sorted(codes) == [10000] * 2 + [50430] * 6
    assert other == 10000
    assert caller.submit().code == 10000
    ledger = simulator.ledger()
    assert ledger["high_water"] == {"jimeng_t2i_v30": 2, "jimeng_t2i_v31": 1}
    assert ledger["running"] == {"jimeng_t2i_v30": 1, "jimeng_t2i_v31": 0}


def test_ledger_tells_what_was_accepted(clock, caller):
    task_id = caller.accepted("海", seed=7, width=512, height=1024)
    caller.poll(task_id)
    before = caller.get("/_simulator/ledger").json["rows"]
    clock.now += 10
    after = caller.get("/_simulator/ledger").json

    (row,) = after["rows"]
    assert (before[0]["outcome"], before[0]["finished_at"]) == ("running", None)
    wanted = {
        **{"task_id": task_id, "req_key": "jimeng_t2i_v30", "prompt": "海", "seed": 7},
        **{"accepted_at": clock.now - 10, "finished_at": clock.now, "outcome": "done"},
        **{"polls": 1, "downloads": 0, "images": 1, "picture": "JPEG", "billed": True},
    }
    assert {name: row[name] for name in wanted} == wanted
    assert after["calls"] == {"submit": 1, "poll": 1}


def test_restart_forgets_nothing(tmp_path, clock):
    state = {"state": str(tmp_path / "ledger"), "clock": clock, "plain": True}
    with Simulator(**KEYS, **state) as first:
        caller = Caller(first.port)
        done, running = caller.accepted(), caller.accepted("[[slow 99]]")
        clock.now += 5
        url = caller.poll(done).json["data"]["image_urls"][0]
        before = first.ledger()

    with Simulator(**KEYS, **state) as second:
        caller = Caller(second.port)
        path = url.removeprefix(f"http://127.0.0.1:{first.port}")

        assert second.ledger() == before
        assert caller.get(path).status == 200
        assert status(caller, running) == "generating"


def test_file_of_an_earlier_release_is_read(tmp_path, clock):
    """Its tasks are still there, and videos can be added to it."""
    path = tmp_path / "ledger"
    state = {"state": str(path), "clock": clock, "plain": True}
    with Simulator(**KEYS, **state) as simulator:
        task_id = Caller(simulator.port).accepted()
    with closing(sqlite3.connect(path)) as database:
        for name in ADDED:
            database.execute(f"ALTER TABLE task DROP COLUMN {name}")

    with Simulator(**KEYS, **state) as simulator:
        caller = Caller(simulator.port)
        clock.now += 10
        assert status(caller, task_id) == "done"
        assert caller.task(caller.created())["status"] == "succeeded"


def test_control(simulator, caller):
    """Not for what it does not know, nor for pages of elsewhere in a browser here."""
    caller.accepted()
    for unknown in ({"limits": 3}, {"limit": "3"}):
        assert caller.control("settings", unknown).status == 400
    for headers in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert caller.send("POST", "/_simulator/reset", b"{}", headers).status == 403
    assert len(simulator.ledger()["rows"]) == 1
    caller.control("settings", {"limit": 9})
    caller.control("faults", [{"action": "submit", "kind": 50500}])

    caller.control("reset", {})

    ledger = simulator.ledger()
    assert (ledger["rows"], ledger["calls"], ledger["high_water"]) == ([], {}, {})
    assert caller.get("/_simulator/settings").json["limit"] == 2
    assert caller.submit().code == 10000


def test_accounts_have_limits_and_tasks_of_their_own(clock):
    other = Account("AKother", "AKother", "other-secret", "", "other-ark", 1)
    with Simulator(**KEYS, accounts=[other], clock=clock, plain=True) as simulator:
        main = Caller(simulator.port)
        theirs = Caller(simulator.port, "other-secret", access="AKother")
        mine = [main.submit() for _ in range(3)]
        his = [theirs.submit() for _ in range(2)]
        name = his[0].json["data"]["task_id"]
        clock.now += 60
        seen = [each.poll(name).code for each in (main, theirs)]
        main.control("settings", {"revoked": "AKother"})
        refused = theirs.submit().code

        assert [each.code for each in mine] == [10000, 10000, 50430]
        assert [each.code for each in his] == [10000, 50430]
        assert seen == [50215, 10000]
        assert refused == 100009
        high_water = {"jimeng_t2i_v30": 2, "jimeng_t2i_v30@AKother": 1}
        assert simulator.ledger()["high_water"] == high_water

        mine = main.created("猫")
        content = [{"type": "text", "text": "猫"}]
        usual = {"model": SEEDANCE, "content": content}
        orders = [main.tasks("POST", "", usual, key="other-ark") for _ in range(2)]
        assert main.tasks("GET", f"/{mine}", key="other-ark").status == 404
        queued = main.tasks("GET", "?filter.status=queued", key="other-ark").json
        assert [each["id"] for each in queued["items"]] == [orders[1].json["id"]]
        assert main.tasks("GET").json["total"] == 1
