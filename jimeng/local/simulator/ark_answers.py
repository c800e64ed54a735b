"""The shapes in which Volcengine Ark answers, and its errors."""

import secrets
from dataclasses import dataclass

from jimeng.local.simulator.answers import Answer, encode

JSON_TYPE = "application/json"
TYPES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    500: "InternalServerError",
}
NOT_VALID = "The parameter `{}` specified in the request is not valid."
INPUT = "The input {} may contain sensitive information."
OUTPUT = "The output image may contain sensitive information."
FAILED = "The request failed because the output image may contain {} information."


def limit(what: str, of: str) -> str:
    return f"The {what} limit of the account for this {of} was exceeded."


# Their words by code, by HTTP status. Codes and statuses are those of
# https://www.volcengine.com/docs/82379/1299023; the words are not.
BY_STATUS: dict[int, dict[str, str]] = {
    400: {
        "MissingParameter": "The request is missing the `prompt` parameter.",
        "InvalidParameter": NOT_VALID.format("size"),
        "InvalidEndpoint.ClosedEndpoint": "The endpoint is closed.",
        "InputTextSensitiveContentDetected": INPUT.format("text"),
        "InputImageSensitiveContentDetected": INPUT.format("image"),
        "InputImageSensitiveContentDetected.PrivacyInformation": (
            "The input image may show a real person."
        ),
        "InputImageSensitiveContentDetected.PolicyViolation": (
            "The input image may violate a right of others."
        ),
        "InputImageRiskDetection": "The input image did not pass the check.",
        "SensitiveContentDetected": INPUT.format("content"),
        "OutputImageSensitiveContentDetected": OUTPUT,
        "OutputImageSensitiveContentDetected.DeepFake": (
            "The output image may show a real person."
        ),
        "OutputImageRiskDetection": "The output image did not pass the check.",
    },
    401: {
        "AuthenticationError": "The API key in the request is missing or invalid.",
        "InvalidAccountStatus": "The account is not in a normal state.",
    },
    403: {
        "AccountOverdueError": "The account has an overdue balance.",
        "AccessDenied": "The API key may not use this model.",
        "OperationDenied.ServiceNotOpen": "The service has not been opened.",
        "OperationDenied.ServiceOverdue": "The service has an overdue bill.",
    },
    404: {
        "InvalidEndpointOrModel.NotFound": (
            "The model or endpoint does not exist or you do not have access to it."
        ),
        "ModelNotOpen": "Your account has not activated the model.",
        "UnsupportedModel": "The model does not support this call.",
    },
    429: {
        "ModelAccountIpmRateLimitExceeded": limit("images-per-minute", "model"),
        "ModelAccountRpmRateLimitExceeded": limit("requests-per-minute", "model"),
        "ModelAccountTpmRateLimitExceeded": limit("tokens-per-minute", "model"),
        "RateLimitExceeded.EndpointRPMExceeded": limit(
            "requests-per-minute", "endpoint"
        ),
        "RateLimitExceeded.EndpointTPMExceeded": limit("tokens-per-minute", "endpoint"),
        "APIAccountRpmRateLimitExceeded": limit("requests-per-minute", "API"),
        "AccountRateLimitExceeded": "The rate limit of the account was exceeded.",
        "RequestBurstTooFast": "The number of requests rose too fast.",
        "ServerOverloaded": "The service is overloaded.",
        "InflightBatchsizeExceeded": "Too many requests of the account are under way.",
        "QuotaExceeded": "The free quota of the account is used up.",
        "SetLimitExceeded": (
            "The model service was paused because the usage cap of the safe trial mode"
            " was reached."
        ),
    },
    500: {
        "InternalServiceError": "The service encountered an unexpected internal error."
    },
}
# Code: HTTP status and words.
ERRORS = {
    code: (status, words)
    for status, errors in BY_STATUS.items()
    for code, words in errors.items()
}
PARAMS = {"MissingParameter": "prompt", "InvalidParameter": "size"}
# They come when the picture has been drawn, and nothing is billed.
ENDING = frozenset(code for code in ERRORS if code.startswith("Output"))
REFUSED_PICTURE = {
    "code": "OutputImageSensitiveContentDetected",
    "message": FAILED.format("sensitive"),
}


@dataclass(frozen=True)
class ArkCall:
    """
    One call of Ark.

    Attributes:
        request_id: Sent as a header and repeated in every error's message.
        now: Unix time.
        account: As the ledger names it.
    """

    request_id: str
    now: float
    account: str = ""

    @classmethod
    def begin(cls, now: float) -> "ArkCall":
        return cls(f"02{int(now * 1000):013d}{secrets.token_hex(19)}", now)

    def success(self, body: object) -> Answer:
        return self._answer(200, body)

    def refuse(self, code: str, message: str = "", param: str = "") -> Answer:
        """Refuse with *code*; *message* and *param* instead of its usual ones."""
        status, usual = ERRORS[code]
        error = {
            "code": code,
            "message": f"{message or usual} Request id: {self.request_id}",
            "param": param if message else PARAMS.get(code, ""),
            "type": TYPES[status],
        }
        return self._answer(status, {"error": error}, code)

    def invalid(self, param: str) -> Answer:
        """Refuse the value of *param*, or that it is there at all."""
        return self.refuse("InvalidParameter", NOT_VALID.format(param), param)

    def missing(self, param: str) -> Answer:
        text = f"The request is missing the `{param}` parameter."
        return self.refuse("MissingParameter", text, param)

    def _answer(self, status: int, body: object, code: str = "") -> Answer:
        headers = (("X-Request-Id", self.request_id),)
        return Answer(status, encode(body), JSON_TYPE, headers, code=code)
