"""Who is let in, which parameters are taken, and the shape of what comes back."""

import base64
import hashlib
import io
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from jimeng.local.simulator import Simulator
from tests.each import for_each
from tests.simulator.caller import ACCESS_KEY, SECRET_KEY, SUBMIT, V30, Caller

OFFICIAL_CLIENT = Path(__file__).parent / "official_client.py"


def test_good_signature_is_accepted(caller):
    """The envelope has the documented fields, and the id is a string of 19 digits."""
    reply = caller.submit(seed=7, width=512, height=1024)

    assert reply.status == 200
    assert list(reply.json) == [
        *("code", "data", "message", "request_id", "status", "time_elapsed")
    ]
    assert (reply.json["code"], reply.json["message"]) == (10000, "Success")
    assert re.fullmatch(r"\d{19}", reply.json["data"]["task_id"])
    assert re.fullmatch(r"[\d.]+(µs|ms|s)", reply.json["time_elapsed"])
    assert re.fullmatch(r"\d{14}[0-9A-F]{20}", reply.json["request_id"])


@for_each(
    ("changes", "status", "code"),
    [
        ({"Authorization": ""}, 401, 100003),
        ({"Authorization": "Bearer abc"}, 401, 100024),
        ({"X_Content_Sha256": hashlib.sha256(b"other").hexdigest()}, 401, 100010),
        ({"Content_Type": "text/plain"}, 401, 100010),
        ({"X_Security_Token": "unasked"}, 401, 100026),
        ({"X_Date": "20200101T000000Z"}, 400, 100006),
        ({"X_Date": "yesterday"}, 400, 100006),
    ],
)
def test_tampered_request_is_refused(caller, changes, status, code):
    """A header that was changed after signing makes the gateway refuse."""
    reply = caller.call(SUBMIT, {"req_key": V30, "prompt": "猫"}, **changes)

    assert (reply.status, reply.code) == (status, code)


@for_each(("seconds", "code"), [(890, 10000), (910, 100006)])
@for_each("direction", [1, -1])
def test_date_may_be_fifteen_minutes_off(simulator, caller, seconds, code, direction):
    """Either way; beyond that the signature counts as expired."""
    offset = float(seconds * direction)
    caller.control("settings", {"signing_clock_offset": offset})

    assert caller.submit().code == code


@for_each(("token", "code"), [("sts", 10000), ("", 100026)])
def test_session_token_is_required_when_configured(token, code):
    """A temporary key without its token, or with another, is refused."""
    with Simulator(
        access_key=ACCESS_KEY, secret_key=SECRET_KEY, session_token="sts"
    ) as simulator:
        assert Caller(simulator.port, token=token).submit().code == code


def test_unknown_action_is_refused(caller):
    """The message names the action and the version."""
    reply = caller.call("CVDoNothing", {})

    error = reply.json["ResponseMetadata"]["Error"]
    assert (reply.status, error["CodeN"]) == (404, 100008)
    assert "CVDoNothing for version 2022-08-31" in error["Message"]


@for_each(
    ("fields", "status", "code"),
    [
        ({"req_key": "jimeng_t2i_v99"}, 401, 50400),
        ({"prompt": ""}, 400, 50200),
        ({"prompt": None}, 400, 50200),
        ({"prompt": "猫" * 801}, 400, 50200),
        ({"width": 1024}, 400, 50200),
        ({"width": 511, "height": 1024}, 400, 50200),
        ({"width": 1024, "height": 2049}, 400, 50200),
        ({"width": "1024", "height": "1024"}, 400, 50200),
        ({"width": True, "height": True}, 400, 50200),
        ({"seed": "7"}, 400, 50200),
        ({"use_pre_llm": "yes"}, 400, 50200),
    ],
)
def test_wrong_parameters_are_refused(simulator, caller, fields, status, code):
    """Nothing is accepted, and nothing billed."""
    reply = caller.call(SUBMIT, {"req_key": V30, "prompt": "猫", **fields})

    assert (reply.status, reply.code, reply.json["data"]) == (status, code, None)
    assert simulator.ledger()["rows"] == []


def encoded(mode: str, kind: str) -> str:
    out = io.BytesIO()
    Image.new(mode, (64, 48)).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


def test_official_client_is_understood():
    """The official package is let in, and its pictures too."""
    pictures = encoded("RGB", "JPEG"), encoded("L", "PNG")
    with Simulator(
        access_key=ACCESS_KEY, secret_key=SECRET_KEY, duration=0.0, plain=True
    ) as simulator:
        # Its service is one object per process and warns as it is imported.
        command = [sys.executable, "-W", "ignore", str(OFFICIAL_CLIENT)]
        arguments = [str(simulator.port), ACCESS_KEY, SECRET_KEY, *pictures]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=60
        )

        came = [each["inputs"] for each in simulator.ledger()["rows"]]

    assert "done" in done.stdout, done.stderr
    modes = [each["mode"] for row in came for each in row]
    assert modes == ["RGB", "L"]
