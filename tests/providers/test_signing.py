"""The signature, against what Volcengine's own signer makes of the same requests."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from requests import Request

from jimeng.providers.signing import VolcengineAuth, canonical_request
from tests.each import for_each

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "signing_vectors.json").read_text("utf-8")
)
URL = "https://visual.volcengineapi.com/?Action=A&Version=1"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def prepare(url: str = URL, *, method="POST", headers=None, body=b"{}", **auth):
    auth = {"clock": lambda: NOON, **auth}
    signer = VolcengineAuth("AKEXAMPLE", "SECRETEXAMPLE", **auth)
    headers = {"Content-Type": "application/json", **(headers or {})}
    return Request(method, url, headers=headers, data=body, auth=signer).prepare()


@for_each("vector", VECTORS)
def test_signs_as_the_official_signer_does(vector):
    assert len(VECTORS) == 15 and any(each["session_token"] for each in VECTORS)
    at = datetime.strptime(vector["date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    names = ("access_key", "secret_key", "session_token", "region", "service")
    auth = VolcengineAuth(**{each: vector[each] for each in names}, clock=lambda: at)
    body, url = base64.b64decode(vector["body_base64"]), vector["url"]
    asked = Request(vector["method"], url, vector["headers"], data=body, auth=auth)

    request = asked.prepare()

    assert (
        canonical_request(request.method, request.url, request.headers, body)
        == vector["canonical_request"]
    )
    assert request.headers["Authorization"] == vector["authorization"]


def test_header_names_in_any_case_are_signed():
    lower = prepare(headers={"content-type": "application/json", "x-trace": "1"})
    upper = prepare(headers={"Content-Type": "application/json", "X-Trace": "1"})

    assert lower.headers["Authorization"] == upper.headers["Authorization"]
    assert "content-type;host;x-content-sha256" in upper.headers["Authorization"]
    assert ";x-trace," in upper.headers["Authorization"]


def test_default_ports_are_not_signed():
    plain = prepare("http://example.com/?a=1")
    ported = prepare("http://example.com:80/?a=1")

    assert plain.headers["Authorization"] == ported.headers["Authorization"]


def test_date_is_utc_wherever_the_clock_is():
    here = NOON.astimezone(timezone(timedelta(hours=8)))

    assert prepare(clock=lambda: here).headers["X-Date"] == "20260131T120000Z"


def test_every_preparation_reads_the_clock():
    """A second attempt is signed for its own moment, not for that of the first."""
    moments = iter([NOON, NOON + timedelta(minutes=20)])
    auth = VolcengineAuth("AKEXAMPLE", "SECRETEXAMPLE", clock=lambda: next(moments))
    request = Request("POST", URL, data=b"{}", auth=auth)

    assert request.prepare().headers["X-Date"] == "20260131T120000Z"
    assert request.prepare().headers["X-Date"] == "20260131T122000Z"


def test_body_that_is_not_bytes_is_refused():
    """Text would be encoded after it was signed, so it is not signed at all."""
    with pytest.raises(TypeError, match="bytes"):
        prepare(body="猫")


def test_repr_shows_no_secret():
    shown = repr(VolcengineAuth("AKEXAMPLE", "SECRET", session_token="TOKEN"))

    assert "AKEXAMPLE" not in shown
    assert "SECRET" not in shown
    assert "TOKEN" not in shown
