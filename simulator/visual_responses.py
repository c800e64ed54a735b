"""The response formats of Volcengine Visual: the flat envelope, and the gateway's."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

JSON_TYPE = "application/json; charset=utf-8"
SUBMIT = "CVSync2AsyncSubmitTask"
POLL = "CVSync2AsyncGetResult"
PROCESS = "CVProcess"

# Business code: HTTP status and message, as documented for the image products.
BUSINESS = {
    50200: (400, "parameter check failed"),
    50204: (400, "req_key is not supported"),
    50215: (400, "Input invalid for this service."),
    50400: (401, "Access Denied: Access Denied"),
    50411: (400, "Pre Img Risk Not Pass"),
    50412: (400, "Text Risk Not Pass"),
    50413: (400, "Post Text Risk Not Pass"),
    50429: (429, "Request Has Reached API Limit, Please Try Later"),
    50430: (429, "Request Has Reached API Concurrent Limit, Please Try Later"),
    50500: (500, "Internal Error"),
    50501: (500, "Internal RPC Error"),
    50511: (400, "Post Img Risk Not Pass"),
    50512: (400, "Post Text Risk Not Pass"),
    50516: (400, "Post Video Risk Not Pass"),
    50517: (400, "Post Audio Risk Not Pass"),
    50518: (400, "Pre Img Risk Not Pass: Copyright"),
    50519: (400, "Post Img Risk Not Pass: Copyright"),
    50520: (400, "Risk Internal Error"),
    50521: (400, "Antidirt Internal Error"),
    50522: (400, "Image Copyright Internal Error"),
}
# With these codes only the poll has failed, and the task goes on; with the others the
# task itself has failed.
PASSING = {50200, 50204, 50215, 50400, 50429, 50430, 50500, 50501}
ENDING = frozenset(str(code) for code in BUSINESS.keys() - PASSING)
# Task states that a poll reports in a successful response.
STATES = {
    "unknown_status": "processing",
    "done_but_empty": "done",
    "expired": "expired",
    "not_found": "not_found",
}

# Gateway code: HTTP status, name, message. The statuses from 100016 on and the name of
# 100025 are not documented; they are inferred from the meaning.
GATEWAY = {
    100002: (400, "MissingParameter", "The request is missing a parameter."),
    100003: (401, "MissingAuthenticationToken", "The authentication token is missing."),
    100004: (400, "MissingRequestInfo", "The request is missing Action or Version."),
    100005: (401, "MissingSignature", "The request is missing a signature."),
    100006: (400, "InvalidTimestamp", "The Signature of the request is expired."),
    100007: (404, "ServiceNotFound", "The service was not found."),
    100008: (404, "InvalidActionOrVersion", "Could not find operation."),
    100009: (401, "InvalidAccessKey", "The accesskey [AKLTDEMO] is invalid."),
    100010: (401, "SignatureDoesNotMatch", "The request signature does not match."),
    100012: (403, "LackPolicy", "The user has no policy for this action."),
    100013: (403, "AccessDenied", "The user is not allowed to run this action."),
    100014: (500, "InternalError", "Internal error."),
    100016: (504, "InternalServiceTimeout", "The service timed out."),
    100024: (401, "InvalidAuthorization", "The Authorization header is malformed."),
    100025: (400, "InvalidSignature", "The signature cannot be read."),
    100026: (401, "InvalidSecretToken", "The security token is invalid."),
    100029: (401, "CheckAuthenticationError", "The authentication failed."),
}


@dataclass(frozen=True)
class Answer:
    """
    A response, and how it is sent.

    Attributes:
        headers: In addition to Content-Type and Content-Length.
        delay: Seconds to wait before sending.
        spread: Seconds over which the body is sent, in pieces.
        ending: ``""`` (normal); ``reset`` (connection reset, nothing sent); ``cut``
            (connection closed after half of the body); ``unended`` (chunked, without
            the last chunk); ``endless`` (more chunks until the client disconnects);
            ``stalled`` (nothing after half of the body, until the client disconnects).
        code: The code of the body, for the log.
        zeros: Number of zero bytes that follow the body.
    """

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    spread: float = 0.0
    ending: str = ""
    code: int | str = 0
    zeros: int = 0

    @property
    def length(self) -> int:
        return len(self.body) + self.zeros


@dataclass(frozen=True)
class Call:
    """One API call: the fields that its response repeats."""

    action: str
    version: str
    request_id: str
    started: float
    account: str = ""  # its name in the ledger

    @classmethod
    def begin(cls, action: str, version: str, now: float) -> "Call":
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(now))
        request_id = stamp + secrets.token_hex(10).upper()
        return cls(action, version, request_id, time.perf_counter())

    def success(self, data: object) -> Answer:
        return self._envelope(200, 10000, "Success", data)

    def business(self, code: int, message: str = "") -> Answer:
        """Refuse with a service code; *message* replaces the usual one."""
        status, usual = BUSINESS[code]
        # Only this code has data, and only in the response to a submission.
        has_data = code == 50215 and self.action != POLL
        data = {"resp_data": ""} if has_data else None
        return self._envelope(status, code, message or usual, data)

    def gateway(self, code: int, message: str = "") -> Answer:
        """Refuse as the gateway does, before the call reaches the service."""
        status, name, usual = GATEWAY[code]
        if code == 100008:
            usual = f"Could not find {self.action} for version {self.version}."
        error = {"CodeN": code, "Code": name, "Message": message or usual}
        metadata = {
            "RequestId": self.request_id,
            "Action": self.action,
            "Version": self.version,
            "Service": "cv",
            "Region": "cn-north-1",
            "Error": error,
        }
        return Answer(status, encode({"ResponseMetadata": metadata}), code=code)

    def refuse(self, kind: str) -> Answer:
        """Respond as a fault demands: with a code of either layer, or a state."""
        if kind in STATES:
            return self.progress(STATES[kind])
        code = int(kind)
        return self.business(code) if code in BUSINESS else self.gateway(code)

    def progress(self, status: str, **found: object) -> Answer:
        """Respond to a poll; fields missing from *found* are null."""
        empty = {"binary_data_base64": None, "image_urls": None}
        return self.success(dict(sorted({**empty, **found, "status": status}.items())))

    def video_progress(
        self, status: str, url: str = "", *, is_tagged: bool = False
    ) -> Answer:
        """Respond to a poll of a video."""
        return self.success(
            {"aigc_meta_tagged": is_tagged, "status": status, "video_url": url}
        )

    def _envelope(self, status: int, code: int, message: str, data: object) -> Answer:
        body = {
            "code": code,
            "data": data,
            "message": message,
            "request_id": self.request_id,
            "status": code,
            "time_elapsed": go_duration(time.perf_counter() - self.started),
        }
        return Answer(status, encode(body), code=code)


def encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_object(raw: bytes | str) -> Mapping[str, object] | None:
    """Parse *raw* as a JSON object; None for anything else."""
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def go_duration(seconds: float) -> str:
    """Format *seconds* as Go does: ``412.503µs``, ``104.318822ms``, ``9.5s``."""
    nanoseconds = max(1, round(seconds * 1e9))
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.9f}".rstrip("0").rstrip(".") + unit
    return f"{nanoseconds}ns"
