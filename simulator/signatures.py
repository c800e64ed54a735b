"""
Verify the signature of a request: HMAC-SHA256 with a key derived from the date.

Implemented from https://www.volcengine.com/docs/6369/67269 and the signer of the
package volcengine 1.0.229, independently of the client's signing, so that a bug there
is not repeated here.
"""

import hashlib
import hmac
import re
from calendar import timegm
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import strptime
from urllib.parse import parse_qsl, quote

from simulator.settings import Account

WINDOW = 15 * 60  # seconds of tolerance for X-Date, in either direction
SIGNED_IF_SENT = {"content-type", "x-content-sha256", "x-security-token"}
SCOPE_END = ("cn-north-1", "cv", "request")
AUTHORIZATION = re.compile(
    r"HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<scope>[^,\s]+), ?"
    r"SignedHeaders=(?P<names>[^,\s]+)(?:, ?Signature=(?P<signature>[^,\s]*))?"
)

Verdict = tuple[int, str] | None  # gateway code, message ("": the usual one)


@dataclass(frozen=True)
class Received:
    """
    A request as received.

    Attributes:
        headers: Lower-case name -> value.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def check(request: Received, keys: Account, now: float) -> Verdict:
    """
    Verify the signature of *request* at Unix time *now*.

    Returns:
        None if it is valid, else the gateway's code and message.
    """
    text = request.headers.get("authorization", "")
    if not text:
        return 100003, ""
    found = AUTHORIZATION.fullmatch(text)
    if found is None:
        return 100024, ""
    if not found["signature"]:
        return 100005, ""
    sent_at = parse_date(request.headers.get("x-date", ""))
    if sent_at is None or abs(now - sent_at) > WINDOW:
        return 100006, ""
    if found["key"] != keys.access_key:
        # The real gateway also repeats the key, so clients must mask it.
        return 100009, f"The accesskey [{found['key']}] is invalid."
    if request.headers.get("x-security-token", "") != keys.session_token:
        return 100026, ""
    names = found["names"].split(";")
    if not is_complete(request, names, found["scope"]):
        return 100010, ""
    wanted = signature(request, names, found["scope"], keys.secret_key)
    return None if hmac.compare_digest(wanted, found["signature"]) else (100010, "")


def account_of(request: Received, accounts: Sequence[Account]) -> Account:
    """The account of the request's access key; the first account if it is unknown."""
    found = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    named = (each for each in accounts if found and each.access_key == found["key"])
    return next(named, accounts[0])


def parse_date(text: str) -> int | None:
    try:
        return timegm(strptime(text, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def is_complete(request: Received, names: list[str], scope: str) -> bool:
    """Whether all required headers are signed, in order, and the body hash matches."""
    must = {"host", "x-date"} | (SIGNED_IF_SENT & set(request.headers))
    declared = request.headers.get("x-content-sha256", "")
    return (
        names == sorted(set(names))
        and must <= set(names) <= set(request.headers)
        and tuple(scope.split("/")) == (request.headers["x-date"][:8], *SCOPE_END)
        and declared in {"", hashlib.sha256(request.body).hexdigest()}
    )


def signature(request: Received, names: list[str], scope: str, secret: str) -> str:
    """Compute the expected signature of *request*, in hex."""
    canonical = "\n".join(
        [
            request.method,
            quote(request.path or "/", safe="/-_.~"),
            canonical_query(request.query),
            *(f"{name}:{header_value(request.headers, name)}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    message = "\n".join(["HMAC-SHA256", request.headers["x-date"], scope, digest])
    key = secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, message.encode(), "sha256").hex()


def canonical_query(query: str) -> str:
    """Sort by name, stably for equal names, and percent-encode as in RFC 3986."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    return "&".join(
        f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in pairs
    )


def header_value(headers: Mapping[str, str], name: str) -> str:
    value = headers[name].strip()
    return re.sub(r":(80|443)$", "", value) if name == "host" else value
