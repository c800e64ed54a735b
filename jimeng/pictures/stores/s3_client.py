"""
A client of a bucket with the S3 protocol: TOS, MinIO, AWS.

boto3 signs requests and parses responses; they are sent through the HTTP adapter of the
providers' calls, so that each has one attempt and a total timeout of 20 s. A store that
does not answer blocks one caller at a time, not every thread that needs a picture.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO
from urllib.parse import urlsplit

from boto3.session import Session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from requests import PreparedRequest, RequestException
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from jimeng.config import Config
from jimeng.errors import StorageUnavailable
from jimeng.providers.transport import CAP, PIECE, Call, WatchedAdapter, thread

TIMEOUT_S = (3.0, 10.0)  # to connect or send a piece, to wait for each packet
OPERATION_TIMEOUT_S = 20.0
BACK_OFF_S = 3.0  # after `MAX_UNANSWERED` requests without a response
MAX_UNANSWERED = 2  # successive requests without a response before the back-off
NOT_THERE = frozenset({"NoSuchKey", "NotFound", "404"})
# Error code -> reason; the message key of the advice is ``doctor.s3_<reason>``.
REASONS = {
    **dict.fromkeys(("NoSuchBucket", "InvalidBucketName"), "bucket"),
    **dict.fromkeys(
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"), "keys"
    ),
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "403"), "denied"),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired"), "clock"),
    **dict.fromkeys(
        ("QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull"),
        "full",
    ),
    **dict.fromkeys(("InsufficientStorage", "507"), "full"),
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "301"), "region"
    ),
}
AWAY, REFUSES = "away", "refuses"
NEVER = float("-inf")
SILENT = "it has not answered just now"


class OperationCall(Call):
    """The shared timeout of all requests of one operation."""

    def __init__(self) -> None:
        super().__init__(OPERATION_TIMEOUT_S, None, CAP, None)

    def pieces(self, data: bytes) -> Iterator[bytes | memoryview]:
        view = memoryview(data)
        for start in range(0, len(view), PIECE):
            self.remaining()
            yield view[start : start + PIECE]

    def renew(self) -> None:
        """Restart the timeout and the limit of bytes: a reader continues."""
        self._begin(OPERATION_TIMEOUT_S)
        self._remaining_bytes = CAP


class Bucket:
    """
    The objects of a bucket by key; thread-safe.

    Args:
        config: The ``S3_`` settings. Without keys, boto3 searches for credentials on
            the machine, such as the role of an instance.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.where = f"s3://{config.S3_BUCKET}/{config.S3_PREFIX}"
        self._adapter = WatchedAdapter()
        self._clients: dict[str, BaseClient] = {}
        self._making = threading.Lock()
        self._asking = threading.local()
        self._unanswered = 0
        self._failed_at = 0.0
        self._trial = threading.Lock()
        self.worked_at = (
            NEVER  # time of the last successful write, if nothing has failed since
        )

    @contextmanager
    def operation(self) -> Iterator[OperationCall]:
        """
        Perform requests within `OPERATION_TIMEOUT_S` in total.

        Raises:
            StorageUnavailable: a request failed, or the store is being backed off from.
        """
        self.require_answers()
        is_trial = self._unanswered >= MAX_UNANSWERED
        if is_trial and not self._trial.acquire(blocking=False):
            raise unavailable(SILENT, AWAY)
        self._asking.leash = leash = OperationCall()
        try:
            with self.trouble():
                yield leash
        finally:
            del self._asking.leash
            if is_trial:
                self._trial.release()

    def require_answers(self) -> None:
        """
        Raises:
            StorageUnavailable: recent requests got no response, so it backs off.
        """
        is_fresh = time.monotonic() < self._failed_at + BACK_OFF_S
        if is_fresh and self._unanswered >= MAX_UNANSWERED:
            raise unavailable(SILENT, AWAY)

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """
        Record failures, and translate errors.

        Raises:
            StorageUnavailable: for every error, without the address.
        """
        try:
            yield
        except ClientError as error:
            self.worked_at = NEVER
            raise unavailable(code_of(error), reason_of(error)) from None
        except NoCredentialsError as error:
            self._clients.clear()  # credentials may appear later
            raise unavailable("there are no keys for it", "keys") from error
        except (BotoCoreError, RequestException, HTTPError, OSError) as error:
            self._unanswered += 1
            self._failed_at, self.worked_at = time.monotonic(), NEVER
            raise unavailable(type(error).__name__, AWAY) from None

    def put(self, key: str, content: bytes) -> None:
        """Store an object; call within `operation`."""
        self._client().put_object(**self._named(key), Body=content)
        self.worked_at = time.monotonic()

    def get(self, key: str, start: int, end: int) -> tuple[BinaryIO, int] | None:
        """
        An object from byte *start* up to *end*, and the number of bytes; None if it
        does not exist. Call within `operation`.
        """
        wanted = f"bytes={start}-{end - 1}"
        try:
            answer = self._client().get_object(**self._named(key), Range=wanted)
        except ClientError as error:
            if code_of(error) in NOT_THERE:
                return None
            raise
        return answer["Body"], answer["ContentLength"]

    def begin_upload(self, key: str) -> str:
        """Begin an object in parts, and return the upload's id; as `put`."""
        return self._client().create_multipart_upload(**self._named(key))["UploadId"]

    def put_part(self, key: str, upload: str, number: int, content: bytes) -> str:
        """Send a part, and return its ETag."""
        about = {**self._named(key), "UploadId": upload, "PartNumber": number}
        return self._client().upload_part(**about, Body=content)["ETag"]

    def end_upload(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Make an object of its parts."""
        parts = [{"PartNumber": n, "ETag": each} for n, each in enumerate(etags, 1)]
        about = {**self._named(key), "UploadId": upload}
        self._client().complete_multipart_upload(
            **about, MultipartUpload={"Parts": parts}
        )
        self.worked_at = time.monotonic()

    def open_uploads(self, key: str) -> list[str]:
        """The ids of the uploads of an object that did not end."""
        named = self._named(key)
        found = self._client().list_multipart_uploads(
            Bucket=named["Bucket"], Prefix=named["Key"]
        )
        return [each["UploadId"] for each in found.get("Uploads", [])]

    def abort_upload(self, key: str, upload: str) -> None:
        """Delete the parts of an upload."""
        self._client().abort_multipart_upload(**self._named(key), UploadId=upload)

    def delete(self, key: str) -> None:
        """Delete an object, if it exists; call within `operation`."""
        self._client().delete_object(**self._named(key))

    def link(self, key: str, *, seconds: float, content_type: str) -> str:
        """A presigned link to an object, valid for *seconds*."""
        about = {**self._named(key), "ResponseContentType": content_type}
        public = self._config.S3_PUBLIC_ENDPOINT or self._config.S3_ENDPOINT
        with self.trouble():
            return self._client(public).generate_presigned_url(
                "get_object", Params=about, ExpiresIn=int(seconds)
            )

    def _named(self, key: str) -> dict[str, str]:
        config = self._config
        return {"Bucket": config.S3_BUCKET, "Key": f"{config.S3_PREFIX}{key}"}

    def _client(self, endpoint: str | None = None) -> BaseClient:
        """The client of an endpoint, created on first use: after the fork."""
        endpoint = self._config.S3_ENDPOINT if endpoint is None else endpoint
        with self._making:
            if endpoint not in self._clients:
                self._clients[endpoint] = client = make_client(self._config, endpoint)
                client.meta.events.register("before-send.s3", self._send)
            return self._clients[endpoint]

    def _send(self, request: AWSPreparedRequest, **about: object) -> AWSResponse:
        """Send a signed request in place of boto3."""
        plain = PreparedRequest()
        plain.method, plain.url, plain.body = request.method, request.url, request.body
        plain.headers = headers_of(request.headers)
        thread.call = self._asking.leash
        try:
            answer = self._adapter.send(
                plain,
                stream=True,
                timeout=TIMEOUT_S,
                verify=self._config.S3_CA_BUNDLE or True,
            )
        finally:
            del thread.call
        self._unanswered = 0
        return AWSResponse(request.url, answer.status_code, answer.headers, answer.raw)


def make_client(config: Config, endpoint: str) -> BaseClient:
    session = Session(
        aws_access_key_id=config.S3_ACCESS_KEY or None,
        aws_secret_access_key=config.S3_SECRET_KEY or None,
        region_name=config.S3_REGION,
    )
    return session.client(
        "s3",
        endpoint_url=endpoint or None,
        config=ClientConfig(
            signature_version="s3v4",
            retries={"total_max_attempts": 1},
            # Newer features of S3: TOS refuses such requests.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": addressing(config.S3_ADDRESSING, endpoint)},
        ),
    )


def addressing(style: str, endpoint: str) -> str:
    """
    The addressing style: the bucket's name in the host (``virtual``) or in the path. A
    host without a dot, such as ``minio``, usually has no subdomains; boto3 itself
    handles IP addresses.
    """
    if style != "auto":
        return style
    is_bare = endpoint and "." not in (urlsplit(endpoint).hostname or "")
    return "path" if is_bare else "virtual"


def headers_of(headers: Mapping[str, str | bytes]) -> CaseInsensitiveDict:
    """The headers without ``Expect``, which this client does not support."""
    plain = {k: v.decode() if isinstance(v, bytes) else v for k, v in headers.items()}
    return CaseInsensitiveDict({k: v for k, v in plain.items() if k != "Expect"})


def code_of(error: ClientError) -> str:
    """The error code of the response; its status if there is none."""
    return str(error.response["Error"].get("Code", "refused"))


def reason_of(error: ClientError) -> str:
    about = error.response.get("ResponseMetadata", {})
    by_status = REASONS.get(str(about.get("HTTPStatusCode")), REFUSES)
    return REASONS.get(code_of(error), by_status)


def unavailable(why: str, reason: str) -> StorageUnavailable:
    return StorageUnavailable(f"object store: {why}", retry_after=5, reason=reason)
