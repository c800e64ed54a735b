"""The response formats of Volcengine Ark, and its errors."""

import secrets
from dataclasses import dataclass

from simulator.visual_responses import Answer, encode

JSON_TYPE = "application/json"
TYPES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalServerError",
}
NOT_VALID = "The parameter `{}` specified in the request is not valid."
# Codes and statuses are those of https://www.volcengine.com/docs/82379/1299023.
BY_STATUS = {
    400: "MissingParameter InvalidParameter InvalidEndpoint.ClosedEndpoint "
    "InvalidSubscription ContentSecurityDetectionError "
    "InputTextSensitiveContentDetected "
    "InputTextSensitiveContentDetected.PolicyViolation "
    "InputImageSensitiveContentDetected "
    "InputImageSensitiveContentDetected.PrivacyInformation "
    "InputImageSensitiveContentDetected.PolicyViolation InputImageRiskDetection "
    "SensitiveContentDetected OutputImageSensitiveContentDetected "
    "OutputImageSensitiveContentDetected.DeepFake OutputImageRiskDetection "
    "InputVideoSensitiveContentDetected.PrivacyInformation "
    "InputVideoSensitiveContentDetected.PolicyViolation "
    "InputAudioSensitiveContentDetected "
    "InputAudioSensitiveContentDetected.PolicyViolation "
    "OutputVideoSensitiveContentDetected "
    "OutputVideoSensitiveContentDetected.PolicyViolation "
    "OutputAudioSensitiveContentDetected "
    "OutputAudioSensitiveContentDetected.PolicyViolation",
    401: "AuthenticationError InvalidAccountStatus",
    403: "AccountOverdueError AccessDenied OperationDenied.ServiceNotOpen "
    "OperationDenied.ServiceOverdue",
    404: "InvalidEndpointOrModel.NotFound "
    "InvalidEndpointOrModel.ModelIDAccessDisabled ModelNotOpen UnsupportedModel "
    "ResourceNotFound",
    409: "InvalidAction.RunningTaskDeletion InvalidAction.CancelledTaskDeletion",
    429: "ModelAccountIpmRateLimitExceeded ModelAccountRpmRateLimitExceeded "
    "ModelAccountTpmRateLimitExceeded RateLimitExceeded.EndpointRPMExceeded "
    "RateLimitExceeded.EndpointTPMExceeded APIAccountRpmRateLimitExceeded "
    "AccountRateLimitExceeded RequestBurstTooFast ServerOverloaded "
    "InflightBatchsizeExceeded QuotaExceeded SetLimitExceeded",
    500: "InternalServiceError",
}
# The code for an unknown task and for one that was cancelled are not documented.
# Code: HTTP status.
ERRORS = {code: status for status, codes in BY_STATUS.items() for code in codes.split()}
PARAMS = {"MissingParameter": "prompt", "InvalidParameter": "size"}
# Returned after the output was generated; it is not billed.
ENDING = frozenset(code for code in ERRORS if code.startswith("Output"))
REFUSED_PICTURE = {
    "code": "OutputImageSensitiveContentDetected",
    "message": "The output image may contain sensitive information.",
}


@dataclass(frozen=True)
class ArkCall:
    """
    One call of Ark.

    Attributes:
        request_id: Sent as a header and repeated in every error's message.
        now: Unix time.
        account: Its name in the ledger.
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
        """Refuse with *code*; *message* and *param* replace the usual ones."""
        status, usual = ERRORS[code], f"The simulator was asked for {code}."
        error = {
            "code": code,
            "message": f"{message or usual} Request id: {self.request_id}",
            "param": param if message else PARAMS.get(code, ""),
            "type": TYPES[status],
        }
        return self._answer(status, {"error": error}, code)

    def invalid(self, param: str) -> Answer:
        """Refuse *param*: its value is invalid, or it is not supported."""
        return self.refuse("InvalidParameter", NOT_VALID.format(param), param)

    def missing(self, param: str) -> Answer:
        text = f"The request is missing the `{param}` parameter."
        return self.refuse("MissingParameter", text, param)

    def not_found(self, task_id: str) -> Answer:
        text = f"The specified task `{task_id}` is not found."
        return self.refuse("ResourceNotFound", text, "id")

    def _answer(self, status: int, body: object, code: str = "") -> Answer:
        headers = (("X-Request-Id", self.request_id),)
        return Answer(status, encode(body), JSON_TYPE, headers, code=code)
